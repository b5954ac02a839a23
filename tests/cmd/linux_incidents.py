#!/usr/bin/env python3
"""Known incidents of Linux products, recognised in a kernel's log: written here as those kernels print
them, with the functions and releases that the incidents are known by. A crash that is alike but not
of that product, or not on that kernel, is no incident.

Usage: linux_incidents.py CULPRIT
"""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Checks, Run  # noqa: E402

RHEL94, RHEL86, RHEL7 = ("5.14.0-427.13.1.el9_4.x86_64", "4.18.0-477.10.1.el8_8.x86_64",
                         "3.10.0-1160.el7.x86_64")
DEBIAN, UBUNTU = "6.1.0-20-amd64", "6.8.0-31-generic"


def log(release, task, headline, ip, frames, modules="xfs", taint="Not tainted", panic="Fatal exception"):
    lines = [f"Linux version {release} (builder@host) (gcc 12) #1 SMP", *headline,
             f"CPU: 2 PID: 1433 Comm: {task} Kdump: loaded {taint} {release} #1",
             f"RIP: 0010:{ip}", "Call Trace:", " <TASK>", *[f" {f}" for f in frames], " </TASK>",
             f"Modules linked in: {modules}", "---[ end trace 0000000000000000 ]---",
             f"Kernel panic - not syncing: {panic}"]
    return "".join(f"[   12.{345000 + i}] {line}\n" for i, line in enumerate(lines))


PAGE_FAULT = ["BUG: unable to handle page fault for address: ffffffffc0a51000",
              "#PF: supervisor read access in kernel mode", "#PF: error_code(0x0000) - not-present page",
              "Oops: 0000 [#1] PREEMPT SMP NOPTI"]
BPF_LOAD = ["bpf_prog_load+0x6c4/0x980", "__sys_bpf+0x2f3/0x5d0", "__x64_sys_bpf+0x1a/0x20",
            "do_syscall_64+0x59/0x90"]
OPEN = ["do_sys_openat2+0x97/0xe0", "do_syscall_64+0x59/0x90"]
POKE = ["__text_poke+0x27f/0x400", "text_poke_bp_batch+0x8e/0x190", "bpf_trampoline_update+0x2b1/0x4d0",
        "bpf_tracing_link_release+0x16/0x40"]
WARNING = ["WARNING: CPU: 2 PID: 1433 at mm/vmalloc.c:330 vmalloc_to_page+0x21e/0x230"]
HOOK = "cshook_security_inode_free_security+0x6e/0x120 [falcon_lsm_serviceable]"
FALCON = {"modules": "falcon_lsm_serviceable(PE) falcon_kal(E) xfs", "taint": "Tainted: P           OE"}

CASES = {    # name: log, incident, culprit
    "the sensor's BPF on RHEL 9.4":
        (log(RHEL94, "falcon-sensor-b", PAGE_FAULT, "bpf_check+0x1a35/0x2a90", BPF_LOAD),
         "crowdstrike-linux-rhel94-2024-05", None),
    "the same on another kernel":
        (log(UBUNTU, "falcon-sensor-b", PAGE_FAULT, "bpf_check+0x1a35/0x2a90", BPF_LOAD), None, None),
    "the same by another program":
        (log(RHEL94, "tetragon", PAGE_FAULT, "bpf_check+0x1a35/0x2a90", BPF_LOAD), None, None),
    "the sensor, but not BPF":
        (log(RHEL94, "falcon-sensor-b", PAGE_FAULT, "ext4_lookup+0x35/0x90", OPEN), None, None),
    "the sensor's BPF unloaded on RHEL 8.8":
        (log(RHEL86, "falcon-sensor-b", WARNING, "vmalloc_to_page+0x21e/0x230", POKE,
             panic="panic_on_warn set ..."), "crowdstrike-linux-bpf-unload-2025", None),
    "the sensor's module on Debian":
        (log(DEBIAN, "bash", PAGE_FAULT, HOOK, OPEN, **FALCON), "crowdstrike-linux-debian-2024-04",
         "falcon_lsm_serviceable"),
    "the sensor's module on RHEL 7":
        (log(RHEL7, "bash", PAGE_FAULT, HOOK, OPEN, **FALCON), "crowdstrike-linux-lsm-hang",
         "falcon_lsm_serviceable"),
    "the sensor's module on Ubuntu":
        (log(UBUNTU, "bash", PAGE_FAULT, HOOK, OPEN, **FALCON), None, "falcon_lsm_serviceable"),
    "a sleeper of the sensor's whose stack somebody wrote over":
        (log(DEBIAN, "cs_thread", ["Kernel panic - not syncing: corrupted stack end detected inside scheduler"],
             "panic+0x344/0x3a0", ["__schedule+0xbe0/0xbf0", "schedule+0x27/0xc0",
                                   "msleep_interruptible+0x34/0x70",
                                   "cshook_thread+0x1a/0x30 [falcon_lsm_serviceable]"], **FALCON),
         None, None),
    "another module on Debian, the sensor's loaded":
        (log(DEBIAN, "bash", PAGE_FAULT, "nimbus_open+0x20/0x80 [nimbus_vfs]", OPEN,
             modules="nimbus_vfs(OE) falcon_lsm_serviceable(PE) xfs", taint="Tainted: P           OE"),
         None, "nimbus_vfs"),
}


def main():
    program, checks = sys.argv[1], Checks()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "vmcore-dmesg.txt"
        for name, (text, incident, culprit) in CASES.items():
            file.write_text(text, encoding="utf-8")
            run = Run(program, "analyze", "--format", "json", str(file))
            report = run.report()
            verdict = report["verdict"]
            checks.equal(verdict["incident"], incident, f"{name}: incident")
            checks.equal(verdict["culprit"], culprit, f"{name}: culprit")
            trigger = [f["subject"] for f in report["findings"] if f["kind"] == "trigger"]
            checks.equal(trigger, [report["crash"]["process"]] if "__sys_bpf" in text else [], f"{name}: trigger")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
