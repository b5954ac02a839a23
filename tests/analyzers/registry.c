/* The list of analyzers, the instruction decoder, and the published failure hashes. */
#include "analyzer.h"
#include "failure_hash.h"
#include "instruction.h"

#include <criterion/criterion.h>
#include <string.h>

Test(analyzers, are_complete)
{
	static const char *const ids[] = {
#define ANALYZER(name) #name,
#include "analyzers.def"
#undef ANALYZER
		NULL,
	};
	size_t i = 0;

	for (; analyzers_all[i]; i++) {
		cr_assert_str_eq(analyzers_all[i]->id, ids[i], "id and file name differ");
		cr_assert_not_null(analyzers_all[i]->run);
		cr_assert(analyzers_all[i]->summary[0]);
		cr_assert_neq(analyzers_all[i]->summary[strlen(analyzers_all[i]->summary) - 1],
			      '.');
	}
	cr_assert_null(ids[i]);
}

/* Bucket strings and the hashes that WinDbg printed for them (field.md, "The WER hash"). */
Test(signature, failure_hash_is_what_windbg_prints)
{
	static const struct {
		const char *bucket, *hash;
	} known[] = {
		{"AV_NDIS!ndisQueueIoWorkItem", "10686423-afa1-4852-ad1b-9324ac44ac96"},
		{"0x1E_c0000005_R_nt!CmpCreateKeyBody", "c4b33015-e33f-270e-d1a4-e4a9a8d630df"},
		{"0xD5_VRF_win32k!HBMSelectBitmap+ca", "c18afd13-ae34-094e-a35a-2fa69da06b7c"},
		{"X64_0x7E_man+1ce7", "ceed7a1b-a47b-c452-63c1-012e444d5204"},
		{"0x124_16_GenuineIntel__UNKNOWN_IMAGE_GenuineIntel.sys",
		 "37af9407-4a3e-0b08-acdd-dadffdc34c3c"},
		{"AV_tunnel!TeredoWfpRemoveHashEntry", "ed81a04d-9dd2-aa51-bc2a-d6f45f90b7a5"},
	};
	char hash[37];

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		cr_assert(failure_hash(known[i].bucket, hash));
		cr_assert_str_eq(hash, known[i].hash, "%s", known[i].bucket);
	}
}

Test(instruction, explains_the_operand_of_the_channel_file_fault)
{
	const uint8_t bytes[] = {0x45, 0x8b, 0x08};
	struct registers regs = {.known = 1u << 8, .r[8] = 0xffff840500000074};
	struct instruction in;

	cr_assert(instruction_decode(ARCH_X86_64, bytes, sizeof(bytes), 0x1000, &regs, &in));
	cr_assert_eq(in.operand_count, 1);
	cr_assert(in.operand[0].known);
	cr_assert_eq(in.operand[0].address, 0xffff840500000074);
	cr_assert_eq(in.operand[0].bytes, 4);
	cr_assert_eq(in.operand[0].access, ACCESS_READ);
	regs.known = 0;
	cr_assert(instruction_decode(ARCH_X86_64, bytes, sizeof(bytes), 0x1000, &regs, &in));
	cr_assert_not(in.operand[0].known, "an unknown register gives no address");
	cr_assert_not(instruction_decode(ARCH_X86_64, bytes, 2, 0x1000, NULL, &in), "cut off");
}

Test(instruction, a_return_address_follows_a_call)
{
	const uint8_t direct[] = {0x90, 0x90, 0x90, 0xe8, 1, 2, 3, 4};
	const uint8_t indirect[] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x41, 0xff, 0xd2};
	const uint8_t none[] = {0x90, 0x90, 0x90, 0x90, 0x48, 0x89, 0xc8, 0x90};
	const uint8_t bl[] = {0x6c, 0xaa, 0xf4, 0x97}, b[] = {0xf6, 0xff, 0xff, 0x17};

	cr_assert(instruction_is_call_before(ARCH_X86_64, direct, 8, 0x1000));
	cr_assert(instruction_is_call_before(ARCH_X86_64, indirect, 8, 0x1000));
	cr_assert_not(instruction_is_call_before(ARCH_X86_64, none, 8, 0x1000));
	cr_assert(instruction_is_call_before(ARCH_ARM64, bl, 4, 0x1000));
	cr_assert_not(instruction_is_call_before(ARCH_ARM64, b, 4, 0x1000));
}
