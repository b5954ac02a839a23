#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

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

bool rule_files_hash(const struct rule_file *files, size_t count, char hash[RULE_HASH_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);

	/* Name, size and bytes, so that no text can move from one file to the next unnoticed. */
	for (size_t i = 0; ok && i < count; i++) {
		char size[32];
		int length = snprintf(size, sizeof(size), "%zu", files[i].size) + 1;
		ok = EVP_DigestUpdate(context, files[i].name, strlen(files[i].name) + 1) &&
		     EVP_DigestUpdate(context, size, (size_t)length) &&
		     EVP_DigestUpdate(context, files[i].data, files[i].size);
	}
	ok = ok && EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	if (!ok)
		return false;
	char *out = hash + sprintf(hash, "sha256:");
	for (int i = 0; i < 32; i++)
		out += sprintf(out, "%02x", digest[i]);
	return true;
}
