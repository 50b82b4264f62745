/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * out - text for people: colours, and columns that fit a terminal.
 */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <stddef.h>

#include "ctl/cmd.h"

enum out_paint {
	OUT_PLAIN,
	OUT_BOLD,
	OUT_DIM,
	OUT_RED,
	OUT_GREEN,
	OUT_YELLOW,
};

/**
 * out_colour - are colours to be used on @to?
 * @when: auto (a terminal, TERM is not dumb and NO_COLOR is not set), always or never
 * @on:   out
 * Returns false if @when is none of these.
 */
bool out_colour(const char *when, FILE *to, bool *on);

/* ctl_flush - to the reader with what there is; false: there is none any more */
bool ctl_flush(const struct ctl *c);

/* out_on, out_off - begin and end a colour; "" where none may be used: fputs(out_on(c, OUT_RED), c->out) */
const char *out_on(const struct ctl *c, enum out_paint paint);
const char *out_off(const struct ctl *c);

/* out_count - 12345678 as "12.3M": at most 5 characters; returns @buf */
const char *out_count(char buf[8], double n);

/* out_octets - 12345678 as "11.8MiB"; returns @buf */
const char *out_octets(char buf[12], double n);

/* out_span - seconds as "2h04m", "5m00s", "12s"; returns @buf */
const char *out_span(char buf[16], long seconds);

/*
 * A table whose columns are as wide as their widest cell. Rows are kept until
 * out_table_print(); memory grows with them and is given back by it.
 */
enum { OUT_COLUMNS_MAX = 12 };

struct out_table {
	unsigned columns;
	const char *const *head;	/* @columns titles; a title that begins with '>' is of a right-aligned column */
	char **cell;
	enum out_paint *paint;		/* per row */
	size_t rows, room;
};

/* out_row - add a row: @columns texts, copied; an absent memory is an absent row, said by out_table_print() */
void out_row(struct out_table *t, enum out_paint paint, const char *const *cell);

/* out_table_print - head and rows; empties the table. Trailing blanks are not printed. */
void out_table_print(struct ctl *c, struct out_table *t);

#endif
