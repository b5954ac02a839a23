/* The sentences that the text and the Markdown renderer have in common. Each is in @p arena, and
 * NULL if the report has nothing for it. */
#ifndef CULPRIT_WORDS_H
#define CULPRIT_WORDS_H

#include "arena.h"
#include "get.h"

/* "csagent.sys (CrowdStrike Falcon sensor) crashed this machine ..." */
const char *words_verdict(struct arena *arena, const json_t *report);
/* "csagent.sys (CrowdStrike Falcon sensor)" */
const char *words_culprit(struct arena *arena, const json_t *report);
/* "Confidence: high. Cause: a third-party driver."; NULL if nothing was decided. */
const char *words_confidence(struct arena *arena, const json_t *report);
/* "PAGE_FAULT_IN_NONPAGED_AREA (0x50): read of 0x... by csagent.sys+0xe14ed" */
const char *words_crash(struct arena *arena, const json_t *report);
/* "mov r9d, dword ptr [r8] (r8 points nowhere)" */
const char *words_message(struct arena *arena, const json_t *report);
const char *words_instruction(struct arena *arena, const json_t *report);
/* "2024-07-19 06:12:04 UTC, 2 min 11 s after the start, in System (pid 4)" */
const char *words_when(struct arena *arena, const json_t *report);
/* "Windows 10.0.19045, x86_64, 8 processors, host DESKTOP-1, Dell Inc. XPS 13" */
const char *words_system(struct arena *arena, const json_t *report);
/* "291,200 bytes, windows-kernel-triage, out of zip, zstd" */
const char *words_input(struct arena *arena, const json_t *report);
/* "grade A: the fault's own registers or stack lead to it" */
const char *words_grade(struct arena *arena, const json_t *file);
/* "csagent.sys+0xe14ed", "ntoskrnl.exe+0x12 (KiPageFault)" or the bare address. */
const char *words_frame(struct arena *arena, const json_t *frame);
/* One problem of the input: message and where. */
const char *words_problem(struct arena *arena, const json_t *problem);
/* Whether it is about files that the person gave beside the evidence. */
bool words_is_about_given(const json_t *problem);
/* "vmlinux (by its build ID), acme_edr (by its build ID)": the debug files that were used, or NULL.
 */
const char *words_debug_files(struct arena *arena, const json_t *report);
/* What a person can do about evidence that could not be read. */
const char *words_reread(const json_t *report);
/* Plain name of a verdict's class: "a third-party driver". */
const char *words_class(const char *class);

bool words_is_time(const char *iso); /* to the second at least; NULL is none */
const char *words_time(struct arena *arena, const char *iso); /* "2024-07-19 06:12:04 UTC" */
const char *words_duration(struct arena *arena, double seconds);
const char *words_bytes(struct arena *arena, double bytes); /* "291,200 bytes" */

/* The content file that the verdict names, or NULL. */
const json_t *words_content_file(const json_t *report);
/* The entry of `suspects` for the verdict's culprit; the first suspect if nobody is named. */
const json_t *words_suspect(const json_t *report);
/* The strongest @p count pieces of evidence for (or against) in @p item's evidence, heaviest first;
 * returns how many there are. */
size_t words_strongest(const json_t *item, bool against, const json_t **ret, size_t count);
bool words_is_unreadable(const json_t *report);
/* It came out of an archive, where there may be more of its kind. */
bool words_is_member(const json_t *report);

#endif
