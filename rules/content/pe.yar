/* A PE image (driver, program, library) in memory or in a content file. Many content files called
 * .sys are not PE, and some called .bin or .vdm are. The header may be cut off: then the text of
 * the DOS stub has to do. */

rule pe_image
{
	meta:
		type = "pe"
		owner = ""
		description = "PE image: MZ header that leads to PE"

	strings:
		$mz_usual = { 4D 5A 90 00 }
		$mz_other = { 4D 5A ( 40 | 50 | 60 | 78 | 80 ) 00 ( 01 | 02 | 03 ) 00 00 00 }
		$mz_empty = { 4D 5A 00 00 00 00 }

	condition:
		for any of ($mz_*): (
			for any i in (1..#): (
				uint32(@[i] + 0x3c) >= 0x20 and
				uint32(@[i] + 0x3c) < 0x1000 and
				uint32(uint32(@[i] + 0x3c) + @[i]) == 0x00004550
			)
		)
}

rule pe_dos_stub
{
	meta:
		type = "pe"
		owner = ""
		description = "PE image: text of the DOS stub, the header may be cut off"

	strings:
		$stub = "This program cannot be run in DOS mode"
		$stub_old = "This program must be run under Win"

	condition:
		any of them
}
