/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words - see words.h */
#include "conf/import/words.h"

#include <string.h>

char *words_line(char **at)
{
	char *line = *at, *end;

	if (!*line)
		return NULL;
	end = strchrnul(line, '\n');
	*at = *end ? end + 1 : end;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One word from *@in to *@out, without its quotes. */
static void take_word(char **in, char **out)
{
	char quote = '\0', *from = *in, *to = *out;

	for (; *from && (quote || !is_blank(*from)); from++) {
		if (quote && *from == quote)
			quote = '\0';
		else if (!quote && (*from == '"' || *from == '\''))
			quote = *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*to++ = *++from;
		else if (*from != '\\' || quote)
			*to++ = *from;
	}
	*in = from;
	*out = to;
}

void words_split(char *line, char comment, struct words *w)
{
	char *in = line;

	w->n = 0;
	w->more = false;
	for (;;) {
		char *out, *start;
		bool end;

		while (is_blank(*in))
			in++;
		if (!*in || (comment && *in == comment))
			return;
		if (w->n == WORDS_MAX) {
			w->more = true;
			return;
		}
		start = out = in;
		take_word(&in, &out);
		end = !*in;
		in += !end;
		*out = '\0';
		if (out > start)
			w->word[w->n++] = start;
		if (end)
			return;
	}
}

static bool port(const char **at, uint16_t *value)
{
	const char *p = *at;
	unsigned long n = 0;

	if (*p < '1' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (unsigned long)(*p - '0');
		if (n > 65535)
			return false;
	}
	*value = (uint16_t)n;
	*at = p;
	return true;
}

bool words_ports(const char **at, char dash, uint16_t *lo, uint16_t *hi)
{
	const char *p = *at;
	uint16_t a, b;

	if (!port(&p, &a))
		return false;
	b = a;
	if (*p == dash) {
		p++;
		if (!port(&p, &b) || b < a)
			return false;
	}
	*lo = a;
	*hi = b;
	*at = p;
	return true;
}
