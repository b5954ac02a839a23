/* Layouts that debug_sample.c has in its DWARF and tests/symbols/debug_file.c asks the compiler
 * for.
 */
#include <stdint.h>

struct inner {
	int32_t a;
	union {
		int64_t b;
		struct {
			char c[12];
			int32_t d;
		};
	};
};
typedef const struct inner inner_alias;

struct outer {
	char name[16];
	inner_alias in;
	unsigned flag : 3, other : 5;
	struct outer *next;
	int16_t grid[3][4];
	struct declared_only *opaque;
};

union either {
	uint64_t words[4];
	struct outer outer;
};
