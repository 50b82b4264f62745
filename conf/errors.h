/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * errors - every mistake found in a configuration, to be shown at once.
 *
 * Memory   texts belong to the list; file names are borrowed until conf_errors_fini()
 * Bound    CONF_ERRORS_MAX are kept, the rest is only counted
 */
#ifndef CONF_ERRORS_H
#define CONF_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONF_ERRORS_MAX 100
#define CONF_QUOTE_MAX 56

/* A place in a file, counted from 1 as editors do. */
struct conf_at {
	const char *file;
	unsigned line, col;		/* line 0: the file as a whole */
};

struct conf_errors {
	struct {
		struct conf_at at;
		char *text;
	} list[CONF_ERRORS_MAX];
	unsigned n;			/* used in list */
	unsigned more;			/* found, but not kept */
	bool oom;			/* memory ran out: the list may lack some */
};

/**
 * conf_error_add - note one mistake
 * @e:   the list; NULL: say nothing
 * @at:  where; at.file must outlive the list
 * @fmt: "what is wrong; what to do", without newline
 */
void conf_error_add(struct conf_errors *e, struct conf_at at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* conf_errors_any - was anything wrong? */
bool conf_errors_any(const struct conf_errors *e);

/* conf_errors_print - sort by place, drop repetitions, one line each */
void conf_errors_print(struct conf_errors *e, FILE *out);

void conf_errors_fini(struct conf_errors *e);

/**
 * conf_quote - make the admin's text safe to be shown in a message
 * @buf: receives it in single quotes, cut if long, '?' for what is not printable ASCII
 * Returns @buf.
 */
const char *conf_quote(char buf[CONF_QUOTE_MAX], const char *text, size_t len);

#endif
