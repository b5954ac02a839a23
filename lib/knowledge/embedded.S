/* Bytes of the rules: RULES_BYTES and RULES_YARA are files that rules-embed wrote. */
	.section .rodata
	.global embedded_bytes
	.type embedded_bytes, %object
	.balign 16
embedded_bytes:
	.incbin RULES_BYTES
	.byte 0
	.size embedded_bytes, . - embedded_bytes

	.global embedded_yara
	.type embedded_yara, %object
	.balign 16
embedded_yara:
	.incbin RULES_YARA
	.byte 0
	.size embedded_yara, . - embedded_yara

	.section .note.GNU-stack, "", %progbits
