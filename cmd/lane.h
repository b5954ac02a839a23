/* A lane: a process between the main process and the sandboxed children, which runs every n-th
 * input of the command line, so that children work while the main process renders.
 *
 *     main  <--lines--  lane  <--lines--  sandboxed child of one input
 *
 * The lane looks into nothing: it passes on what a child says, line by line, and says itself what
 * became of the child. Each line of a lane begins with a letter:
 *     N text   name of the file of the next input, P its path with the member, M its member;
 *              S name of each file of an input that is several files, of which N is the first
 *     L line   a line of the child (not to be trusted)
 *     D code   the child died over evidence that it had begun, T says how in words
 *     F code   it died before or between pieces of evidence, T says how in words
 *     E        end of the input
 */
#ifndef CULPRIT_LANE_H
#define CULPRIT_LANE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct run;

struct lane {
	pid_t pid;
	FILE *lines;
	char *line; /* the last one read, of `length` bytes, without its newline */
	size_t length, capacity;
};

/* Starts a lane over arguments[first], [first + step] ..., or over the one input that all of them
 * are (run->split; at most LIMIT_PARTS). False: complained. */
bool lane_start(struct lane *lane, const struct run *run, char **arguments, int count, int first,
		int step);
/* Reads the next line; false at the end of the lane. */
bool lane_next(struct lane *lane);
void lane_stop(struct lane *lane);

#endif
