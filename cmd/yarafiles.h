/* The user's own YARA rules, from source files. Compiled ones are not accepted: they are bytecode.
 */
#ifndef CULPRIT_YARAFILES_H
#define CULPRIT_YARAFILES_H

/* A YR_RULES * made of the *.yar and *.yara files of @p path, or of that one file. A file that does
 * not compile is complained about and left out. NULL: complained, nothing is left. Open the
 * knowledge first: it starts libyara. */
void *yarafiles_compile(const char *path);

#endif
