/* The rules inside the program: made by cmd/host/rules_embed.c, put in by embedded.S. */
#ifndef CULPRIT_KNOWLEDGE_EMBEDDED_H
#define CULPRIT_KNOWLEDGE_EMBEDDED_H

#include <stddef.h>

struct embedded {
	const char *name;
	size_t offset, size; /* in embedded_bytes; a NUL follows */
};
extern const struct embedded embedded_files[]; /* in name order */
extern const size_t embedded_count;
extern const char embedded_hash[sizeof("sha256:") + 64];
extern const char embedded_bytes[];

/* content/ *.yar compiled by the libyara of the build; size 0: none. */
extern const unsigned char embedded_yara[];
extern const size_t embedded_yara_size;

#endif
