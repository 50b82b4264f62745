/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wrap - see wrap.h */
#include "ctl/wrap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int wrap_width(FILE *to)
{
	const char *env = getenv("COLUMNS");
	struct winsize w = { 0 };
	long n = 0;

	if (!ioctl(fileno(to), TIOCGWINSZ, &w))
		n = w.ws_col ? w.ws_col : 80;	/* a terminal that does not know */
	else if (env)
		n = strtol(env, NULL, 10);
	return n <= 0 || n > 10000 ? 0 : n < WRAP_LEAST ? WRAP_LEAST : (int)n;
}

/* Octets of an escape sequence at @s, 0: it is none. */
static size_t escape(const char *s, size_t n)
{
	size_t i = 2;

	if (n < 3 || s[0] != '\x1b' || s[1] != '[')
		return 0;
	while (i < n && s[i] != 'm')
		i++;
	return i < n ? i + 1 : 0;
}

/* How many octets of @s fit into @room columns, broken at a blank if there is one; @n: all do. */
static size_t fits(const char *s, size_t n, int room)
{
	size_t i = 0, blank = 0;
	int columns = 0;
	bool word = false;		/* blanks at the beginning are no place to break */

	while (i < n) {
		size_t skip = escape(s + i, n - i);

		if (skip) {
			i += skip;
			continue;
		}
		if (s[i] == ' ' && word)
			blank = i;
		word = word || s[i] != ' ';
		columns += ((unsigned char)s[i] & 0xc0) != 0x80;
		if (columns > room && blank)
			return blank;
		i++;
	}
	return n;
}

void wrap_line(FILE *to, const char *line, size_t n, int width)
{
	size_t indent = strspn(line, " "), piece = width ? fits(line, n, width) : n;

	if (indent > (size_t)width / 2)
		indent = 0;
	indent += WRAP_INDENT;
	fwrite(line, 1, piece, to);
	while (piece < n) {
		line += piece;
		n -= piece;
		while (n && *line == ' ') {
			line++;
			n--;
		}
		if (!n)
			break;
		piece = fits(line, n, width - (int)indent);
		fprintf(to, "\n%*s", (int)indent, "");
		fwrite(line, 1, piece, to);
	}
	fputc('\n', to);
}

/* ---- as a stream ---- */

struct wrap {
	FILE *to;
	int width;
	size_t n;
	char line[8192];		/* what is longer goes on as a line of its own */
};

static void flush_line(struct wrap *w)
{
	w->line[w->n] = '\0';
	wrap_line(w->to, w->line, w->n, w->width);
	w->n = 0;
}

static ssize_t wrap_write(void *cookie, const char *buf, size_t n)
{
	struct wrap *w = cookie;

	for (size_t i = 0; i < n; i++) {
		if (buf[i] != '\n')
			w->line[w->n++] = buf[i];
		if (buf[i] == '\n' || w->n == sizeof(w->line) - 1)
			flush_line(w);
	}
	return ferror(w->to) ? 0 : (ssize_t)n;
}

static int wrap_close(void *cookie)
{
	struct wrap *w = cookie;

	if (w->n)
		flush_line(w);
	free(w);
	return 0;
}

FILE *wrap_open(FILE *to, int width)
{
	const cookie_io_functions_t io = { .write = wrap_write, .close = wrap_close };
	struct wrap *w = calloc(1, sizeof(*w));
	FILE *f = w ? fopencookie(w, "w", io) : NULL;

	if (!f) {
		free(w);
		return NULL;
	}
	w->to = to;
	w->width = width;
	setvbuf(f, NULL, _IOLBF, BUFSIZ);	/* in step with what is written to @to itself */
	return f;
}
