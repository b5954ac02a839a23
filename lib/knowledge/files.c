#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base16.h>
#include <nettle/sha2.h>

const char *const rule_tables[] = {
	"altitudes.tsv",
	"bugchecks.tsv",
	"content_files.tsv",
	"inbox.tsv",
	"linux_intree.tsv",
	"linux_modules.tsv",
	"loldrivers.tsv",
	"ntstatus.tsv",
	"passthrough.tsv",
	"roles.tsv",
	"subcodes.tsv",
	"vendors.tsv",
	NULL,
};

static const struct {
	const char *folder, *suffix;
	enum rule_kind kind;
} folders[] = {
	{"bugchecks/", ".yaml", RULE_BUGCHECK},
	{"incidents/", ".yaml", RULE_INCIDENT},
	{"fixes/", ".yaml", RULE_FIX},
	{"content/", ".yar", RULE_YARA},
};

enum rule_kind rule_kind(const char *name)
{
	for (const char *const *table = rule_tables; *table; table++)
		if (!strcmp(name, *table))
			return RULE_TABLE;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		size_t folder = strlen(folders[i].folder), suffix = strlen(folders[i].suffix);
		size_t length = strlen(name);

		if (length > folder + suffix && !strncmp(name, folders[i].folder, folder) &&
		    !strcmp(name + length - suffix, folders[i].suffix) && name[folder] != '.' &&
		    !strchr(name + folder, '/'))
			return folders[i].kind;
	}
	return RULE_UNKNOWN;
}

/* Several times what any of ours has. */
size_t rule_size_max(enum rule_kind kind)
{
	switch (kind) {
	case RULE_TABLE: return 4 << 20;
	case RULE_YARA: return 1 << 20;
	case RULE_BUGCHECK:
	case RULE_INCIDENT:
	case RULE_FIX: return 256 << 10;
	case RULE_UNKNOWN: break;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct rule_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void rule_files_sort(struct rule_file *files, size_t count)
{
	if (count)
		qsort(files, count, sizeof(*files), by_name);
}

void rule_files_hash(const struct rule_file *files, size_t count, char hash[RULE_HASH_SIZE])
{
	struct sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&context);
	/* Name, size and bytes, so that no text can move from one file to the next unnoticed. */
	for (size_t i = 0; i < count; i++) {
		char size[32];
		int length = snprintf(size, sizeof(size), "%zu", files[i].size) + 1;
		sha256_update(&context, strlen(files[i].name) + 1, (const uint8_t *)files[i].name);
		sha256_update(&context, (size_t)length, (const uint8_t *)size);
		sha256_update(&context, files[i].size, (const uint8_t *)files[i].data);
	}
	sha256_digest(&context, sizeof(digest), digest);
	char *out = hash + sprintf(hash, "sha256:");
	base16_encode_update(out, sizeof(digest), digest);
	out[BASE16_ENCODE_LENGTH(sizeof(digest))] = '\0';
}
