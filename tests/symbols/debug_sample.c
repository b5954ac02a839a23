/* Stands in for a kernel and for a module: what the build makes of it has symbols, DWARF and a
 * build ID that tests/CMakeLists.txt chooses. It never runs. */
#include "debug_sample.h"

extern struct outer sample_object;
extern union either sample_either;
struct outer sample_object = {"sample", {.a = 1}, 2, 3, 0, {{0}}, 0};
union either sample_either = {{1}};

__attribute__((used)) const char linux_banner[] =
	"Linux version 6.1.0-sample (nobody@nowhere) #1\n";
__attribute__((used, section(".modinfo"))) static const char facts[] =
	"srcversion=0123456789ABCDEF\0vermagic=6.1.0-sample SMP preempt \0name=sample";

int sample_leaf(const char *p);
int sample_dispatch(const struct outer *o, int n);
void _start(void);

#line 100 "fs/sample.c"
__attribute__((noinline)) int sample_leaf(const char *p)
{
	return *p == '*';
}

static inline __attribute__((always_inline)) int read_through(const struct outer *o, int n)
{
	return sample_leaf(o->next->name) + o->grid[1][n];
}

#line 200 "fs/sample.c"
__attribute__((noinline)) int sample_dispatch(const struct outer *o, int n)
{
	if (n > 3)
		return 0;
	return read_through(o, n) * 3;
}

void _start(void)
{
	sample_either.words[0] = (uint64_t)sample_dispatch(&sample_object, 2);
}
