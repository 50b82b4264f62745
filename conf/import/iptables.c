/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iptables - DNAT rules in what iptables-save or ip6tables-save prints.
 *
 * Table nat is walked from PREROUTING as a packet would be: conditions of a
 * jump hold for the chain it leads to. OUTPUT has the same forwards once
 * more, for this host's own packets, which nfqnat sees to by itself.
 * A condition that a forward cannot have leaves the rule out.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ip.h"
#include "conf/import/import.h"
#include "conf/import/words.h"

enum {
	DEPTH_MAX = 8,			/* of jumps; loops end here */
	PORTS_MAX = 15,			/* of a multiport match */
	WALK_MAX = 100000,		/* rules looked at in all: chains may be jumped to again and again */
	CHAIN_OCTETS = 32,
	TAKEN_MAX = 256,
};

/* What a packet must be like. */
struct match {
	uint8_t proto;			/* 0: any */
	struct nat_prefix source, listen;	/* family 0: any */
	char dev[IFNAMSIZ];
	struct { uint16_t lo, hi; } port[PORTS_MAX];
	unsigned n_ports;
	char bad[48];			/* the first condition that is not understood; "": none */
	char not_dev[IFNAMSIZ];		/* ! -i: the guests' side, usually */
};

struct rule {
	char chain[CHAIN_OCTETS];
	char target[CHAIN_OCTETS];	/* DNAT, a chain, ... */
	char to[96];			/* --to-destination */
	unsigned line;
	bool reached;			/* by a packet that arrives */
	struct match match;
};

struct rules {
	struct plan *plan;
	struct rule *rule;
	unsigned n, room, walked;
	struct match taken[TAKEN_MAX];	/* packets that rules before have taken away */
	unsigned n_taken;
};

static void bad(struct match *m, const char *word, const char *value)
{
	if (!*m->bad)
		snprintf(m->bad, sizeof(m->bad), "%s%s%s", word, value ? " " : "", value ? value : "");
}

static void read_ports(struct match *m, const char *list)
{
	const char *at = list;

	m->n_ports = 0;
	for (;;) {
		if (m->n_ports == PORTS_MAX ||
		    !words_ports(&at, ':', &m->port[m->n_ports].lo, &m->port[m->n_ports].hi) || (*at && *at != ',')) {
			bad(m, "--dport", list);
			return;
		}
		m->n_ports++;
		if (!*at++)
			return;
	}
}

static void read_proto(struct match *m, const char *name)
{
	/* names of /etc/protocols, by which iptables-save prints them */
	static const struct { const char *name; uint8_t proto;
	} names[] = {
		{ "tcp", IPPROTO_TCP },	       { "udp", IPPROTO_UDP },	       { "sctp", IPPROTO_SCTP },
		{ "dccp", IPPROTO_DCCP },      { "udplite", IPPROTO_UDPLITE }, { "icmp", IPPROTO_ICMP },
		{ "ipv6-icmp", IPPROTO_ICMP }, { "gre", IPPROTO_GRE },	       { "esp", IPPROTO_ESP },
		{ "ipencap", IPPROTO_IPIP },   { "ipv6", IPPROTO_IPV6 },
	};
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name) || (*name && !*end && n == names[i].proto)) {
			m->proto = names[i].proto;
			return;
		}
	m->proto = *name && !*end && n > 0 && n < 255 ? (uint8_t)n : IPPROTO_RAW;
	if (m->proto == IPPROTO_RAW)
		bad(m, "-p", name);
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP || proto == IPPROTO_DCCP ||
	       proto == IPPROTO_UDPLITE;
}

static void read_device(struct match *m, const char *name, bool not)
{
	if (strlen(name) >= IFNAMSIZ || strchr(name, '+'))
		bad(m, "-i", name);
	else
		memcpy(not ? m->not_dev : m->dev, name, strlen(name) + 1);
}

static bool is_whole(const struct nat_prefix *p)
{
	return p->bits == (p->family == NAT_IPV4 ? 32 : 128);
}

/* Options with a value that a forward has too, and those that say nothing more. */
enum option { OPT_SOURCE, OPT_LISTEN, OPT_DEV, OPT_PROTO, OPT_PORTS, OPT_TARGET, OPT_TO, OPT_LOCAL, OPT_NEW, OPT_ANY };

static const struct {
	const char *word;
	enum option option;
} options[] = {
	{ "-s", OPT_SOURCE },    { "-d", OPT_LISTEN },     { "-i", OPT_DEV },            { "-p", OPT_PROTO },
	{ "--dport", OPT_PORTS }, { "--dports", OPT_PORTS }, { "-j", OPT_TARGET },        { "-g", OPT_TARGET },
	{ "--to-destination", OPT_TO },  { "--dst-type", OPT_LOCAL }, { "--ctstate", OPT_NEW }, { "--state", OPT_NEW },
	{ "-m", OPT_ANY },       { "--comment", OPT_ANY },
};

static void read_option(struct rule *r, enum option o, const char *word, const char *value, bool not)
{
	struct match *m = &r->match;

	if (not && o != OPT_DEV && o != OPT_ANY) {
		bad(m, "!", word);
		return;
	}
	switch (o) {
	case OPT_SOURCE:
		if (!conf_prefix_parse(value, strlen(value), &m->source))
			bad(m, word, value);
		break;
	case OPT_LISTEN:
		if (!conf_prefix_parse(value, strlen(value), &m->listen) || !is_whole(&m->listen))
			bad(m, word, value);
		break;
	case OPT_DEV:
		read_device(m, value, not);
		break;
	case OPT_PROTO:
		read_proto(m, value);
		break;
	case OPT_PORTS:
		read_ports(m, value);
		break;
	case OPT_TARGET:
		snprintf(r->target, sizeof(r->target), "%s", value);
		break;
	case OPT_TO:
		snprintf(r->to, sizeof(r->to), "%s", value);
		break;
	case OPT_LOCAL:
		if (strcmp(value, "LOCAL") != 0)
			bad(m, word, value);
		break;
	case OPT_NEW:
		if (strcmp(value, "NEW") != 0)
			bad(m, word, value);
		break;
	case OPT_ANY:
		break;
	}
}

static void read_rule(struct rule *r, const struct words *w, unsigned i)
{
	bool not = false;

	for (; i < w->n; i++) {
		size_t o = 0;

		if (!strcmp(w->word[i], "!")) {
			not = true;
			continue;
		}
		while (o < sizeof(options) / sizeof(options[0]) && strcmp(options[o].word, w->word[i]) != 0)
			o++;
		if (o < sizeof(options) / sizeof(options[0]) && i + 1 < w->n) {
			read_option(r, options[o].option, w->word[i], w->word[i + 1], not);
			i++;
		} else if (strcmp(w->word[i], "--random") != 0 && strcmp(w->word[i], "--persistent") != 0) {
			bad(&r->match, w->word[i], NULL);
		}
		not = false;
	}
}

static struct rule *rule_new(struct rules *rs, const char *chain, unsigned line)
{
	if (rs->n == rs->room) {
		unsigned room = rs->room ? 2 * rs->room : 32;
		struct rule *more = reallocarray(rs->rule, room, sizeof(*more));

		if (!more) {
			rs->plan->oom = true;
			return NULL;
		}
		rs->rule = more;
		rs->room = room;
	}
	rs->rule[rs->n] = (struct rule){ .line = line };
	snprintf(rs->rule[rs->n].chain, CHAIN_OCTETS, "%s", chain);
	return &rs->rule[rs->n++];
}

/* Conditions of a jump and of a rule behind it, together. */
static struct match both(const struct match *a, const struct match *b)
{
	struct match m = *b;

	if (*a->bad)
		memcpy(m.bad, a->bad, sizeof(m.bad));
	if (!m.proto)
		m.proto = a->proto;
	else if (a->proto && a->proto != m.proto)
		bad(&m, "-p of two kinds", NULL);
	if (!m.source.family)
		m.source = a->source;
	else if (a->source.family && memcmp(&a->source, &m.source, sizeof(m.source)) != 0)
		bad(&m, "-s twice", NULL);
	if (!m.listen.family)
		m.listen = a->listen;
	else if (a->listen.family && memcmp(&a->listen, &m.listen, sizeof(m.listen)) != 0)
		bad(&m, "-d twice", NULL);
	if (!*m.dev)
		memcpy(m.dev, a->dev, sizeof(m.dev));
	else if (*a->dev && strcmp(a->dev, m.dev) != 0)
		bad(&m, "-i twice", NULL);
	if (!*m.not_dev)
		memcpy(m.not_dev, a->not_dev, sizeof(m.not_dev));
	if (!m.n_ports) {
		memcpy(m.port, a->port, sizeof(m.port));
		m.n_ports = a->n_ports;
	} else if (a->n_ports) {
		bad(&m, "--dport twice", NULL);
	}
	return m;
}

/* "192.168.122.50:80", ":80", "[fd00::1]:6000-6100/5000". NULL, or what is wrong. */
static const char *read_to(const char *to, struct plan_head *head, uint16_t *lo, uint16_t *hi, uint16_t *base)
{
	const char *port = NULL, *end = to + strlen(to);
	char addr[64];

	*lo = *hi = *base = 0;
	if (*to == '[') {
		end = strchr(++to, ']');
		if (!end)
			return "its target is not understood";
		port = end[1] == ':' ? end + 2 : NULL;
	} else if (strchr(to, ':') == strrchr(to, ':') && strchr(to, ':')) {
		end = strchr(to, ':');
		port = end + 1;
	}
	if (end == to)
		return "leads to another port of this host, not to a guest";
	if ((size_t)(end - to) >= sizeof(addr))
		return "its target is not understood";
	memcpy(addr, to, (size_t)(end - to));
	addr[end - to] = '\0';
	if (!plan_target(head, addr))
		return strchr(addr, '-') ? "shares the load between several guests; we forward to one" :
					   "its target is not understood";
	if (port && !words_ports(&port, '-', lo, hi))
		return "its target port is not understood";
	if (port && *port == '/') {
		uint16_t same;

		port++;
		if (!words_ports(&port, '/', base, &same))
			return "its base port is not understood";
	}
	return port && *port ? "its target port is not understood" : NULL;
}

/* The ports of a rule, with where they go. */
static const char *add_ports(struct rules *rs, const struct rule *r, const struct match *m,
			     const struct plan_head *head, struct publish item, uint16_t lo, uint16_t hi, uint16_t base)
{
	enum { ONE_BY_ONE = 64 };

	for (unsigned i = 0; i < m->n_ports; i++) {
		unsigned a = m->port[i].lo, b = m->port[i].hi;

		item.lo = (uint16_t)a;
		item.hi = (uint16_t)b;
		item.to_lo = lo ? lo : (uint16_t)a;
		if (lo && base)
			return a == base && b - a == (unsigned)(hi - lo)
				       ? (plan_add(rs->plan, r->line, head, &item), NULL)
				       : "its base port is not the first of its ports";
		if (lo && hi != lo && (a != lo || b != hi))
			return "takes any free port of a range; choose one for each";
		if (lo && hi == lo && b - a >= ONE_BY_ONE)
			return "leads many ports to one; we forward each port to its own";
		if (!lo || hi != lo || a == b) {
			plan_add(rs->plan, r->line, head, &item);
			continue;
		}
		for (unsigned port = a; port <= b; port++) {
			item.lo = item.hi = (uint16_t)port;
			plan_add(rs->plan, r->line, head, &item);
		}
	}
	return NULL;
}

static const char *add_dnat(struct rules *rs, const struct rule *r, const struct match *m)
{
	struct publish item = { .proto = m->proto, .listen = m->listen.addr, .family = m->listen.family };
	struct plan_head head = { 0 };
	uint16_t lo, hi, base;
	const char *wrong = read_to(r->to, &head, &lo, &hi, &base);

	if (wrong)
		return wrong;
	memcpy(item.dev, m->dev, sizeof(item.dev));
	if (m->source.family && m->source.bits) {
		head.allow[0] = conf_prefix_trim(&m->source);
		head.n_allow = 1;
	}
	if (m->proto && !has_ports(m->proto)) {		/* ping, or a whole protocol */
		plan_add(rs->plan, r->line, &head, &item);
		return NULL;
	}
	if (!m->proto || !m->n_ports)
		return "forwards every port; write the ranges, or `all`";
	return add_ports(rs, r, m, &head, item, lo, hi, base);
}

/* Packets like these go no further. No room for more: none do. */
static void take(struct rules *rs, const struct match *m)
{
	if (rs->n_taken == TAKEN_MAX)
		rs->taken[TAKEN_MAX - 1] = (struct match){ 0 };
	else
		rs->taken[rs->n_taken++] = *m;
}

static bool ports_overlap(const struct match *a, const struct match *b)
{
	if (!a->n_ports || !b->n_ports)
		return true;
	for (unsigned i = 0; i < a->n_ports; i++)
		for (unsigned j = 0; j < b->n_ports; j++)
			if (a->port[i].lo <= b->port[j].hi && b->port[j].lo <= a->port[i].hi)
				return true;
	return false;
}

/* Is there an address in both? Family 0 is any; two of different families are in no rule set together. */
static bool prefixes_overlap(const struct nat_prefix *a, const struct nat_prefix *b)
{
	const struct nat_prefix *wide = a->bits <= b->bits ? a : b, *narrow = wide == a ? b : a;

	return !a->family || !b->family || nat_prefix_has(wide, &narrow->addr, (enum nat_family)narrow->family);
}

/* Was a packet like this, or some of them, taken away before? */
static bool is_taken(const struct rules *rs, const struct match *m)
{
	for (unsigned i = 0; i < rs->n_taken; i++) {
		const struct match *t = &rs->taken[i];

		if ((!t->proto || !m->proto || t->proto == m->proto) && ports_overlap(t, m) &&
		    (!*t->dev || !*m->dev || !strcmp(t->dev, m->dev)) &&
		    prefixes_overlap(&t->listen, &m->listen))
			return true;
	}
	return false;
}

static void take_dnat(struct rules *rs, const struct rule *r, const struct match *m)
{
	char what[128];
	const char *wrong = what;

	if (*m->bad)
		snprintf(what, sizeof(what), "has a condition that a forward cannot have: %s", m->bad);
	else if (is_taken(rs, m))
		wrong = "stands behind a rule that takes packets away before it";
	else
		wrong = add_dnat(rs, r, m);
	if (wrong) {
		plan_leave(rs->plan, r->line, "DNAT to %s %s", r->to, wrong);
		take(rs, m);
	} else if (*m->not_dev) {
		plan_note(rs->plan, r->line, "DNAT to %s, ! -i %s: that device is not excepted here", r->to,
			  m->not_dev);
	}
}

/* Does the rule end the walk for some packets? One that is only about a device, the guests' usually, is no matter. */
static bool ends_walk(const struct rule *r)
{
	static const char *const ends[] = { "RETURN", "ACCEPT", "DROP", "REDIRECT", "NETMAP", "TPROXY" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!strcmp(r->target, ends[i]))
			return !*r->match.dev || r->match.n_ports || r->match.source.family || r->match.listen.family;
	return false;
}

static void walk(struct rules *rs, const char *chain, const struct match *before, unsigned depth)
{
	for (unsigned i = 0; i < rs->n && rs->walked < WALK_MAX; i++) {
		struct rule *r = &rs->rule[i];
		struct match m;

		if (strcmp(r->chain, chain) != 0)
			continue;
		rs->walked++;
		r->reached = true;
		m = both(before, &r->match);
		if (!strcmp(r->target, "REDIRECT"))
			plan_leave(rs->plan, r->line, "REDIRECT leads to this host itself, not to a guest");
		if (!strcmp(r->target, "NETMAP"))
			plan_leave(rs->plan, r->line, "NETMAP maps a whole prefix; write `one-to-one:` for each address");
		if (!strcmp(r->target, "DNAT"))
			take_dnat(rs, r, &m);
		else if (ends_walk(r))
			take(rs, &m);
		else if (depth < DEPTH_MAX)
			walk(rs, r->target, &m, depth + 1);
	}
}

static void leave_unreached(struct rules *rs)
{
	for (unsigned i = 0; i < rs->n; i++)
		if (!rs->rule[i].reached && !strcmp(rs->rule[i].target, "DNAT"))
			plan_leave(
				rs->plan, rs->rule[i].line,
				"DNAT to %s is for no packet that arrives (chain %s); forwards serve this host's own packets too",
				rs->rule[i].to, rs->rule[i].chain);
}

bool import_iptables(struct plan *p, char *text, const struct import_args *args)
{
	struct rules rs = { .plan = p };
	struct match any = { 0 };
	bool nat = false, seen = false;
	struct words w;
	char *line;

	(void)args;
	for (unsigned no = 1; (line = words_line(&text)); no++) {
		unsigned at;
		struct rule *r;

		if (*line == '*') {
			nat = !strcmp(line, "*nat");
			seen = true;
		}
		if (!nat || (*line != '-' && *line != '['))
			continue;
		words_split(line, '\0', &w);
		at = *line == '[';		/* counters of iptables-save -c */
		if (w.n < at + 2 || strcmp(w.word[at], "-A") != 0)
			continue;
		r = rule_new(&rs, w.word[at + 1], no);
		if (r)
			read_rule(r, &w, at + 2);
		if (r && w.more)
			bad(&r->match, "too many words", NULL);
	}
	if (!seen)
		plan_leave(p, 1, "this is not what iptables-save prints: there is no table in it");
	walk(&rs, "PREROUTING", &any, 0);
	leave_unreached(&rs);
	free(rs.rule);
	return true;
}
