/* Header of a CrowdStrike Falcon channel file (C-*.sys: data, not a driver):
 *   0x00  AA AA AA AA
 *   0x06  channel number, 16 bits, 1..4095
 *   0x0C  zero, 32 bits
 *
 * Memory filled with AA must not fit. So the two bytes before the channel number are never AA,
 * the channel number is never 0, and the byte before the header is not AA. */

rule crowdstrike_channel
{
	meta:
		type = "crowdstrike-channel"
		owner = "csagent.sys"
		description = "CrowdStrike Falcon channel file"

	strings:
		$header = {
			AA AA AA AA
			( 0? | 1? | 2? | 3? | 4? | 5? | 6? | 7? | 8? | 9? | B? | C? | D? | E? | F?
			| A0 | A1 | A2 | A3 | A4 | A5 | A6 | A7 | A8 | A9 | AB | AC | AD | AE | AF )
			( 0? | 1? | 2? | 3? | 4? | 5? | 6? | 7? | 8? | 9? | B? | C? | D? | E? | F?
			| A0 | A1 | A2 | A3 | A4 | A5 | A6 | A7 | A8 | A9 | AB | AC | AD | AE | AF )
			( ( 01 | 02 | 03 | 04 | 05 | 06 | 07 | 08 | 09 | 0A | 0B | 0C | 0D | 0E | 0F
			| 1? | 2? | 3? | 4? | 5? | 6? | 7? | 8? | 9? | A? | B? | C? | D? | E? | F? ) 0?
			| 00 ( 01 | 02 | 03 | 04 | 05 | 06 | 07 | 08 | 09 | 0A | 0B | 0C | 0D | 0E | 0F ) )
			?? ?? ?? ?? 00 00 00 00
		}

	condition:
		for any i in (1..#header): (
			not defined uint8(@header[i] - 1) or uint8(@header[i] - 1) != 0xAA
		)
}

rule crowdstrike_channel_291
{
	meta:
		type = "crowdstrike-channel-291"
		owner = "csagent.sys"
		description = "CrowdStrike Falcon channel file 291 (named pipe content)"

	strings:
		$header = {
			AA AA AA AA
			( 0? | 1? | 2? | 3? | 4? | 5? | 6? | 7? | 8? | 9? | B? | C? | D? | E? | F?
			| A0 | A1 | A2 | A3 | A4 | A5 | A6 | A7 | A8 | A9 | AB | AC | AD | AE | AF )
			( 0? | 1? | 2? | 3? | 4? | 5? | 6? | 7? | 8? | 9? | B? | C? | D? | E? | F?
			| A0 | A1 | A2 | A3 | A4 | A5 | A6 | A7 | A8 | A9 | AB | AC | AD | AE | AF )
			23 01 ?? ?? ?? ?? 00 00 00 00
		}

	condition:
		for any i in (1..#header): (
			not defined uint8(@header[i] - 1) or uint8(@header[i] - 1) != 0xAA
		)
}
