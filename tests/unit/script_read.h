/* SPDX-License-Identifier: GPL-2.0-or-later */
/* script_read - the lines of a script (script.h) taken apart. */
#ifndef TESTS_SCRIPT_READ_H
#define TESTS_SCRIPT_READ_H

#include "tests/unit/outs.h"
#include "tests/unit/unit.h"

struct script {
	const char *name;
	const char *protos;		/* run once for each letter: t TCP, u UDP, i ICMP; and for both families */
	const char *map;		/* NULL: SCRIPT_MAP */
	const char *steps;
	uint32_t max_flows;		/* 0: 64 */
	uint16_t source_lo, source_hi;	/* 0: those of world.h */
	const char *outs;		/* rules of outs.h; NULL: nobody is masqueraded */
	uint32_t max_mappings;		/* 0: 64 */
};

#define SCRIPT_MAP "tcp *:8080 > G:80 fwd=1; udp *:8080 > G:80 fwd=1; tcp *:5000-5009 > G:6000; " \
		   "udp *:5000-5009 > G:6000; tcp *:2222 > F:22; udp *:2222 > F:22; icmp * > G fwd=1"

static unsigned script_seen[NAT_REASONS];	/* reasons that scripts have produced */

struct run {
	const struct script *script;
	struct world w;
	enum nat_family family;
	uint8_t proto;
	uint16_t var[128];		/* host order; 0: not bound */
	uint32_t flow;			/* of the last packet that had one */
	uint8_t salt;
	char line[160];
};

#define run_fail(r, ...)                                                                                            \
	(print_error("# IPv%d, protocol %d: %s\n", (int)(r)->family, (r)->proto, (r)->line), unit_fail(__VA_ARGS__))

static inline const char *script_hook(const char *s, uint8_t *hook)
{
	for (unsigned h = 0; h < NAT_HOOKS; h++) {
		size_t n = strlen(nat_hook_name(h));

		if (!strncmp(s, nat_hook_name(h), n) && s[n] == ' ') {
			*hook = (uint8_t)h;
			return s + n + 1;
		}
	}
	return NULL;
}

/* `C:40000` or `H:$a` or `H`; @actual: what a new variable takes */
static inline const char *script_side(struct run *r, const char *s, struct nat_addr *a, uint16_t *port, uint16_t actual)
{
	unsigned long n = 0;

	*a = letter_addr(*s++, r->family);
	if (s[0] == ':' && s[1] == '$') {
		uint16_t *v = &r->var[s[2] & 127];

		if (!*v)
			*v = wire_host(actual);
		n = *v;
		s += 3;
	} else if (s[0] == ':') {
		n = strtoul(s + 1, (char **)(uintptr_t)&s, 10);
	}
	*port = wire_port((uint16_t)n);
	return s;
}

static inline const char *script_ends(struct run *r, const char *s, struct nat_ends *e, const struct nat_ends *actual)
{
	s = script_side(r, s, &e->src, &e->sport, actual->sport);
	if (*s != '>')
		run_fail(r, "no ends at `%s`", s);
	s = script_side(r, s + 1, &e->dst, &e->dport, actual->dport);
	if (r->proto == NAT_PROTO_ICMP || r->proto == NAT_PROTO_ICMPV6)
		*(e->dport ? &e->sport : &e->dport) = wire_port(r->family == NAT_IPV4 ? 8 : 128);
	return s + strspn(s, " ");
}

/* One packet line, taken apart. */
struct step {
	struct nat_pkt pkt;
	struct packet in, quote, out, out_quote;
	bool err, changes;
	char why[32];
};

static inline void script_error_type(struct step *st, const char *word)
{
	static const struct { const char *word; uint8_t type[2], code[2]; } types[] = {
		{ "unreach", { 3, 1 }, { 1, 0 } }, { "refuse", { 3, 1 }, { 3, 4 } }, { "ptb", { 3, 2 }, { 4, 0 } },
		{ "ttl", { 11, 3 }, { 0, 0 } }, { "param", { 12, 4 }, { 0, 1 } },
	};
	bool v6 = st->in.family == NAT_IPV6;

	for (unsigned i = 0; i < COUNT(types); i++)
		if (!strcmp(types[i].word, word)) {
			st->in.icmp_type = types[i].type[v6];
			st->in.icmp_code = types[i].code[v6];
			return;
		}
	unit_fail("what is `%s`?", word);
}

static inline void script_word(struct step *st, const char *word)
{
	uint32_t value = strchr(word, '=') ? (uint32_t)strtoul(strchr(word, '=') + 1, NULL, 0) : 0;
	static const char flags[] = "FSRPAU";

	if (strspn(word, flags) == strlen(word)) {
		for (; *word; word++)
			st->in.tcp_flags |= (uint8_t)(1u << (strchr(flags, *word) - flags));
		return;
	}
#define WORD(text) (!strncmp(word, text, strlen(text)))
	if (WORD("seq="))		st->in.seq = value;
	else if (WORD("ack="))		st->in.ack = value;
	else if (WORD("len="))		st->in.payload = st->quote.payload = value;
	else if (WORD("dev="))		st->pkt.indev = value;
	else if (WORD("to="))		st->pkt.outdev = value;
	else if (WORD("opt="))		st->in.options = st->quote.options = value;
	else if (WORD("ttl="))		st->in.ttl = (uint8_t)value;
	else if (WORD("chunk="))	st->in.chunk = (uint8_t)value;
	else if (WORD("quote="))	st->in.quote_octets = value;
	else if (WORD("rest="))		st->in.icmp_rest = value;
	else if (WORD("badquote"))	st->in.bad_quote_ip = true;
	else if (WORD("bad"))		st->in.bad_csum = true;
	else if (WORD("nocsum"))	st->in.no_csum = st->quote.no_csum = true;
	else if (WORD("partial"))	st->in.partial = st->pkt.csum_partial = true;
	else if (WORD("gso"))		st->pkt.gso = true;
	else if (WORD("head"))		st->pkt.truncated = st->pkt.headers = true, st->in.salt |= 1;	/* odd: DF */
	else if (WORD("mark="))		st->pkt.mark_in = value;
	else if (WORD("trunc"))		st->pkt.truncated = true;
	else				script_error_type(st, word);
#undef WORD
}

/* Is @a a guest's, or a router's behind the host? */
static inline bool script_inside(const struct nat_addr *a, enum nat_family family)
{
	const struct nat_prefix p = { letter_addr('G', family), (uint8_t)family, family == NAT_IPV4 ? 24 : 64 };

	return nat_prefix_has(&p, a, family);
}

/* Left of the arrow. */
static inline const char *script_read(struct run *r, const char *s, struct step *st)
{
	static const struct nat_ends none;
	char word[32];
	uint8_t icmp = r->family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6;

	st->in = st->quote = (struct packet){ .family = r->family, .proto = r->proto, .salt = ++r->salt,
					      .payload = 20 + r->salt % 5, .seq = 1000, .ack = 2000, .tcp_options = r->salt % 4 * 4 };
	st->err = !strncmp(s, "err ", 4);
	if (st->err) {
		st->in.proto = icmp;
		st->in.quote = &st->quote;
		st->quote.salt++;
		script_error_type(st, "unreach");
		s += 4;
	}
	st->pkt.indev = st->pkt.hook == NAT_OUT ? 0 : strchr("GFX", *s) ? BRIDGE : OUTSIDE;
	s = script_ends(r, s, &st->in.ends, &none);
	if (st->pkt.hook == NAT_POST)
		st->pkt.outdev = script_inside(&st->in.ends.dst, r->family) ? BRIDGE : OUTSIDE;
	if (st->err)
		s = script_ends(r, s, &st->quote.ends, &none);
	while (*s && strncmp(s, "->", 2)) {
		int n = 0;

		sscanf(s, "%31s %n", word, &n);
		script_word(st, word);
		s += n;
	}
	if (!*s)
		run_fail(r, "no `->`");
	return s + 2 + strspn(s + 2, " ");
}

/* Right of the arrow, after the engine has decided: variables take what is there. */
static inline void script_expect(struct run *r, const char *s, struct step *st)
{
	int n = 0;

	sscanf(s, "%31s %n", st->why, &n);
	s += n;
	st->changes = *s;
	st->out = st->in;
	st->out_quote = st->quote;
	st->out.partial = false;
	st->out.quote = st->in.quote ? &st->out_quote : NULL;
	if (!*s)
		return;
	s = script_ends(r, s, &st->out.ends, &st->pkt.after);
	if (st->err)
		script_ends(r, s, &st->out_quote.ends, &st->pkt.after);
}

#endif
