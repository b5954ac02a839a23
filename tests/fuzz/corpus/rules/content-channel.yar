rule channel {
 meta:
  type = "channel"
 strings:
  $a = { AA AA AA AA }
 condition:
  $a
}
