#!/bin/sh
# The rules of the tree that a compiler does not check. Usage: tree.sh TOP
set -u
cd "$1" || exit 2
bad=0

# forbid WHAT PATTERN FOLDER...: no line of the folders' C files may match, but for comments
forbid() {
	what=$1 pattern=$2
	shift 2
	if grep -rnE --include='*.[ch]' "$pattern" "$@" | grep -v ':[[:space:]]*/\?\*'; then
		echo "^ $what" >&2
		bad=1
	fi
}

forbid "lib/ and analyzers/ never print, exit or read the environment" \
	'(^|[^a-z_>.])(printf|fprintf|puts|putchar|perror|abort|exit|getenv|secure_getenv)\(' \
	lib analyzers
forbid "headers come by name; the include path says who may use whom" '#include "[^"]*/' lib analyzers cmd
forbid "analyzers never see a file format" '#include "(formats|windows_|container|evidence)' analyzers
forbid "the core includes nothing of the others" \
	'#include "(knowledge|formats|instruction|scan|command|render)\.h"' lib/core
forbid "bytes of evidence are read through a cursor, not through casts" \
	'\*\((const )?(uint16_t|uint32_t|uint64_t) \*\)' lib/formats analyzers

exit $bad
