/* What the parser of oopses keeps while it reads; the inside of oops.c and oops_body.c. */
#ifndef CULPRIT_OOPS_PARSER_H
#define CULPRIT_OOPS_PARSER_H

#include "oops.h"

enum { OOPS_STREAMS = 32 }; /* who prints at the same time */

/* What was printed by one thread or processor; without that knowledge there is one for all. */
struct oops_stream {
	bool used, has_caller, caller_is_cpu;
	uint32_t caller;
	size_t event;     /* index + 1 of the event it is at, 0 none */
	size_t last_line; /* with something of that event */
	bool in_trace;    /* between "Call Trace:" and its end */
	bool user_part;   /* registers that follow are user space's */
	bool closed;      /* "---[ end trace": what follows is said twice */
	bool in_modules;  /* the last line was of "Modules linked in:" */
	unsigned misses;
	const char *context;
	enum oops_access next_access; /* said before the headline */
	const char *next_detail;
};

struct oops_parser {
	const struct linux_log *log;
	struct arena *arena;
	struct oops_log *out;
	struct oops_stream streams[OOPS_STREAMS];
	size_t line; /* index of the one being read */
	struct oops_boots boots;
};

/* A line behind the headline of @p event, which @p stream is at: what it says goes to the event, or
 * to the older one that it turns out to be of (then the stream is at that one). False if it says
 * nothing that is known. */
bool oops_body_line(struct oops_parser *parser, struct oops_stream *stream, struct oops *event,
		    const char *text);

#endif
