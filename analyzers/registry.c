#include "analyzer.h"

#define ANALYZER(name) extern const struct analyzer analyzer_##name;
#include "analyzers.def"
#undef ANALYZER

const struct analyzer *const analyzers_all[] = {
#define ANALYZER(name) &analyzer_##name,
#include "analyzers.def"
#undef ANALYZER
	NULL,
};

struct error *analyzers_run(struct analysis *a)
{
	for (const struct analyzer *const *p = analyzers_all; *p; p++) {
		if ((*p)->os != OS_UNKNOWN && (*p)->os != a->dump->os)
			continue;
		struct error *err = (*p)->run(a);
		if (err)
			return error_prepend(err, "analyzer %s", (*p)->id);
	}
	if (arena_failed(a->report->arena))
		return error_create(ERROR_LIMIT,
				    "the report needs more memory than one dump may use "
				    "(LIMIT_ARENA)");
	return NULL;
}
