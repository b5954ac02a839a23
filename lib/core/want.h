#ifndef CULPRIT_WANT_H
#define CULPRIT_WANT_H

/* What the person asked for that is not in every report. */
enum want {
	WANT_STRINGS = 1, /* the list of strings, and the bytes of content files */
	WANT_SCAN = 2,    /* the YARA rules over all memory, not only what the fault leads to */
};

#endif
