/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * natd - the redirect_port lines of natd.conf, natd(8)'s options, or ipfw nat.
 *
 *	redirect_port tcp 192.168.0.2:80-90 [203.0.113.5:]8080-8090 [198.51.100.7]
 *	redirect_proto gre 192.168.0.2 [203.0.113.5 [198.51.100.7]]
 *	interface em0          forwards are for packets that arrive there
 *	alias_address ADDR     ... or that are to that address
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ip.h"
#include "conf/import/import.h"
#include "conf/import/words.h"

struct natd {
	struct plan *plan;
	struct publish outside;		/* dev and listen of interface and alias_address */
	bool settings;			/* first pass: those two, wherever they stand */
};

/* "192.168.0.2:80-90": address and ports. */
static const char *read_target(const char *text, struct plan_head *head, uint16_t *lo, uint16_t *hi)
{
	const char *colon = strrchr(text, ':');
	char addr[64];

	if (strchr(text, ','))
		return "shares the load between several guests; we forward to one";
	if (!colon || (size_t)(colon - text) >= sizeof(addr))
		return "its target is not address:port";
	memcpy(addr, text, (size_t)(colon - text));
	addr[colon - text] = '\0';
	colon++;
	if (!plan_target(head, addr))
		return "its target is a name; write the address";
	return words_ports(&colon, '-', lo, hi) && !*colon ? NULL : "its target port is not a number; write one";
}

static const char *read_alias(const char *text, struct publish *item)
{
	const char *colon = strrchr(text, ':');
	enum nat_family family;

	if (colon) {
		if (!conf_ip_parse(text, (size_t)(colon - text), &item->listen, &family))
			return "its alias address is a name; write the address";
		item->family = (uint8_t)family;
		text = colon + 1;
	}
	return words_ports(&text, '-', &item->lo, &item->hi) && !*text ? NULL
								       : "its alias port is not a number; write one";
}

/* Where packets must come from; a port of theirs we cannot ask for. */
static const char *read_remote(const char *text, struct plan_head *head)
{
	if (!strcmp(text, "0") || !strcmp(text, "0.0.0.0") || !strcmp(text, "0:0"))
		return NULL;
	if (strchr(text, ':'))
		return "asks for a remote port, which forwards here cannot; write `allow:` with the address";
	return plan_allow(head, text) ? NULL : "its remote is a name; write the address";
}

/* redirect_port at word @i. Returns the last word it used. */
static unsigned redirect_port(struct natd *n, unsigned line, const struct words *w, unsigned i)
{
	static const char *const keys[] = { "redirect_port", "redirect_addr", "redirect_address", "redirect_proto" };
	struct publish item = n->outside;
	struct plan_head head = { 0 };
	const char *wrong = NULL;
	uint16_t lo = 0, hi = 0;
	bool remote;

	if (i + 3 >= w->n) {
		plan_leave(n->plan, line, "redirect_port needs a protocol, a target and a port");
		return w->n;
	}
	item.proto = !strcmp(w->word[i + 1], "udp") ? IPPROTO_UDP : IPPROTO_TCP;
	if (strcmp(w->word[i + 1], "udp") != 0 && strcmp(w->word[i + 1], "tcp") != 0)
		wrong = "protocol is not forwarded here; tcp and udp are";
	if (!wrong)
		wrong = read_target(w->word[i + 2], &head, &lo, &hi);
	if (!wrong)
		wrong = read_alias(w->word[i + 3], &item);
	remote = i + 4 < w->n && w->word[i + 4][0] != '-';
	for (size_t k = 0; remote && k < sizeof(keys) / sizeof(keys[0]); k++)
		remote = strcmp(w->word[i + 4], keys[k]) != 0;
	if (!wrong && remote)
		wrong = read_remote(w->word[i + 4], &head);
	if (!wrong && hi - lo != item.hi - item.lo)
		wrong = "its two ranges are not equally wide";
	item.to_lo = lo;
	if (wrong)
		plan_leave(n->plan, line, "redirect_port %s %s %s: %s", w->word[i + 1], w->word[i + 2], w->word[i + 3],
			   wrong);
	else
		plan_add(n->plan, line, &head, &item);
	return i + 3 + remote;
}

/* redirect_proto at word @i. Returns the last word it used. */
static unsigned redirect_proto(struct natd *n, unsigned line, const struct words *w, unsigned i)
{
	static const struct { const char *name; uint8_t proto; } names[] = {
		{ "gre", IPPROTO_GRE }, { "esp", IPPROTO_ESP }, { "ipencap", IPPROTO_IPIP }, { "ipv6", IPPROTO_IPV6 },
		{ "icmp", IPPROTO_ICMP },
	};
	struct publish item = n->outside;
	struct plan_head head = { 0 };
	enum nat_family family;
	unsigned used = 2;
	bool wrong = false;
	size_t k = 0;

	while (i + 1 < w->n && k < sizeof(names) / sizeof(names[0]) && strcmp(names[k].name, w->word[i + 1]) != 0)
		k++;
	if (i + 2 >= w->n || k == sizeof(names) / sizeof(names[0]) || !plan_target(&head, w->word[i + 2])) {
		plan_leave(n->plan, line,
			   "redirect_proto needs gre, esp, ipencap, ipv6 or icmp, and the guest's address");
		return w->n;
	}
	item.proto = names[k].proto;
	/* What follows narrows it: an address to listen on, one to come from. */
	for (; i + used + 1 < w->n && used < 4; used++) {
		const char *word = w->word[i + used + 1];

		if (*word == '-' || !strncmp(word, "redirect_", 9))
			break;
		if (used == 2 && conf_ip_parse(word, strlen(word), &item.listen, &family))
			item.family = (uint8_t)family;
		else if (used != 3 || !plan_allow(&head, word))
			wrong = true;
	}
	if (wrong)
		plan_leave(n->plan, line, "redirect_proto %s %s: what follows is not an address", w->word[i + 1],
			   w->word[i + 2]);
	else
		plan_add(n->plan, line, &head, &item);
	return i + used;
}

static void interface(struct natd *n, unsigned line, const char *name)
{
	if (strlen(name) >= sizeof(n->outside.dev)) {
		plan_leave(n->plan, line, "interface %s: the name is too long for a device", name);
		return;
	}
	snprintf(n->outside.dev, sizeof(n->outside.dev), "%s", name);
	plan_note(n->plan, line, "interface %s is kept as %%%s; write the device's name on this host", name, name);
}

static void alias_address(struct natd *n, unsigned line, const char *text)
{
	enum nat_family family;

	if (conf_ip_parse(text, strlen(text), &n->outside.listen, &family))
		n->outside.family = (uint8_t)family;
	else
		plan_leave(n->plan, line, "alias_address %s is a name; write the address", text);
}

/* One word and what belongs to it. Returns the last word it used. */
static unsigned read_word(struct natd *n, unsigned line, const struct words *w, unsigned i)
{
	const char *word = w->word[i] + (w->word[i][0] == '-');
	bool arg = i + 1 < w->n && n->settings;

	if (!n->settings && !strcmp(word, "redirect_port"))
		return redirect_port(n, line, w, i);
	if (!n->settings && !strcmp(word, "redirect_proto"))
		return redirect_proto(n, line, w, i);
	if (!n->settings && !strncmp(word, "redirect_", 9)) {
		plan_leave(n->plan, line, "%s forwards an address as a whole; write its ports, or `one-to-one:`", word);
		return w->n;
	}
	if (arg && (!strcmp(word, "interface") || !strcmp(word, "n") || !strcmp(word, "if"))) {
		interface(n, line, w->word[i + 1]);
		return i + 1;
	}
	if (arg && (!strcmp(word, "alias_address") || !strcmp(word, "a") || !strcmp(word, "ip"))) {
		alias_address(n, line, w->word[i + 1]);
		return i + 1;
	}
	return i;		/* dynamic, same_ports, log, ...: nothing that a forward has */
}

static void pass(struct natd *n, char *text)
{
	struct words w;
	char *line;

	for (unsigned no = 1; (line = words_line(&text)); no++) {
		words_split(line, '#', &w);
		for (unsigned i = 0; i < w.n; i++)
			i = read_word(n, no, &w, i);
		if (w.more && n->settings)
			plan_leave(n->plan, no, "what stands behind %d words; break the line", WORDS_MAX);
	}
}

bool import_natd(struct plan *p, char *text, const struct import_args *args)
{
	struct natd n = { .plan = p, .settings = true };
	char *copy = strdup(text);

	(void)args;
	if (!copy) {
		p->oom = true;
		return false;
	}
	pass(&n, copy);
	free(copy);
	n.settings = false;
	pass(&n, text);
	return true;
}
