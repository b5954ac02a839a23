/* Header of a ClamAV database (.cvd, .cld): 512 bytes of text,
 * ClamAV-VDB:DATE:VERSION:SIGNATURES:... The date follows at once: the bare word is also in the
 * programs of ClamAV. */

rule clamav_database
{
	meta:
		type = "clamav-db"
		owner = "clamd.exe"
		description = "ClamAV signature database"

	strings:
		$header = /ClamAV-VDB:[0-9]{1,2} [A-Z]/

	condition:
		$header
}
