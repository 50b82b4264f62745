/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docker - published ports as Docker writes them.
 *
 *	docker run -p 8080:80 --publish=127.0.0.1:53:53/udp ...
 *	ports:                            of a compose file
 *	  - "8080:80"
 *	0.0.0.0:8080->80/tcp, [::]:8080->80/tcp      of docker ps
 *	8080:80 5000-5010:6000-6010                  or just the values
 */
#include <netinet/in.h>
#include <string.h>

#include "conf/ip.h"
#include "conf/import/import.h"
#include "conf/import/words.h"

static const char *read_proto(char *text, uint8_t *proto)
{
	char *slash = strrchr(text, '/');

	*proto = IPPROTO_TCP;
	if (!slash)
		return NULL;
	*slash = '\0';
	if (!strcmp(slash + 1, "udp"))
		*proto = IPPROTO_UDP;
	else if (!strcmp(slash + 1, "sctp"))
		*proto = IPPROTO_SCTP;
	else if (strcmp(slash + 1, "tcp") != 0)
		return "its protocol is none of Docker's: tcp, udp and sctp";
	return NULL;
}

/* The address in front, if any; *@text goes on behind it. */
static const char *read_listen(char **text, struct publish *p)
{
	char *addr = *text, *end, *first = strchr(addr, ':');
	enum nat_family family;

	if (!strncmp(addr, ":::", 3)) {		/* docker ps: :::8080->80/tcp */
		p->family = NAT_IPV6;
		*text = addr + 3;
		return NULL;
	}
	if (*addr == '[') {
		end = strstr(addr, "]:");
		addr++;
	} else {
		end = first && strchr(first + 1, ':') ? first : NULL;
		if (!end)
			return NULL;
	}
	if (!end || !conf_ip_parse(addr, (size_t)(end - addr), &p->listen, &family))
		return "its address is not one; write IPv4, or IPv6 in brackets";
	p->family = (uint8_t)family;
	*text = end + (*end == ']' ? 2 : 1);
	return NULL;
}

static const char *read_ports(const char *text, struct publish *p)
{
	uint16_t to_hi;

	if (!strchr(text, ':'))
		return "has no host port, so Docker takes any that is free; choose one";
	if (!words_ports(&text, '-', &p->lo, &p->hi) || *text++ != ':')
		return "has no host port, so Docker takes any that is free; choose one";
	if (!words_ports(&text, '-', &p->to_lo, &to_hi) || *text)
		return "its ports are not understood";
	if (to_hi - p->to_lo != p->hi - p->lo)
		return "its two ranges are not equally wide; Docker takes any port that is free, choose one";
	return NULL;
}

static void add(struct plan *p, unsigned line, char *spec, const struct import_args *args)
{
	struct publish item = { 0 };
	char *arrow = strstr(spec, "->"), *at = spec;
	char whole[128];
	const char *wrong;

	snprintf(whole, sizeof(whole), "%s", spec);
	if (arrow) {
		*arrow = ':';
		memmove(arrow + 1, arrow + 2, strlen(arrow + 2) + 1);
	}
	wrong = read_proto(spec, &item.proto);
	if (!wrong)
		wrong = read_listen(&at, &item);
	if (!wrong)
		wrong = read_ports(at, &item);
	if (wrong)
		plan_leave(p, line, "'%s' %s", whole, wrong);
	else
		plan_add(p, line, &args->to, &item);
}

static char text_none[1];		/* "" that may be written to, as all words may */

/* The value of a -p or --publish at word @i, "" if it is missing, or NULL; @i moves to the last word it used. */
static char *option(const struct words *w, unsigned *i)
{
	char *word = w->word[*i];

	if (!strcmp(word, "-p") || !strcmp(word, "--publish"))
		return *i + 1 < w->n ? w->word[++*i] : text_none;
	if (!strncmp(word, "--publish=", 10))
		return word + 10;
	return word[0] == '-' && word[1] == 'p' && word[2] ? word + 2 + (word[2] == '=') : NULL;
}

/* Words of a list: commas of docker ps go; a port alone there is exposed, not published. */
static void add_listed(struct plan *p, unsigned line, char *word, const struct import_args *args)
{
	size_t len = strlen(word);
	bool comma = len && word[len - 1] == ',';

	if (comma)
		word[len - 1] = '\0';
	if (*word && (!comma || strstr(word, "->")))
		add(p, line, word, args);
}

struct place {
	bool options;			/* the text has -p options: nothing else counts */
	bool compose, in_ports;		/* it has ports: lists; this line is in one */
};

static void read_line(struct plan *p, unsigned line, struct words *w, struct place *at, const struct import_args *args)
{
	bool item = w->n && !strcmp(w->word[0], "-");

	if (at->compose && w->n) {
		at->in_ports = !strcmp(w->word[0], "ports:") || (at->in_ports && item);
		if (!at->in_ports || !item)
			return;
	}
	for (unsigned i = item; i < w->n; i++) {
		char *value = at->options ? option(w, &i) : w->word[i];

		if (!value)
			continue;
		if (strchr(value, '=') || (item && value[strlen(value) - (*value != '\0')] == ':'))
			plan_leave(p, line, "'%s' is the long form; write host:guest", value);
		else if (at->options)
			add(p, line, value, args);
		else
			add_listed(p, line, value, args);
	}
}

/* Is there an option -p in the text, at the start of a word? */
static bool has_options(const char *text)
{
	for (const char *p = text; (p = strstr(p, "-p")); p++)
		if (p == text || strchr(" \t\n-", p[-1]))
			return true;
	return false;
}

bool import_docker(struct plan *p, char *text, const struct import_args *args)
{
	struct place at = { .options = has_options(text), .compose = strstr(text, "ports:") };
	struct words w;
	char *line;

	at.compose = at.compose && !at.options;
	for (unsigned no = 1; (line = words_line(&text)); no++) {
		words_split(line, '#', &w);
		read_line(p, no, &w, &at, args);
		if (w.more)
			plan_leave(p, no, "what stands behind %d words; break the line", WORDS_MAX);
	}
	return true;
}
