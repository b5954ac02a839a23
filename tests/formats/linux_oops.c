/* Oops texts: those of the corpus' real crashes, and short ones of each kind and age, written after
 * the printk formats of the kernels that print them. */
#include "oops.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct linux_log text_log;
static struct oops_log crash;

static void setup(void)
{
	arena = arena_create(64 << 20);
}

static void teardown(void)
{
	arena_destroy(arena);
}

TestSuite(linux_oops, .init = setup, .fini = teardown);

static void parse(const char *text)
{
	linux_log_from_text(text, strlen(text), arena, &text_log);
	oops_parse(&text_log, arena, &crash);
}

static void parse_file(const char *name)
{
	char path[512], text[16384];

	snprintf(path, sizeof(path), "%s/formats/data/linux/%s", TEST_DATA, name);
	FILE *file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	cr_assert_geq(linux_log_bid(text, n), 80, "%s", name);
	parse(text);
	cr_assert_not_null(crash.cause, "%s", name);
}

static const struct oops_frame *frame(const struct oops *e, size_t index)
{
	const struct oops_frame *f = list_at(&e->frames, index);

	cr_assert_not_null(f, "frame %zu", index);
	return f;
}

static bool has_module(const struct oops *e, const char *name, const char *taints)
{
	LIST_EACH(struct oops_module, m, &e->modules)
	{
		if (strcmp(m->name, name) == 0)
			return strcmp(m->taints, taints) == 0;
	}
	return false;
}

/* ---- the corpus ---------------------------------------------------------------------------- */

struct expected {
	const char *file;
	enum oops_kind kind;
	const char *symbol; /* of ip; NULL none */
	uint64_t offset;
	const char *module;
	const char *comm;
	uint64_t address;
	enum oops_access access;
	const char *panic; /* reason, NULL none in the log */
};

static const struct expected corpus[] = {
	{"content-6.1.log", OOPS_PAGE_FAULT, "acme_match_template", 0x28, "acme_edr",
	 "acme-sensord", 0xffff9c8e0000008a, OOPS_ACCESS_READ, NULL},
	{"content-qemu-6.1.log", OOPS_PAGE_FAULT, "acme_match_template", 0x28, "acme_edr",
	 "acme-sensord", 0xffff9c8e0000008a, OOPS_ACCESS_READ, "Fatal exception"},
	{"leaf-6.1.log", OOPS_PAGE_FAULT, "strnlen", 0x17, NULL, "acme-sensord", 0xffff9c8e0000008a,
	 OOPS_ACCESS_READ, NULL},
	{"nullcall-6.1.log", OOPS_NULL_POINTER, NULL, 0, NULL, "acme-sensord", 0,
	 OOPS_ACCESS_EXECUTE, NULL},
	{"heap-6.1.log", OOPS_GENERAL_PROTECTION, "exit_task_stack_account", 0x1f, NULL, "sleep",
	 0x50414548454d4341, OOPS_ACCESS_UNKNOWN, NULL},
	{"lockup-6.1.log", OOPS_SOFT_LOCKUP, "acme_parse_channel", 0xa3, "acme_edr", "acme-sensord",
	 0, OOPS_ACCESS_UNKNOWN, "softlockup: hung tasks"},
	{"hung-6.1.log", OOPS_HUNG_TASK, NULL, 0, NULL, "acme-sensord", 0, OOPS_ACCESS_UNKNOWN,
	 "hung_task: blocked tasks"},
	{"bpf-6.1.log", OOPS_SOFT_LOCKUP, "its_return_thunk", 0, NULL, "acme-bpfd", 0,
	 OOPS_ACCESS_UNKNOWN, "softlockup: hung tasks"},
	{"sysrq-6.1.log", OOPS_SYSRQ, NULL, 0, NULL, "sh", 0, OOPS_ACCESS_UNKNOWN,
	 "sysrq triggered crash"},
	{"content-6.12.log", OOPS_PAGE_FAULT, "acme_match_template", 0x28, "acme_edr",
	 "acme-sensord", 0xffff9c8e0000008a, OOPS_ACCESS_READ, NULL},
	{"nullcall-6.12.log", OOPS_NULL_POINTER, NULL, 0, NULL, "acme-sensord", 0,
	 OOPS_ACCESS_EXECUTE, NULL},
	{"heap-6.12.log", OOPS_GENERAL_PROTECTION, "__kmalloc_cache_noprof", 0xaf, NULL,
	 "acme-sensord", 0x4bedb42c83174a40, OOPS_ACCESS_UNKNOWN, NULL},
	{"lockup-6.12.log", OOPS_SOFT_LOCKUP, "acme_parse_channel", 0x94, "acme_edr",
	 "acme-sensord", 0, OOPS_ACCESS_UNKNOWN, "softlockup: hung tasks"},
	{"bpf-6.12.log", OOPS_SOFT_LOCKUP, "bpf_prog_cf9a4101eac61569_acme_outer", 0x66, NULL,
	 "acme-bpfd", 0, OOPS_ACCESS_UNKNOWN, "softlockup: hung tasks"},
	{"sysrq-6.12.log", OOPS_SYSRQ, NULL, 0, NULL, "sh", 0, OOPS_ACCESS_UNKNOWN,
	 "sysrq triggered crash"},
	{"content-arm64-6.12.log", OOPS_PAGE_FAULT, "acme_match_template", 0x34, "acme_edr",
	 "acme-sensord", 0xffff9c8e0000008a, OOPS_ACCESS_READ, NULL},
};

static void same_text(const char *file, const char *what, const char *got, const char *wanted)
{
	if (wanted)
		cr_expect(got && strcmp(got, wanted) == 0, "%s: %s is %s, not %s", file, what,
			  got ? got : "(null)", wanted);
	else
		cr_expect_null(got, "%s: %s is %s", file, what, got ? got : "");
}

Test(linux_oops, every_crash_of_the_corpus)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(*corpus); i++) {
		const struct expected *x = &corpus[i];
		parse_file(x->file);
		const struct oops *e = crash.cause;
		cr_expect_eq(e->kind, x->kind, "%s: %s", x->file, oops_kind_name(e->kind));
		same_text(x->file, "symbol", e->ip.symbol, x->symbol);
		same_text(x->file, "module", e->ip.module, x->module);
		same_text(x->file, "comm", e->comm, x->comm);
		same_text(x->file, "panic", crash.panic_reason, x->panic);
		same_text(x->file, "tainted", e->tainted, "POE");
		cr_expect_eq(e->ip.offset, x->offset, "%s", x->file);
		cr_expect_eq(e->address, x->address, "%s: %llx", x->file,
			     (unsigned long long)e->address);
		cr_expect_eq(e->access, x->access, "%s", x->file);
		cr_expect(e->has_ns && e->ns > 1000000000, "%s", x->file);
		cr_expect(e->has_pid, "%s", x->file);
		cr_expect_gt(e->frames.count, 8, "%s", x->file);
		cr_expect_not_null(strstr(crash.release, "cloud-a"), "%s", x->file);
	}
}

Test(linux_oops, everything_of_one_real_oops)
{
	parse_file("content-6.1.log");
	const struct oops *e = crash.cause;
	cr_assert_eq(crash.events.count, 1);
	cr_assert_null(crash.end);
	cr_assert_str_eq(e->headline,
			 "BUG: unable to handle page fault for address: ffff9c8e0000008a");
	cr_assert_str_eq(e->detail, "#PF: supervisor read access in kernel mode");
	cr_assert(e->fatal && e->number == 1 && e->arch == ARCH_X86_64);
	cr_assert(e->has_error_code && e->error_code == 0);
	cr_assert(e->has_cpu && e->cpu == 0 && e->pid == 122);
	cr_assert_str_eq(e->release, "6.1.0-56-cloud-amd64");
	cr_assert_str_eq(e->version, "#1  Debian 6.1.192-2");
	cr_assert_str_eq(e->vendor, "QEMU");
	cr_assert_str_eq(e->product, "Standard PC (Q35 + ICH9, 2009)");
	cr_assert_str_eq(e->bios, "1.16.2-debian-1.16.2-1 04/01/2014");
	cr_assert_eq(e->registers.known, 0xffff);
	cr_assert_eq(e->registers.r[8], 0xffff9c8e0000008a);
	cr_assert_eq(e->registers.r[REG_RDX], 0x14);
	cr_assert_eq(e->registers.sp, 0xffffd2784041ba58);
	cr_assert_eq(e->registers.fp, 0xffff896cd7dcc644);
	cr_assert_eq(e->registers.flags, 0x297);
	cr_assert(e->has_cr2 && e->cr2 == 0xffff9c8e0000008a && e->cr3 == 0x17cbe000);
	cr_assert(e->code_count == 64 && e->has_code_mark && e->code_mark == 42);
	cr_assert(e->code[42] == 0x41 && e->code[43] == 0x80 && e->code[44] == 0x38);
	cr_assert_eq(e->frames.count, 23);
	cr_assert_str_eq(frame(e, 0)->place.text, "acme_parse_channel+0xd7/0x111 [acme_edr]");
	cr_assert_str_eq(frame(e, 0)->context, "TASK");
	cr_assert(!frame(e, 3)->questionable && frame(e, 4)->questionable);
	cr_assert(frame(e, 22)->interrupted && frame(e, 22)->user);
	cr_assert_eq(frame(e, 22)->place.address, 0x430f60);
	cr_assert_eq(e->modules.count, 10);
	cr_assert(has_module(e, "acme_edr", "POE") && has_module(e, "virtio_ring", ""));
}

Test(linux_oops, arm64_registers_and_code_words)
{
	parse_file("content-arm64-6.12.log");
	const struct oops *e = crash.cause;
	cr_assert_eq(e->arch, ARCH_ARM64);
	cr_assert_eq(e->error_code, 0x96000004);
	cr_assert_str_eq(e->lr.text, "acme_parse_channel+0x14c/0x178 [acme_edr]");
	cr_assert_eq(e->registers.known, 0x3fffffff);
	cr_assert_eq(e->registers.r[2], 0xffff9c8e0000008a);
	cr_assert_eq(e->registers.r[3], 0x15);
	cr_assert_eq(e->registers.sp, 0xffff8000804f3b60);
	cr_assert_eq(e->registers.fp, 0xffff8000804f3b60);
	cr_assert_eq(e->registers.flags, 0x80000005);
	cr_assert(e->code_count == 20 && e->code_mark == 16 && e->code[16] == 0x42 &&
		  e->code[19] == 0x39);
	cr_assert_str_eq(e->vendor, "linux");
	cr_assert_str_eq(e->product, "dummy-virt");
}

Test(linux_oops, the_end_has_its_own_trace_and_interrupted_registers)
{
	parse_file("lockup-6.12.log");
	const struct oops *cause = crash.cause, *end = crash.end;
	cr_assert_neq(cause, end);
	cr_assert(cause->seconds == 12 && cause->cpu == 0 && cause->pid == 171);
	cr_assert_str_eq(frame(end, 0)->context, "IRQ");
	cr_assert_str_eq(frame(end, 0)->place.symbol, "panic");
	cr_assert_str_eq(end->ip.symbol, "acme_parse_channel");
	cr_assert_str_eq(end->tainted, "POEL");
	cr_assert_eq(end->registers.sp, cause->registers.sp);
}

Test(linux_oops, sysrq_takes_who_and_where_from_the_panic)
{
	parse_file("sysrq-6.1.log");
	cr_assert_str_eq(crash.cause->headline, "sysrq: Trigger a crash");
	cr_assert_eq(crash.cause->pid, 121);
	cr_assert_str_eq(frame(crash.cause, 2)->place.symbol, "sysrq_handle_crash");
}

Test(linux_oops, a_user_cannot_forge_a_crash)
{
	struct linux_log log;
	struct linux_line line = {.facility = 1, .level = 2};

	linux_log_init(&log, arena, "test");
	linux_log_add(&log, &line, "Kernel panic - not syncing: gotcha", 34);
	oops_parse(&log, arena, &crash);
	cr_assert_null(crash.cause);
	cr_assert_null(crash.end);
	cr_assert_eq(crash.events.count, 0);
}

/* ---- other kinds, other times ---------------------------------------------------------------- */

Test(linux_oops, linux_2_6_32)
{
	parse("BUG: unable to handle kernel NULL pointer dereference at 0000000000000018\n"
	      "IP: [<ffffffffa0123458>] vend_open+0x18/0x90 [vend]\n"
	      "PGD 107e4a067 PUD 1079f2067 PMD 0 \n"
	      "Oops: 0002 [#1] SMP \n"
	      "last sysfs file: /sys/devices/system/cpu/cpu3/cache/index2/shared_cpu_map\n"
	      "CPU 3 \n"
	      "Modules linked in: vend(P)(U) autofs4 sunrpc ipv6 [last unloaded: scsi_wait_scan]\n"
	      "\n"
	      "Pid: 4242, comm: vend d Tainted: P           ---------------    "
	      "2.6.32-431.el6.x86_64 #1 HP ProLiant DL380 G7\n"
	      "RIP: 0010:[<ffffffffa0123458>]  [<ffffffffa0123458>] vend_open+0x18/0x90 [vend]\n"
	      "RSP: 0018:ffff880107a5bd38  EFLAGS: 00010246\n"
	      "RAX: 0000000000000000 RBX: ffff880109a5e000 RCX: 0000000000000001\n"
	      "Process vend d (pid: 4242, threadinfo ffff880107a5a000, task ffff88010799c080)\n"
	      "Stack:\n"
	      " ffff880107a5bd68 ffffffff8118af1f 0000000000000000 ffff880109a5e000\n"
	      "Call Trace:\n"
	      " [<ffffffff8118af1f>] chrdev_open+0x12f/0x260\n"
	      " [<ffffffff8118adf0>] ? chrdev_open+0x0/0x260\n"
	      " <EOI> \n"
	      " [<ffffffff8100b072>] system_call_fastpath+0x16/0x1b\n"
	      "Code: 89 e5 53 48 83 ec 08 <c7> 40 18 01 00 00 00 \n"
	      "RIP  [<ffffffffa0123458>] vend_open+0x18/0x90 [vend]\n"
	      " RSP <ffff880107a5bd38>\n"
	      "CR2: 0000000000000018\n"
	      "---[ end trace 6f1dba6a5f8b5a1e ]---\n"
	      "Kernel panic - not syncing: Fatal exception\n");
	const struct oops *e = crash.cause;
	cr_assert_eq(e->kind, OOPS_NULL_POINTER);
	cr_assert(e->address == 0x18 && e->access == OOPS_ACCESS_WRITE && e->error_code == 2);
	cr_assert_str_eq(e->ip.module, "vend");
	cr_assert_eq(e->ip.address, 0xffffffffa0123458);
	cr_assert(e->has_cpu && e->cpu == 3 && e->pid == 4242);
	cr_assert_str_eq(e->comm, "vend d");
	cr_assert_str_eq(e->tainted, "P");
	cr_assert_str_eq(e->release, "2.6.32-431.el6.x86_64");
	cr_assert_str_eq(e->last_unloaded, "scsi_wait_scan");
	cr_assert(has_module(e, "vend", "PU"));
	cr_assert_eq(e->frames.count, 3);
	cr_assert_eq(frame(e, 0)->place.address, 0xffffffff8118af1f);
	cr_assert(frame(e, 1)->questionable && !frame(e, 2)->questionable);
	cr_assert(e->code_mark == 7 && e->code[7] == 0xc7);
	cr_assert_str_eq(crash.panic_reason, "Fatal exception");
}

Test(linux_oops, linux_2_6_18_names_the_module_first)
{
	struct oops_place place;

	cr_assert(
		oops_place_parse(arena, "[<ffffffff8824b1c4>] :vend:vend_open+0x24/0x8e", &place));
	cr_assert_str_eq(place.module, "vend");
	cr_assert_str_eq(place.symbol, "vend_open");
	cr_assert_eq(place.address, 0xffffffff8824b1c4);
	cr_assert(oops_place_parse(arena, "foo+0x1/0x2 [mod 0123456789abcdef0123]", &place));
	cr_assert_str_eq(place.build_id, "0123456789abcdef0123");
	cr_assert(oops_place_parse(arena, "0xffffffffc0123456", &place));
	cr_assert(place.address == 0xffffffffc0123456 && !place.symbol);
	cr_assert_not(oops_place_parse(arena, "hello world", &place));
	cr_assert_not(oops_place_parse(arena, "foo+0x1", &place));
}

Test(linux_oops, sysrq_before_5_0_is_no_null_pointer)
{
	parse("SysRq : Trigger a crash\n"
	      "BUG: unable to handle kernel NULL pointer dereference at           (null)\n"
	      "IP: sysrq_handle_crash+0x12/0x20\n"
	      "Oops: 0002 [#1] SMP PTI\n"
	      "CPU: 0 PID: 1500 Comm: bash Not tainted 4.9.0-8-amd64 #1 Debian 4.9.144-3\n"
	      "RIP: 0010:[<ffffffff9a4b0d52>]  [<ffffffff9a4b0d52>] sysrq_handle_crash+0x12/0x20\n"
	      "Call Trace:\n"
	      " [<ffffffff9a4b1367>] ? __handle_sysrq+0xf7/0x150\n"
	      "Kernel panic - not syncing: Fatal exception\n");
	cr_assert_eq(crash.cause->kind, OOPS_SYSRQ);
	cr_assert_str_eq(crash.cause->comm, "bash");
	cr_assert_str_eq(crash.cause->tainted, "");
}

Test(linux_oops, list_corruption_in_both_orders)
{
	parse("list_del corruption. prev->next should be ffff98679438a5d0, but was "
	      "ca53e83f5e8cf5a8\n"
	      "------------[ cut here ]------------\n"
	      "kernel BUG at lib/list_debug.c:51!\n"
	      "invalid opcode: 0000 [#1] SMP PTI\n"
	      "CPU: 4 PID: 148 Comm: kswapd0 Tainted: G        W IOE    --------- -  - "
	      "4.18.0-240.el8.x86_64 #1\n"
	      "Hardware name: Dell Inc. PowerEdge R640/0W23H8, BIOS 2.8.1 06/26/2020\n"
	      "RIP: 0010:__list_del_entry_valid.cold+0x31/0x47\n"
	      "Call Trace:\n vend_free+0x12/0x40 [vend]\n");
	cr_assert_eq(crash.events.count, 1);
	cr_assert_eq(crash.cause->kind, OOPS_LIST_CORRUPTION);
	cr_assert_str_eq(crash.cause->file, "lib/list_debug.c");
	cr_assert(crash.cause->line == 51 && crash.cause->number == 1);
	cr_assert_str_eq(crash.cause->tainted, "GWIOE");
	cr_assert_str_eq(crash.cause->release, "4.18.0-240.el8.x86_64");
	cr_assert_str_eq(crash.vendor, "Dell Inc.");
	cr_assert_str_eq(crash.product, "PowerEdge R640/0W23H8");
	parse("------------[ cut here ]------------\n"
	      "WARNING: CPU: 4 PID: 0 at lib/list_debug.c:62 vend_target+0x68f/0xfd0 [vend]\n"
	      "list_del corruption. next->prev should be ffff92e8ae4f58f0, but was "
	      "ffffffffc0633428\n"
	      "Modules linked in: vend(OE) xt_CT\n"
	      " crc32c_intel xhci_pci [last unloaded: old]\n"
	      "CPU: 4 PID: 0 Comm: swapper/4 Tainted: G           OE   4.9.0-1-amd64 #1 Debian\n"
	      "Call Trace:\n <IRQ> \n"
	      " [<ffffffffafe76dde>] ? __warn+0xbe/0xe0\n");
	cr_assert_eq(crash.events.count, 1);
	cr_assert_eq(crash.cause->kind, OOPS_LIST_CORRUPTION);
	cr_assert_str_eq(crash.cause->ip.module, "vend");
	cr_assert_eq(crash.cause->modules.count, 4);
	cr_assert_str_eq(crash.cause->last_unloaded, "old");
	cr_assert_str_eq(frame(crash.cause, 0)->context, "IRQ");
}

Test(linux_oops, kasan_without_the_traces_of_others)
{
	parse("==================================================================\n"
	      "BUG: KASAN: slab-out-of-bounds in acme_parse+0x1bc/0x490 [acme_edr]\n"
	      "Write of size 2 at addr ffff88802160f40c by task repro/9855\n"
	      "\n"
	      "CPU: 0 UID: 0 PID: 9855 Comm: repro Not tainted 6.17.0-rc6 #33 PREEMPT(full)\n"
	      "Call Trace:\n <TASK>\n"
	      " dump_stack_lvl+0x1c1/0x2a0\n"
	      " acme_parse+0x1bc/0x490 [acme_edr]\n"
	      " </TASK>\n"
	      "\n"
	      "Allocated by task 9855:\n"
	      " kasan_save_stack+0x1b/0x40\n"
	      "Freed by task 1:\n"
	      " kfree+0x1b/0x40\n");
	const struct oops *e = crash.cause;
	cr_assert_eq(e->kind, OOPS_KASAN);
	cr_assert(e->address == 0xffff88802160f40c && e->access == OOPS_ACCESS_WRITE);
	cr_assert_str_eq(e->ip.module, "acme_edr");
	cr_assert_eq(e->frames.count, 2);
	cr_assert_str_eq(e->release, "6.17.0-rc6");
	cr_assert_str_eq(e->version, "#33 PREEMPT(full)");
}

Test(linux_oops, rcu_stall_takes_the_stalled_processors_state)
{
	parse("[  745.155635] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n"
	      "[  745.156445] rcu: \t1-....: (5250 ticks this GP) idle=d63/1/0x4000 softirq=7032\n"
	      "[  745.157849] rcu: \t(detected by 0, t=5902 jiffies, g=16541, q=4391)\n"
	      "[  745.159013] Sending NMI from CPU 0 to CPUs 1:\n"
	      "[  745.159020] NMI backtrace for cpu 1\n"
	      "[  745.159021] CPU: 1 PID: 77 Comm: vendd Tainted: G           OE      5.10.0-18 "
	      "#1\n"
	      "[  745.159022] RIP: 0010:vend_spin+0x10/0x20 [vend]\n"
	      "[  745.159023] RSP: 0018:ffffd39e00423a10 EFLAGS: 00000293\n"
	      "[  745.159024] Call Trace:\n"
	      "[  745.159025]  vend_ioctl+0x30/0x40 [vend]\n"
	      "[  755.159658] rcu: rcu_preempt kthread starved for 999 jiffies! g16541 f0x0\n"
	      "[  755.162491] rcu: RCU grace-period kthread stack dump:\n"
	      "[  755.163403] task:rcu_preempt     state:I stack:0     pid:17    ppid:2\n"
	      "[  755.163404] Call Trace:\n"
	      "[  755.163405]  __schedule+0x282/0x880\n"
	      "[  755.163406] Kernel panic - not syncing: RCU Stall\n");
	const struct oops *e = crash.cause;
	cr_assert_eq(e->kind, OOPS_RCU_STALL);
	cr_assert_eq(e->cpu, 1);
	cr_assert_str_eq(e->comm, "vendd");
	cr_assert_str_eq(e->ip.symbol, "vend_spin");
	cr_assert_eq(e->frames.count, 1);
	cr_assert_str_eq(crash.panic_reason, "RCU Stall");
}

Test(linux_oops, hard_lockup_new_and_old)
{
	parse("watchdog: CPU5: Watchdog detected hard LOCKUP on cpu 5\n"
	      "Modules linked in: vend(OE)\n"
	      "Sending NMI from CPU 4 to CPUs 5:\n"
	      "NMI backtrace for cpu 5\n"
	      "CPU: 5 PID: 9 Comm: vendd Tainted: G           OE      6.6.0 #1\n"
	      "RIP: 0010:vend_lock+0x10/0x20 [vend]\n"
	      "Kernel panic - not syncing: Hard LOCKUP\n");
	cr_assert_eq(crash.cause->kind, OOPS_HARD_LOCKUP);
	cr_assert_str_eq(crash.cause->ip.module, "vend");
	cr_assert_eq(crash.cause->modules.count, 1);
	parse("WARNING: CPU: 1 PID: 31758 at /build/linux/kernel/watchdog.c:265 "
	      "watchdog_overflow_callback+0x98/0xc0()\n"
	      "Watchdog detected hard LOCKUP on cpu 1\n"
	      "Modules linked in: l2tp_ppp vend(O)\n"
	      "CPU: 1 PID: 31758 Comm: sqlvpn Tainted: G           O  3.16.0-4-amd64 #1 Debian\n");
	cr_assert_eq(crash.events.count, 1);
	cr_assert_eq(crash.cause->kind, OOPS_HARD_LOCKUP);
	cr_assert_eq(crash.cause->cpu, 1);
}

Test(linux_oops, a_warning_is_not_the_cause_of_a_later_crash)
{
	parse("WARNING: CPU: 0 PID: 1 at net/x.c:7 innocent+0x1/0x2 [bystander]\n"
	      "CPU: 0 PID: 1 Comm: a Not tainted 6.1.0 #1\n"
	      "---[ end trace 0000000000000000 ]---\n"
	      "divide error: 0000 [#1] PREEMPT SMP\n"
	      "CPU: 1 PID: 2 Comm: b Tainted: G        W          6.1.0 #1\n"
	      "RIP: 0010:vend_ratio+0x3/0x9 [vend]\n"
	      "Kernel panic - not syncing: Fatal exception in interrupt\n"
	      "---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---\n");
	cr_assert_eq(crash.events.count, 3);
	cr_assert_eq(crash.cause->kind, OOPS_DIVIDE);
	cr_assert_str_eq(crash.cause->comm, "b");
	cr_assert_eq(crash.end->kind, OOPS_PANIC);
	parse("WARNING: CPU: 0 PID: 1 at net/x.c:7 guilty+0x1/0x2 [vend]\n"
	      "CPU: 0 PID: 1 Comm: a Not tainted 6.1.0 #1\n"
	      "Kernel panic - not syncing: kernel: panic_on_warn set ...\n");
	cr_assert_eq(crash.cause->kind, OOPS_WARNING);
}

Test(linux_oops, the_first_oops_counts_and_the_last_panic)
{
	parse("BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
	      "Oops: 0000 [#1] SMP\n"
	      "CPU: 0 PID: 1 Comm: first Not tainted 5.4.0 #1\n"
	      "RIP: 0010:vend_a+0x3/0x9 [vend]\n"
	      "---[ end trace 0000000000000000 ]---\n"
	      "RIP: 0010:vend_a+0x3/0x9 [vend]\n"
	      "BUG: unable to handle page fault for address: ffffc90000000000\n"
	      "Oops: 0002 [#2] SMP\n"
	      "CPU: 1 PID: 2 Comm: second Tainted: G      D           5.4.0 #1\n"
	      "RIP: 0010:other+0x3/0x9 [other]\n"
	      "Kernel panic - not syncing: hung_task: blocked tasks\n");
	cr_assert_str_eq(crash.cause->comm, "first");
	cr_assert(crash.cause->number == 1 && crash.cause->address == 8);
	cr_assert_eq(crash.cause->frames.count, 0);
	cr_assert_str_eq(crash.panic_reason, "hung_task: blocked tasks");
}

Test(linux_oops, two_processors_at_once)
{
	/* with the callers known, each line goes to its own event */
	parse("[    1.000001][   T10] BUG: kernel NULL pointer dereference, address: "
	      "0000000000000008\n"
	      "[    1.000002][   T20] BUG: unable to handle page fault for address: "
	      "ffffc90000000000\n"
	      "[    1.000003][   T10] Oops: 0000 [#1] SMP\n"
	      "[    1.000004][   T20] Oops: 0002 [#2] SMP\n"
	      "[    1.000005][   T20] CPU: 1 PID: 20 Comm: b Not tainted 5.4.0 #1\n"
	      "[    1.000006][   T10] CPU: 0 PID: 10 Comm: a Not tainted 5.4.0 #1\n"
	      "[    1.000007][   T20] RIP: 0010:fb+0x3/0x9 [mb]\n"
	      "[    1.000008][   T10] RIP: 0010:fa+0x3/0x9 [ma]\n");
	cr_assert_eq(crash.events.count, 2);
	cr_assert_str_eq(crash.cause->comm, "a");
	cr_assert_str_eq(crash.cause->ip.symbol, "fa");
	const struct oops *second = list_at(&crash.events, 1);
	cr_assert(strcmp(second->comm, "b") == 0 && strcmp(second->ip.symbol, "fb") == 0);
	/* without, they are told apart by the processor */
	parse("watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:1]\n"
	      "watchdog: BUG: soft lockup - CPU#2 stuck for 22s! [b:2]\n"
	      "CPU: 2 PID: 2 Comm: b Not tainted 5.4.0 #1\n"
	      "RIP: 0010:fb+0x3/0x9\n");
	cr_assert_eq(crash.events.count, 2);
	second = list_at(&crash.events, 1);
	cr_assert_str_eq(second->ip.symbol, "fb");
}

Test(linux_oops, the_last_boot_that_died_is_the_story)
{
	parse("[    0.000000] Linux version 5.4.0 (x) #1 SMP\n"
	      "[   10.000000] Kernel panic - not syncing: old story\n"
	      "[    0.000000] Linux version 6.1.0 (x) #1 SMP\n"
	      "[    5.000000] divide error: 0000 [#1] SMP\n"
	      "[    5.000000] CPU: 0 PID: 1 Comm: new Not tainted 6.1.0 #1\n"
	      "[    5.100000] Kernel panic - not syncing: Fatal exception\n"
	      "[    0.000000] Linux version 6.1.0 (x) #1 SMP\n"
	      "[    1.000000] WARNING: CPU: 0 PID: 1 at drivers/x.c:1 kdump_kernel+0x1/0x2\n");
	cr_assert_eq(crash.cause->kind, OOPS_DIVIDE);
	cr_assert_str_eq(crash.cause->comm, "new");
	cr_assert_str_eq(crash.panic_reason, "Fatal exception");
}

static const struct {
	const char *text;
	enum oops_kind kind;
} kinds[] = {
	{"kernel BUG at mm/slub.c:305!\ninvalid opcode: 0000 [#1] SMP", OOPS_SLAB_CORRUPTION},
	{"kernel BUG at fs/vend.c:305!\nOops: invalid opcode: 0000 [#1] SMP", OOPS_BUG},
	{"invalid opcode: 0000 [#1] SMP", OOPS_INVALID_OPCODE},
	{"BUG kmalloc-64 (Tainted: G    B   OE    ): Redzone overwritten", OOPS_SLAB_CORRUPTION},
	{"usercopy: Kernel memory exposure attempt detected from SLUB object 'kmalloc-64' "
	 "(offset 0, size 100)!",
	 OOPS_SLAB_CORRUPTION},
	{"BUG: Bad page state in process vendd  pfn:1234a", OOPS_SLAB_CORRUPTION},
	{"BUG: KFENCE: out-of-bounds read in vend_get+0xa6/0x234 [vend]", OOPS_KFENCE},
	{"UBSAN: array-index-out-of-bounds in drivers/acme/parse.c:34:12\n"
	 "index 20 is out of range for type 'u64 [20]'",
	 OOPS_UBSAN},
	{"BUG: stack guard page was hit at 000000001a2b3c4d (stack is 0..1)\n"
	 "kernel stack overflow (double-fault): 0000 [#1] SMP",
	 OOPS_STACK_OVERFLOW},
	{"Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: "
	 "vend_copy+0x5/0x6 [vend]",
	 OOPS_STACK_OVERFLOW},
	{"Insufficient stack space to handle exception!", OOPS_STACK_OVERFLOW},
	{"mce: [Hardware Error]: CPU 3: Machine Check Exception: 5 Bank 4: b200000000070f0f\n"
	 "Kernel panic - not syncing: Fatal machine check",
	 OOPS_MACHINE_CHECK},
	{"Kernel panic - not syncing: Asynchronous SError Interrupt", OOPS_MACHINE_CHECK},
	{"NMI: PCI system error (SERR) for reason b1 on CPU 0.\n"
	 "Kernel panic - not syncing: NMI: Not continuing",
	 OOPS_MACHINE_CHECK},
	{"vendd invoked oom-killer: gfp_mask=0xcc0, order=0, oom_score_adj=0\n"
	 "Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled",
	 OOPS_OOM},
	{"PANIC: double fault, error_code: 0x0", OOPS_DOUBLE_FAULT},
	{"BUG: scheduling while atomic: vendd/12/0x00000002", OOPS_SCHEDULING},
	{"Internal error: Oops - BUG: 00000000f2000800 [#1] SMP", OOPS_BUG},
	{"Internal error: synchronous external abort: 0000000096000410 [#1] SMP",
	 OOPS_MACHINE_CHECK},
	{"Internal error: Oops - Undefined instruction: 0000000002000000 [#1] SMP",
	 OOPS_INVALID_OPCODE},
	{"int3: 0000 [#1] SMP", OOPS_DIE},
	{"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
	 OOPS_PANIC},
};

Test(linux_oops, kinds)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		parse(kinds[i].text);
		cr_assert_not_null(crash.cause, "%s", kinds[i].text);
		cr_expect_eq(crash.cause->kind, kinds[i].kind, "%s: %s", kinds[i].text,
			     oops_kind_name(crash.cause->kind));
	}
}

Test(linux_oops, details_of_checkers)
{
	parse(kinds[7].text);
	cr_assert_str_eq(crash.cause->detail, "index 20 is out of range for type 'u64 [20]'");
	cr_assert(strcmp(crash.cause->file, "drivers/acme/parse.c") == 0 &&
		  crash.cause->line == 34);
	parse("general protection fault, probably for non-canonical address 0xdffffc0000000003: "
	      "0000 [#1] PREEMPT SMP KASAN NOPTI\n"
	      "KASAN: null-ptr-deref in range [0x0000000000000018-0x000000000000001f]\n"
	      "CPU: 1 PID: 5 Comm: syz Not tainted 6.6.0 #1\n");
	cr_assert_eq(crash.cause->kind, OOPS_GENERAL_PROTECTION);
	cr_assert(crash.cause->address_is_guess && crash.cause->address == 0xdffffc0000000003);
	cr_assert_not_null(strstr(crash.cause->detail, "null-ptr-deref"));
}

Test(linux_oops, arm64_of_4_x)
{
	parse("Unable to handle kernel NULL pointer dereference at virtual address 00000010\n"
	      "Internal error: Oops: 96000045 [#1] PREEMPT SMP\n"
	      "Modules linked in: vend(O)\n"
	      "Process vendd (pid: 1626, stack limit = 0xffffffc0ae41c000)\n"
	      "CPU: 2 PID: 1626 Comm: vendd Tainted: G           O    4.9.118 #1\n"
	      "PC is at vend_poke+0x10/0x20 [vend]\n"
	      "LR is at vend_ioctl+0x30/0x40 [vend]\n"
	      "pc : [<ffffff8000a01010>] lr : [<ffffff8000a02030>] pstate: 60000145\n"
	      "sp : ffffffc0ae41fb10\n"
	      "x29: ffffffc0ae41fb10 x28: ffffffc0ae41c000 \n"
	      "Call trace:\n"
	      "[<ffffff8000a01010>] vend_poke+0x10/0x20 [vend]\n");
	const struct oops *e = crash.cause;
	cr_assert_eq(e->kind, OOPS_NULL_POINTER);
	cr_assert(e->access == OOPS_ACCESS_WRITE && e->error_code == 0x96000045);
	cr_assert_eq(e->ip.address, 0xffffff8000a01010);
	cr_assert_str_eq(e->ip.module, "vend");
	cr_assert_str_eq(e->lr.symbol, "vend_ioctl");
	cr_assert_eq(e->registers.fp, 0xffffffc0ae41fb10);
	cr_assert_eq(e->registers.flags, 0x60000145);
	cr_assert_eq(e->frames.count, 1);
}

Test(linux_oops, hostile_lines_are_survived)
{
	static const char *const lines[] = {
		"INFO: task  blocked ",
		"BUG: soft lockup - CPU#99999999999999999999 stuck for s! [",
		"WARNING: ",
		"WARNING: CPU#: at ",
		"RIP: ",
		"RIP: 0010:",
		"Code: <",
		"Code: zz",
		"Modules linked in: (((",
		"x [#1]",
		" [#0]",
		"Oops: [#999999999999]",
		"CPU: Comm: ",
		"Pid: , comm: ",
		"Call Trace:",
		"<",
		"</>",
		" [<ffff",
		"[<>] ",
		"+0x/0x",
		"RAX: RBX: RCX:",
		"x0 : x31: 5 x99: 7",
		"pc : ",
		"kernel BUG at :!",
		"{[Hardware Error]: Machine Check: ",
		"Tainted: ",
		"[last unloaded:",
		"Modules linked in: a [last unloaded:",
		"task:state:pid:",
	};
	char text[8192] = "";

	for (unsigned seed = 1; seed < 300; seed++) {
		unsigned x = seed * 2654435761u;
		text[0] = '\0';
		for (int i = 0; i < 40; i++) {
			x = x * 1103515245 + 12345;
			strcat(text, lines[(x >> 16) % (sizeof(lines) / sizeof(*lines))]);
			strcat(text, "\n");
		}
		parse(text);
	}
}
