/* The JSON Schema, as `culprit analyze --schema` prints it. */
	.section .rodata
	.global report_schema
report_schema:
	.incbin "report.schema.json"
	.byte 0
	.section .note.GNU-stack, "", %progbits
