/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words - lines of a text and the words of a line, as a shell would cut them.
 *
 * Both work in place, in a copy that the caller owns. '...' and "..." hold
 * words together, \ takes the next character as it is; a \ at the end of a
 * line is dropped. No variables, no patterns.
 */
#ifndef IMPORT_WORDS_H
#define IMPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORDS_MAX = 256 };

struct words {
	char *word[WORDS_MAX];
	unsigned n;
	bool more;			/* there were more than WORDS_MAX; they are not here */
};

/* words_line - the next line of the text at *@at, ended by NUL; *@at goes on behind it. NULL: no more. */
char *words_line(char **at);

/* words_split - @comment: the character that begins a comment at the start of a word, '\0': none */
void words_split(char *line, char comment, struct words *w);

/**
 * words_ports - "80", or "80-90" with @dash between
 * @at: moves behind it
 * False: no port of 1..65535 is there, or the range ends before it starts; *@at is untouched.
 */
bool words_ports(const char **at, char dash, uint16_t *lo, uint16_t *hi);

#endif
