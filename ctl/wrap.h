/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wrap - lines for a terminal: one that is wider is broken at a blank, and goes
 * on below, set in. Escape sequences take no room, and characters are counted,
 * not octets. A word that is wider than the terminal stays whole.
 */
#ifndef CTL_WRAP_H
#define CTL_WRAP_H

#include <stdio.h>

enum { WRAP_INDENT = 4, WRAP_LEAST = 40 };

/**
 * wrap_width - how many columns text on @to may have; 0: no limit
 * A terminal's own width, else what the environment's COLUMNS says: neither,
 * and it is for a program, which wants one record a line.
 */
int wrap_width(FILE *to);

/* wrap_line - write one line of @n octets and a newline; @width 0: as it is */
void wrap_line(FILE *to, const char *line, size_t n, int width);

/* wrap_open - a stream whose lines go to @to by wrap_line(); fclose() it first. NULL: no memory */
FILE *wrap_open(FILE *to, int width);

#endif
