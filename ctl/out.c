/* SPDX-License-Identifier: GPL-2.0-or-later */
/* out - see out.h */
#include "ctl/out.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/wrap.h"

bool out_colour(const char *when, FILE *to, bool *on)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	*on = !strcmp(when, "always");
	if (!strcmp(when, "auto"))
		*on = isatty(fileno(to)) && term && strcmp(term, "dumb") != 0 && !(no && *no);
	else if (!*on && strcmp(when, "never") != 0)
		return false;
	return true;
}

bool ctl_flush(const struct ctl *c)
{
	return fflush(c->out) != EOF && !ferror(c->out) && fflush(c->plain) != EOF && !ferror(c->plain);
}

const char *out_on(const struct ctl *c, enum out_paint paint)
{
	static const char *const codes[] = {
		[OUT_PLAIN] = "",	  [OUT_BOLD] = "\x1b[1m",   [OUT_DIM] = "\x1b[2m",
		[OUT_RED] = "\x1b[31m",	  [OUT_GREEN] = "\x1b[32m", [OUT_YELLOW] = "\x1b[33m",
	};

	return c->colour ? codes[paint] : "";
}

const char *out_off(const struct ctl *c)
{
	return c->colour ? "\x1b[0m" : "";
}

const char *out_count(char buf[8], double n)
{
	static const char units[] = " kMGTPE";
	unsigned u = 0;

	while (n >= 99999.5 || (u && n >= 999.5)) {
		n /= 1000;
		u++;
	}
	if (u)
		snprintf(buf, 8, n < 99.95 ? "%.1f%c" : "%.0f%c", n, units[u % 7]);
	else
		snprintf(buf, 8, "%.0f", n);
	return buf;
}

const char *out_octets(char buf[12], double n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned u = 0;

	while (n >= 1023.5 && u + 1 < sizeof(units) / sizeof(*units)) {
		n /= 1024;
		u++;
	}
	snprintf(buf, 12, u && n < 99.95 ? "%.1f%s" : "%.0f%s", n, units[u]);
	return buf;
}

const char *out_span(char buf[16], long s)
{
	if (s < 0)
		s = 0;
	if (s < 60)
		snprintf(buf, 16, "%lds", s);
	else if (s < 3600)
		snprintf(buf, 16, "%ldm%02lds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, 16, "%ldh%02ldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, 16, "%ldd%02ldh", s / 86400 % 1000000, s / 3600 % 24);
	return buf;
}

void out_row(struct out_table *t, enum out_paint paint, const char *const *cell)
{
	if (t->rows == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		char **cells = reallocarray(t->cell, room * t->columns, sizeof(*cells));
		enum out_paint *paints;

		if (!cells)
			return;
		t->cell = cells;
		paints = reallocarray(t->paint, room, sizeof(*paints));
		if (!paints)
			return;
		t->paint = paints;
		t->room = room;
	}
	for (unsigned i = 0; i < t->columns; i++)
		t->cell[t->rows * t->columns + i] = strdup(cell[i] ? cell[i] : "");
	t->paint[t->rows++] = paint;
}

/* Characters, not octets: names may be UTF-8. */
static int width_of(const char *s)
{
	int n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Where the columns together are too wide, those that find no room go on below: the same ones in every row. */
static void fold(const struct ctl *c, const struct out_table *t, const int *width, bool *below)
{
	int at = 0;

	for (unsigned i = 0; i < t->columns; i++) {
		below[i] = c->width && i && at + width[i] > c->width;
		at = (below[i] ? WRAP_INDENT : at) + width[i] + 1;
	}
}

static void line(struct ctl *c, const struct out_table *t, const int *width, const char *const *cell, bool head)
{
	int owed = 0;		/* blanks that are printed only if something follows */
	bool below[OUT_COLUMNS_MAX];

	fold(c, t, width, below);
	for (unsigned i = 0; i < t->columns; i++) {
		bool right = t->head[i][0] == '>';
		const char *text = cell[i] ? cell[i] + (head && right) : "";
		int pad = width[i] - width_of(text);

		if (pad < 0)
			pad = 0;
		if (below[i]) {
			fprintf(c->out, "\n%*s", WRAP_INDENT, "");
			owed = 0;
		}
		if (*text) {
			fprintf(c->out, "%*s%s", owed + (right ? pad : 0), "", text);
			owed = right ? 1 : pad + 1;
		} else {
			owed += width[i] + 1;
		}
	}
}

void out_table_print(struct ctl *c, struct out_table *t)
{
	int width[OUT_COLUMNS_MAX] = { 0 };

	for (unsigned i = 0; i < t->columns; i++) {
		width[i] = width_of(t->head[i] + (t->head[i][0] == '>'));
		for (size_t r = 0; r < t->rows; r++) {
			int w = width_of(t->cell[r * t->columns + i]);

			width[i] = w > width[i] ? w : width[i];
		}
	}
	fputs(out_on(c, OUT_BOLD), c->out);
	line(c, t, width, t->head, true);
	fprintf(c->out, "%s\n", out_off(c));
	for (size_t r = 0; r < t->rows; r++) {
		char **cell = t->cell + r * t->columns;
		bool painted = t->paint[r] != OUT_PLAIN;

		fputs(out_on(c, t->paint[r]), c->out);
		line(c, t, width, (const char *const *)cell, false);
		fprintf(c->out, "%s\n", painted ? out_off(c) : "");
		for (unsigned i = 0; i < t->columns; i++)
			free(cell[i]);
	}
	free(t->cell);
	free(t->paint);
	t->cell = NULL;
	t->paint = NULL;
	t->rows = t->room = 0;
}
