/* SPDX-License-Identifier: GPL-2.0-or-later */
/* errors - every mistake found in a configuration; errors.h has the contract. */
#include "conf/errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void conf_error_add(struct conf_errors *e, struct conf_at at, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	if (!e)
		return;
	if (e->n == CONF_ERRORS_MAX) {
		e->more++;
		return;
	}
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		e->oom = true;
		return;
	}
	e->list[e->n].at = at;
	e->list[e->n].text = text;
	e->n++;
}

bool conf_errors_any(const struct conf_errors *e)
{
	return e->n || e->oom;
}

static int by_place(const void *x, const void *y)
{
	const struct conf_at *a = x, *b = y;
	int c = strcmp(a->file, b->file);

	if (c)
		return c;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->col > b->col) - (a->col < b->col);
}

/* Insertion sort: at most CONF_ERRORS_MAX, and those of one place keep their order. */
static void sort(struct conf_errors *e)
{
	for (unsigned i = 1; i < e->n; i++)
		for (unsigned j = i; j && by_place(&e->list[j - 1].at, &e->list[j].at) > 0; j--) {
			__typeof__(e->list[0]) swap = e->list[j];

			e->list[j] = e->list[j - 1];
			e->list[j - 1] = swap;
		}
}

/* A mistake of both families is found twice and said once. */
static bool is_said(const struct conf_errors *e, unsigned i)
{
	for (unsigned j = i; j-- && !by_place(&e->list[j].at, &e->list[i].at);)
		if (!strcmp(e->list[j].text, e->list[i].text))
			return true;
	return false;
}

void conf_errors_print(struct conf_errors *e, FILE *out)
{
	sort(e);
	for (unsigned i = 0; i < e->n; i++) {
		const struct conf_at *at = &e->list[i].at;

		if (is_said(e, i))
			continue;
		if (at->line)
			fprintf(out, "%s:%u:%u: %s\n", at->file, at->line, at->col, e->list[i].text);
		else
			fprintf(out, "%s: %s\n", at->file, e->list[i].text);
	}
	if (e->more)
		fprintf(out, "%u more mistakes are not shown; correct these first\n", e->more);
	if (e->oom)
		fprintf(out, "out of memory while reading the configuration; free some and try again\n");
}

void conf_errors_fini(struct conf_errors *e)
{
	for (unsigned i = 0; i < e->n; i++)
		free(e->list[i].text);
	e->n = 0;
}

const char *conf_quote(char buf[CONF_QUOTE_MAX], const char *text, size_t len)
{
	static const size_t room = CONF_QUOTE_MAX - sizeof("'...'");
	size_t n = len < room ? len : room, w = 0;

	buf[w++] = '\'';
	for (size_t i = 0; i < n; i++)
		buf[w++] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	if (n < len) {
		memset(buf + w, '.', 3);
		w += 3;
	}
	buf[w++] = '\'';
	buf[w] = '\0';
	return buf;
}
