/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passt - the -t and -u options of passt(1).
 *
 *	-t [ADDRESS][%DEVICE]/PORTS     PORTS: 22, 80-90, 2222:22, 5000-5010:6000-6010, ~5005
 *	-u PORTS
 */
#include <netinet/in.h>
#include <string.h>

#include "conf/ip.h"
#include "conf/ports.h"
#include "conf/import/import.h"
#include "conf/import/words.h"

/* "192.0.2.1%eth0/" in front, if there is a slash. False: not understood. */
static bool read_listen(const char **spec, struct publish *p)
{
	const char *slash = strchr(*spec, '/'), *percent = strchr(*spec, '%'), *end;
	enum nat_family family;
	size_t len;

	if (!slash)
		return true;
	end = percent && percent < slash ? percent : slash;
	if (end > *spec) {
		if (!conf_ip_parse(*spec, (size_t)(end - *spec), &p->listen, &family))
			return false;
		p->family = (uint8_t)family;
	}
	if (end == percent) {
		len = (size_t)(slash - percent - 1);
		if (!len || len >= sizeof(p->dev))
			return false;
		memcpy(p->dev, percent + 1, len);
	}
	*spec = slash + 1;
	return true;
}

/* The ~ parts of a list: what its ranges do not mean. False: not understood, or no memory. */
static bool read_holes(const char *list, struct conf_ports *holes)
{
	const char *at = list;
	uint16_t lo, hi;

	for (; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (*at != '~')
			continue;
		at++;
		if (!words_ports(&at, '-', &lo, &hi) || (*at && *at != ',') || conf_ports_add(holes, lo, hi))
			return false;
	}
	conf_ports_seal(holes);
	return true;
}

/* @item but for the holes, piece by piece. */
static void add_pieces(struct plan *p, unsigned line, const struct publish *item, const struct conf_ports *holes,
		       const struct import_args *args)
{
	unsigned lo = item->lo, hi = item->hi;

	while (lo <= hi) {
		const struct conf_range *hole = conf_ports_first(holes, (uint16_t)lo);
		unsigned end = hole && hole->lo <= hi ? hole->lo : hi + 1;
		struct publish piece = *item;

		if (end > lo) {
			piece.lo = (uint16_t)lo;
			piece.hi = (uint16_t)(end - 1);
			piece.to_lo = (uint16_t)(item->to_lo + (lo - item->lo));
			plan_add(p, line, &args->to, &piece);
		}
		lo = hole && end <= hi ? hole->hi + 1u : end;
	}
}

static const char *read_list(struct plan *p, unsigned line, const char *list, struct publish item,
			     const struct conf_ports *holes, const struct import_args *args)
{
	const char *at = list;
	bool any = false;
	uint16_t to_hi;

	for (;;) {
		if (*at == '~') {
			at += strcspn(at, ",");
		} else {
			if (!words_ports(&at, '-', &item.lo, &item.hi))
				return "its ports are not understood";
			item.to_lo = item.lo;
			to_hi = item.hi;
			if (*at == ':' && (at++, !words_ports(&at, '-', &item.to_lo, &to_hi)))
				return "its ports are not understood";
			if (to_hi - item.to_lo != item.hi - item.lo)
				return "its two ranges are not equally wide";
			if (*at && *at != ',')
				return "its ports are not understood";
			add_pieces(p, line, &item, holes, args);
			any = true;
		}
		if (!*at)
			return any ? NULL : "means every port but some; write the ranges";
		at++;
	}
}

static void add(struct plan *p, unsigned line, const char *spec, uint8_t proto, const struct import_args *args)
{
	struct publish item = { .proto = proto };
	struct conf_ports holes = { 0 };
	const char *list = spec, *wrong;

	if (!strcmp(spec, "none"))
		return;
	if (!read_listen(&list, &item))
		wrong = "its address or device is not one";
	else if (!strcmp(list, "all") || !strcmp(list, "auto"))
		wrong = "means whatever ports there are; write the ranges";
	else if (!read_holes(list, &holes))
		wrong = "its exclusions are not understood";
	else
		wrong = read_list(p, line, list, item, &holes, args);
	conf_ports_fini(&holes);
	if (wrong)
		plan_leave(p, line, "'%s' %s", spec, wrong);
}

static const struct option {
	const char *brief, *full;
	uint8_t proto;			/* 0: a direction we do not go */
} options[] = {
	{ "-t", "--tcp-ports", IPPROTO_TCP },
	{ "-u", "--udp-ports", IPPROTO_UDP },
	{ "-T", "--tcp-ns", 0 },
	{ "-U", "--udp-ns", 0 },
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

/* Is @word option @o? Then its value; @took: it is @next, as the word is the option alone. */
static bool is_option(const struct option *o, const char *word, const char *next, const char **value, bool *took)
{
	size_t len = strlen(o->full);

	*took = !strcmp(word, o->brief) || !strcmp(word, o->full);
	if (*took)
		*value = next;
	else if (!strncmp(word, o->full, len) && word[len] == '=')
		*value = word + len + 1;
	else if (!strncmp(word, o->brief, 2))
		*value = word + 2;
	else
		return false;
	return true;
}

static void read_words(struct plan *p, unsigned line, const struct words *w, const struct import_args *args)
{
	for (unsigned i = 0; i < w->n; i++) {
		const char *word = w->word[i], *next = i + 1 < w->n ? w->word[i + 1] : "", *value = "";
		const struct option *o = options;
		bool took = false;

		while (o < options + OPTIONS && !is_option(o, word, next, &value, &took))
			o++;
		i += took;
		if (o == options + OPTIONS)
			continue;
		if (o->proto)
			add(p, line, value, o->proto, args);
		else
			plan_leave(p, line, "%s %s leads out of the guest; a guest goes out by itself", o->brief,
				   value);
	}
}

bool import_passt(struct plan *p, char *text, const struct import_args *args)
{
	struct words w;
	char *line;

	for (unsigned no = 1; (line = words_line(&text)); no++) {
		words_split(line, '#', &w);
		read_words(p, no, &w, args);
		if (w.more)
			plan_leave(p, no, "what stands behind %d words; break the line", WORDS_MAX);
	}
	return true;
}
