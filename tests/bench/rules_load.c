/* How long the built-in rules take to load, and where the time goes: prints milliseconds of the
 * first load in this process (what a user waits for) and of the best of later ones. */
#include "internal.h"

#include <stdio.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(void)
{
	struct knowledge *k;
	double first = 0, best = 1e9;

	/* libyara counts its users, so this is what the first load would otherwise pay. */
	struct knowledge yara = {0};
	double start = now();
	error_destroy(yara_begin(&yara));
	double initialize = now() - start;
	for (int i = 0; i < 20; i++) {
		start = now();
		struct error *err = knowledge_load_builtin(&k);
		double took = now() - start;
		if (err) {
			fprintf(stderr, "%s\n", err->message);
			error_destroy(err);
			return 1;
		}
		knowledge_destroy(k);
		if (i == 0)
			first = took;
		best = took < best ? took : best;
	}
	yara_end(&yara);
	printf("yr_initialize %.2f ms, load %.2f ms, together %.2f ms (load again %.2f ms)\n",
	       initialize, first, initialize + first, best);
	return 0;
}
