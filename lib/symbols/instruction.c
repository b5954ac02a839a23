#include "instruction.h"

#include "instruction_arm64.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <string.h>

static bool decoder_init(enum arch arch, ZydisDecoder *decoder)
{
	if (arch == ARCH_X86_64)
		return ZYAN_SUCCESS(ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64,
						     ZYDIS_STACK_WIDTH_64));
	if (arch == ARCH_X86)
		return ZYAN_SUCCESS(ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_32,
						     ZYDIS_STACK_WIDTH_32));
	return false;
}

/* Our number of a general register, whatever part of it is named; -1 for any other. */
static int register_number(enum arch arch, ZydisRegister reg)
{
	ZydisMachineMode mode =
		arch == ARCH_X86_64 ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32;
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(mode, reg);

	if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15)
		return (int)(whole - ZYDIS_REGISTER_RAX);
	if (whole >= ZYDIS_REGISTER_EAX && whole <= ZYDIS_REGISTER_R15D)
		return (int)(whole - ZYDIS_REGISTER_EAX);
	return -1;
}

static bool register_value(const struct registers *regs, int number, uint64_t *sum, uint64_t scale)
{
	if (number < 0)
		return true;
	if (!regs || !(regs->known & (UINT32_C(1) << number)))
		return false;
	*sum += regs->r[number] * scale;
	return true;
}

static void memory_operand(enum arch arch, const ZydisDecodedInstruction *in,
			   const ZydisDecodedOperand *op, uint64_t address,
			   const struct registers *regs, struct memory_operand *ret)
{
	bool reads = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	bool writes = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;

	*ret = (struct memory_operand){
		.access = reads && writes ? ACCESS_BOTH
			  : reads         ? ACCESS_READ
			  : writes        ? ACCESS_WRITE
					  : ACCESS_NONE,
		.bytes = op->size / 8,
		.base = register_number(arch, op->mem.base),
		.index = register_number(arch, op->mem.index),
		.scale = op->mem.scale,
		.displacement = op->mem.disp.has_displacement ? op->mem.disp.value : 0,
		.ip_relative = op->mem.base == ZYDIS_REGISTER_RIP,
	};
	/* fs: and gs: have a base of their own that small dumps do not keep. */
	bool based = op->mem.segment == ZYDIS_REGISTER_FS || op->mem.segment == ZYDIS_REGISTER_GS;
	uint64_t sum = (uint64_t)ret->displacement;
	if (ret->ip_relative)
		sum += address + in->length;
	ret->known = !based && register_value(regs, ret->base, &sum, 1) &&
		     register_value(regs, ret->index, &sum, ret->scale);
	ret->address = arch == ARCH_X86 ? (uint32_t)sum : sum;
}

static int tested_register(enum arch arch, const ZydisDecodedInstruction *in,
			   const ZydisDecodedOperand *ops)
{
	bool test = in->mnemonic == ZYDIS_MNEMONIC_TEST &&
		    ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ops[0].reg.value == ops[1].reg.value;
	bool compare = in->mnemonic == ZYDIS_MNEMONIC_CMP &&
		       ops[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && ops[1].imm.value.u == 0;

	if ((test || compare) && ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
		return register_number(arch, ops[0].reg.value);
	return -1;
}

/* What a called function leaves alone in both calling conventions: rbx, rbp, rsp, r12 to r15. */
enum { KEPT_BY_CALLS = 1 << REG_RBX | 1 << REG_RSP | 1 << REG_RBP | 0xf000 };

static uint32_t registers_written(enum arch arch, const ZydisDecodedInstruction *in,
				  const ZydisDecodedOperand *ops)
{
	uint32_t writes = 0;

	if (in->meta.category == ZYDIS_CATEGORY_CALL)
		return 0xffff & ~(uint32_t)KEPT_BY_CALLS;
	for (unsigned i = 0; i < in->operand_count; i++) {
		int number = ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
					     (ops[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
				     ? register_number(arch, ops[i].reg.value)
				     : -1;
		if (number >= 0)
			writes |= UINT32_C(1) << number;
	}
	return writes;
}

static bool is_register(const ZydisDecodedOperand *op)
{
	/* The second byte of a register is no low part of it. */
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       !(op->reg.value >= ZYDIS_REGISTER_AH && op->reg.value <= ZYDIS_REGISTER_BH);
}

static enum condition condition_of(ZydisMnemonic mnemonic)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_JNZ: return CONDITION_NOT_EQUAL;
	case ZYDIS_MNEMONIC_JB:
	case ZYDIS_MNEMONIC_JL: return CONDITION_LESS;
	case ZYDIS_MNEMONIC_JBE:
	case ZYDIS_MNEMONIC_JLE: return CONDITION_AT_MOST;
	default: return CONDITION_OTHER;
	}
}

static void jump_effect(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op,
			struct instruction *ret)
{
	if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !op->imm.is_relative)
		return;
	ret->effect = EFFECT_JUMP;
	ret->condition = condition_of(in->mnemonic);
	ret->destination = ret->address + in->length + (uint64_t)op->imm.value.s;
}

/* Of an instruction whose first operand is a register of 32 bits or more. */
static enum effect effect_on(enum arch arch, const ZydisDecodedInstruction *in,
			     const ZydisDecodedOperand *ops, struct instruction *ret)
{
	bool immediate =
		in->operand_count_visible > 1 && ops[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
	bool copied = in->operand_count_visible > 1 && is_register(&ops[1]);

	if (immediate)
		ret->amount = ops[1].imm.value.s;
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_LEA: return EFFECT_ADDRESS;
	case ZYDIS_MNEMONIC_INC: ret->amount = 1; return EFFECT_ADD;
	case ZYDIS_MNEMONIC_DEC: ret->amount = -1; return EFFECT_ADD;
	case ZYDIS_MNEMONIC_ADD: return immediate ? EFFECT_ADD : EFFECT_OTHER;
	case ZYDIS_MNEMONIC_SUB:
		ret->amount = (int64_t)(0 - (uint64_t)ret->amount);
		return immediate ? EFFECT_ADD : EFFECT_OTHER;
	case ZYDIS_MNEMONIC_CMP:
		ret->source = ret->target;
		return immediate ? EFFECT_COMPARE : EFFECT_OTHER;
	case ZYDIS_MNEMONIC_XOR:
		return copied && ops[0].reg.value == ops[1].reg.value ? EFFECT_CONSTANT
								      : EFFECT_OTHER;
	case ZYDIS_MNEMONIC_MOV:
		if (immediate)
			return EFFECT_CONSTANT;
		if (ops[1].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return ops[0].size == (arch == ARCH_X86 ? 32 : 64) ? EFFECT_LOAD
									   : EFFECT_OTHER;
		break;
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD: ret->is_signed = true; break;
	case ZYDIS_MNEMONIC_MOVZX: break;
	default: return EFFECT_OTHER;
	}
	if (!copied)
		return EFFECT_OTHER;
	ret->source = register_number(arch, ops[1].reg.value);
	ret->source_bits = ops[1].size;
	return ret->source >= 0 ? EFFECT_COPY : EFFECT_OTHER;
}

static void find_effect(enum arch arch, const ZydisDecodedInstruction *in,
			const ZydisDecodedOperand *ops, struct instruction *ret)
{
	ret->target = ret->source = -1;
	ret->writes = registers_written(arch, in, ops);
	if (in->meta.category == ZYDIS_CATEGORY_COND_BR ||
	    in->meta.category == ZYDIS_CATEGORY_UNCOND_BR) {
		jump_effect(in, &ops[0], ret);
	} else if (in->operand_count_visible && is_register(&ops[0]) && ops[0].size >= 32) {
		ret->target = register_number(arch, ops[0].reg.value);
		ret->target_bits = ops[0].size;
		if (ret->target >= 0)
			ret->effect = effect_on(arch, in, ops, ret);
	}
}

bool instruction_decode(enum arch arch, const uint8_t *bytes, size_t size, uint64_t address,
			const struct registers *regs, struct instruction *ret)
{
	ZydisDecoder decoder;
	ZydisFormatter formatter;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];

	if (arch == ARCH_ARM64)
		return instruction_decode_arm64(bytes, size, address, regs, ret);
	if (!decoder_init(arch, &decoder) ||
	    !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &in, ops)))
		return false;
	*ret = (struct instruction){
		.address = address,
		.length = in.length,
		.is_call = in.meta.category == ZYDIS_CATEGORY_CALL,
		.is_return = in.meta.category == ZYDIS_CATEGORY_RET,
		.tests_register =
			in.operand_count_visible >= 2 ? tested_register(arch, &in, ops) : -1,
	};
	ret->is_indirect_call = ret->is_call && ops[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE;
	if (ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)))
		ZydisFormatterFormatInstruction(&formatter, &in, ops, in.operand_count_visible,
						ret->text, sizeof(ret->text), address, ZYAN_NULL);
	for (unsigned i = 0; i < in.operand_count && ret->operand_count < 2; i++) {
		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (ops[i].mem.type == ZYDIS_MEMOP_TYPE_MEM || in.mnemonic == ZYDIS_MNEMONIC_LEA))
			memory_operand(arch, &in, &ops[i], address, regs,
				       &ret->operand[ret->operand_count++]);
	}
	find_effect(arch, &in, ops, ret);
	return true;
}

/* bl: 100101 imm26; blr and its pointer-authentication forms: 1101011 x 0 0 01 ... */
static bool is_arm64_call(uint32_t word)
{
	return (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000 ||
	       (word & 0xfefff800) == 0xd63f0800;
}

bool instruction_is_call_before(enum arch arch, const uint8_t *before, size_t size,
				uint64_t return_address)
{
	struct instruction in;

	if (arch == ARCH_ARM64) {
		if (size < 4)
			return false;
		const uint8_t *w = before + size - 4;
		return is_arm64_call(w[0] | (uint32_t)w[1] << 8 | (uint32_t)w[2] << 16 |
				     (uint32_t)w[3] << 24);
	}
	/* Calls are 2 to 7 bytes long, 8 with a prefix; any length that decodes to one will do. */
	for (size_t length = 2; length <= size; length++) {
		if (instruction_decode(arch, before + size - length, length,
				       return_address - length, NULL, &in) &&
		    in.length == length && in.is_call)
			return true;
	}
	return false;
}
