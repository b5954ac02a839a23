#include "render.h"

#include <string.h>

#define RENDERER(name) extern const struct renderer renderer_##name;
#include "renderers.def"
#undef RENDERER

static const struct renderer *const renderers[] = {
#define RENDERER(name) &renderer_##name,
#include "renderers.def"
#undef RENDERER
};

const struct renderer *renderer_named(const char *name)
{
	for (size_t i = 0; i < sizeof(renderers) / sizeof(*renderers); i++)
		if (!name || strcmp(renderers[i]->name, name) == 0)
			return renderers[i];
	return NULL;
}

const char *renderer_names(void)
{
#define RENDERER(name) ", " #name
	static const char names[] =
#include "renderers.def"
		;
#undef RENDERER
	return names + 2;
}
