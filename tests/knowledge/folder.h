/* Directories of rules for tests. */
#ifndef CULPRIT_TEST_FOLDER_H
#define CULPRIT_TEST_FOLDER_H

#include "knowledge.h"

/* A new directory with a small, sound set of rules: every table, and a document of each kind. */
struct folder {
	char path[64];
	struct arena *arena;
	struct list problems; /* struct rule_problem, after folder_load() */
	struct knowledge *knowledge;
};
void folder_init(struct folder *folder);
/* Removes the directory and what was loaded. */
void folder_deinit(struct folder *folder);

/* Replaces or adds a file. */
void folder_write(const struct folder *folder, const char *name, const void *bytes, size_t size);
void folder_text(const struct folder *folder, const char *name, const char *text);
void folder_remove(const struct folder *folder, const char *name);
/* Where a file of it is. */
void folder_place(const struct folder *folder, const char *name, char place[256]);

struct error *folder_load(struct folder *folder);
/* The first problem of @p file, or NULL. */
const struct rule_problem *folder_problem(const struct folder *folder, const char *file);
/* The problems of a folder, for messages of failed tests. */
const char *folder_problems(const struct folder *folder);

/* The text of the sound folder's file @p name. */
const char *folder_sound(const char *name);

#endif
