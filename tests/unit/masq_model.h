/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * masq_model - a masquerade, slow and obvious, that the engine is compared with: a list of mappings and a list of
 * flows, both searched from the first to the last. Shares no code with nat/ but the types.
 *
 * Which port a new mapping gets is the engine's choice: the model judges
 * whether it might (R19, R21, R22), and whether there really was none. Of TCP
 * and SCTP only what has a bearing on how long a mapping lives is said here;
 * test_nat_model.c and test_sctp.c have the rest.
 */
#ifndef TESTS_MASQ_MODEL_H
#define TESTS_MASQ_MODEL_H

#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

enum { FLOWS = 4096, MAPPINGS = 60, MOST = 16, BLOCKED = 2003, QUARANTINE = 120 };

static const uint16_t pool_ports[] = { 1000, 1001, 1002, 1003, 2000, 2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009 };
#define MODEL_POOL "ports=1000-1003 ports=2000-2009 max=16"

/* Rules of masquerade, as text and as the model sees them. */
struct variant {
	const char *name, *outs, *addrs;
	enum nat_family family;
	enum out_filter filter;
};

struct mapping {
	bool used;
	uint8_t proto;
	struct nat_addr in, out;
	unsigned iport, oport;		/* host order */
	unsigned refs, released;	/* flows; when the last went, in seconds */
};

struct flow {
	uint8_t proto;
	char state;			/* s: nobody answered, r: answered, o: open, d: in doubt, x: over, e: cookie echoed, p: picked up */
	struct nat_ends orig, reply;	/* as its first packet came, and as the other side answers that */
	struct mapping *source, *target;	/* whose the caller is, whose the called; NULL: outside */
	unsigned last, limit;		/* seconds */
};

static struct model {
	const struct variant *v;
	struct mapping mapping[MAPPINGS];
	struct flow flow[FLOWS];
	unsigned n, now;
} model;

static inline bool is_icmp(uint8_t proto)
{
	return proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMPV6;
}

static inline bool is_guest(const struct nat_addr *a)
{
	struct nat_addr g = letter_addr('G', model.v->family);

	return !memcmp(a, &g, 15);
}

/* One of this host's: H or K. */
static inline bool is_outside(const struct nat_addr *a)
{
	struct nat_addr h = letter_addr('H', model.v->family);

	return !memcmp(a, &h, 15);
}

static inline struct nat_addr guest(unsigned i)
{
	struct nat_addr a = letter_addr('G', model.v->family);

	a.octet[15] = (uint8_t)(a.octet[15] + i);
	return a;
}

/* Is it an outside address of the rule that holds now? */
static inline bool is_ours(const struct nat_addr *a)
{
	for (const char *l = model.v->addrs; *l; l++) {
		struct nat_addr one = letter_addr(*l, model.v->family);

		if (nat_addr_eq(a, &one))
			return true;
	}
	return false;
}

/* An endpoint's mapping behind @out; the last is set if @in has any behind it, and counts those. */
static inline struct mapping *mapping_behind(const struct nat_addr *out, const struct nat_addr *in, unsigned port, uint8_t proto, unsigned *all)
{
	struct mapping *found = NULL;

	*all = 0;
	for (struct mapping *m = model.mapping; m < model.mapping + MAPPINGS; m++) {
		if (!m->used || !nat_addr_eq(&m->in, in) || !nat_addr_eq(&m->out, out))
			continue;
		++*all;
		if (m->proto == proto && m->iport == port)
			found = m;
	}
	return found;
}

/*
 * RFC 4787 REQ-2: the one address that an endpoint is behind, and how many mappings its guest has there. Where addresses went
 * and came back there may be mappings behind several; one in use goes before all. False: it may get any.
 */
static inline bool paired(const struct nat_addr *in, unsigned port, uint8_t proto, struct nat_addr *out, unsigned *n)
{
	for (unsigned any = 0; any < 2; any++)
		for (const char *l = model.v->addrs; *l; l++) {
			const struct mapping *m;

			*out = letter_addr(*l, model.v->family);
			m = mapping_behind(out, in, port, proto, n);
			if ((m && m->refs) || (any && *n) || !model.v->addrs[1])
				return true;
		}
	*n = 0;
	return false;
}

static inline struct mapping *mapping_of(const struct nat_addr *in, unsigned port, uint8_t proto)
{
	struct nat_addr out;
	unsigned n;

	return paired(in, port, proto, &out, &n) ? mapping_behind(&out, in, port, proto, &n) : NULL;
}

static inline struct mapping *mapping_at(const struct nat_addr *out, unsigned port, uint8_t proto)
{
	for (struct mapping *m = model.mapping; m < model.mapping + MAPPINGS; m++)
		if (m->used && m->proto == proto && m->oport == port && nat_addr_eq(&m->out, out))
			return m;
	return NULL;
}

/* R22; as ICMP identifiers also those that packet.h takes for types. */
static inline bool is_blocked(uint8_t proto, unsigned port)
{
	return port == BLOCKED || (is_icmp(proto) && (port == 8 || port == 13 || port == 128));
}

static inline bool may_have(const struct nat_addr *out, unsigned own, uint8_t proto, unsigned port)
{
	bool in_pool = is_icmp(proto) && port;

	for (unsigned i = 0; i < COUNT(pool_ports); i++)
		in_pool |= pool_ports[i] == port && (port < 1024) == (own < 1024);
	return in_pool && !is_blocked(proto, port) && !mapping_at(out, port, proto);
}

static inline bool any_left(const struct nat_addr *out, unsigned own, uint8_t proto, bool same_parity)
{
	for (unsigned i = 0; i < COUNT(pool_ports); i++)
		if (may_have(out, own, proto, pool_ports[i]) && (!same_parity || !((own ^ pool_ports[i]) & 1)))
			return true;
	return is_icmp(proto);
}

static inline unsigned in_use(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MAPPINGS; i++)
		n += model.mapping[i].used;
	return n;
}

/* May an inside endpoint send? UNDECIDED: yes. */
static inline enum nat_reason admits(const struct nat_addr *in, unsigned port, uint8_t proto)
{
	struct nat_addr out;
	unsigned n;
	bool is_paired = paired(in, port, proto, &out, &n), left = is_paired && any_left(&out, port, proto, false);

	if (mapping_of(in, port, proto))
		return NAT_WHY_UNDECIDED;
	if (n >= MOST)
		return NAT_WHY_MAPPING_LIMIT;
	for (const char *a = model.v->addrs; *a && !is_paired; a++) {
		struct nat_addr one = letter_addr(*a, model.v->family);

		left |= any_left(&one, port, proto, false);
	}
	if (!left)
		return NAT_WHY_NO_OUTSIDE_PORT;
	return in_use() == MAPPINGS ? NAT_WHY_MAPPINGS_FULL : NAT_WHY_UNDECIDED;
}

/* The engine has let @in send from @out: might it? Its mapping gains a flow. */
static inline struct mapping *take(const struct nat_addr *in, unsigned iport, const struct nat_addr *out, unsigned oport, uint8_t proto)
{
	struct mapping *m = mapping_of(in, iport, proto);
	struct nat_addr pair = *out;
	unsigned n;

	if (m) {						/* R18 */
		assert_int_equal(m->oport, oport);
		assert_memory_equal(&m->out, out, sizeof(*out));
		m->refs++;
		return m;
	}
	if (paired(in, iport, proto, &pair, &n))
		assert_memory_equal(&pair, out, sizeof(*out));	/* RFC 4787 REQ-2 */
	assert_true(is_ours(out));
	if (!may_have(out, iport, proto, oport))		/* R21, R22, and R19's classes */
		unit_fail("port %u of %u was given to %u", oport, proto, iport);
	if (may_have(out, iport, proto, iport))			/* R19 */
		assert_int_equal(oport, iport);
	if (proto == NAT_PROTO_UDP && any_left(out, iport, proto, true))
		assert_int_equal((oport ^ iport) & 1, 0);	/* RFC 4787 REQ-4 */
	for (m = model.mapping; m->used; m++)
		;
	*m = (struct mapping){ true, proto, *in, *out, iport, oport, 1, 0 };
	return m;
}

static inline void let_go(struct mapping *m)
{
	if (!m || --m->refs)
		return;
	m->released = model.now;
	m->used = m->proto == NAT_PROTO_UDP;			/* R37 */
}

static inline void end_flow(struct flow *f)
{
	let_go(f->source);
	let_go(f->target);
	*f = model.flow[--model.n];
}

/* R29: has the mapping sent to that address, in a flow that lives? */
static inline bool has_sent_to(const struct mapping *m, const struct nat_addr *a)
{
	for (unsigned i = 0; i < model.n; i++)
		if (model.flow[i].source == m && nat_addr_eq(&model.flow[i].orig.dst, a))
			return true;
	return false;
}

static inline struct flow *flow_of(const struct packet *p, bool *back)
{
	for (struct flow *f = model.flow; f < model.flow + model.n; f++) {
		*back = nat_ends_eq(&p->ends, &f->reply);
		if (f->proto == p->proto && (*back || nat_ends_eq(&p->ends, &f->orig)))
			return f;
	}
	*back = false;
	return NULL;
}

static inline void track_tcp(struct flow *f, bool back, uint8_t flags, uint32_t seq)
{
	bool open = f->state == 'o' || f->state == 'd', rst = flags & TCP_F_RST;
	char was = f->state;

	if (rst && open && seq != 1)
		f->state = 'd';						/* R44 */
	else if (rst)
		f->state = 'x';
	else if (was == 'x' && flags == TCP_F_SYN && !back)
		f->state = 's';						/* R42 */
	else if (was == 's' && back && flags == (TCP_F_SYN | TCP_F_ACK))
		f->state = 'r';
	else if (open || (was == 'r' && !back && flags == TCP_F_ACK))
		f->state = 'o';
	if (f->state != was || (!rst && was != 'x' && (was != 's' || back)))	/* R33, R34 */
		f->last = model.now;
	f->limit = f->state == 'o' ? 7440 : f->state == 'd' ? 300 : 240;
}

static inline void track_sctp(struct flow *f, bool back, uint8_t chunk)
{
	bool is_echo = chunk == 10, is_cookie_ack = chunk == 11;
	char was = f->state;

	if (was == 's' && !back && is_echo)
		f->state = 'e';
	else if ((was == 'e' || was == 'p') && back && is_cookie_ack)
		f->state = 'o';
	else if (was == 'p' && back)
		f->state = 's';
	if (f->state != was || back || was == 'e' || was == 'o')		/* R34 */
		f->last = model.now;
	f->limit = f->state == 'o' ? 7440 : f->state == 'p' ? 300 : 240;
}

static inline void track_other(struct flow *f, bool back, uint8_t type)
{
	f->last = model.now;
	f->limit = is_icmp(f->proto) ? 60 : 300;
	if (f->proto != NAT_PROTO_DCCP)
		return;
	f->state = type == 7 ? 'x' : f->state == 's' && back ? 'o' : f->state;
	f->limit = f->state == 'o' ? 7440 : 240;
}

static inline void track(struct flow *f, bool back, const struct packet *p)
{
	if (f->proto == NAT_PROTO_TCP)
		track_tcp(f, back, p->tcp_flags, p->seq);
	else if (f->proto == NAT_PROTO_SCTP)
		track_sctp(f, back, p->chunk);
	else
		track_other(f, back, p->chunk);
}

/* What this packet of no flow amounts to as the first of one. */
static inline enum nat_reason first(const struct packet *p)
{
	if (p->proto == NAT_PROTO_TCP && p->tcp_flags != TCP_F_SYN)
		return NAT_WHY_TCP_NO_FLOW;
	if (is_icmp(p->proto) && packet_is_answer(p))
		return NAT_WHY_PRIVATE_SOURCE;
	if (p->proto == NAT_PROTO_SCTP && p->chunk != 1)
		return p->chunk == 10 ? NAT_WHY_PICKED_UP : NAT_WHY_SCTP_NO_FLOW;
	return NAT_WHY_OPENED;
}

/* R75: a guest that has mapping @m calls @called: the callee sees @m. Who may not has used its mapping for a moment (R37). */
static inline enum nat_reason hairpin(struct mapping *m, const struct mapping *called)
{
	bool let = model.v->filter == OUT_FILTER_ENDPOINT || m == called || has_sent_to(called, &m->out);
	bool both_ways = nat_addr_eq(&m->in, &called->in) && (m == called || called->iport == m->oport);

	if (let && !both_ways)
		return NAT_WHY_OPENED;
	m->refs++;
	let_go(m);
	return let ? NAT_WHY_NO_SOURCE_PORT : NAT_WHY_FILTERED;
}

/* A packet of no flow that arrives for @called. */
static inline enum nat_reason invited(const struct packet *p, const struct mapping *called)
{
	unsigned sport = wire_host(p->ends.sport);
	struct mapping *own = mapping_of(&p->ends.src, sport, p->proto);
	enum nat_reason why = NAT_WHY_OPENED;

	if (!called || !called->refs || (p->proto != NAT_PROTO_TCP && p->proto != NAT_PROTO_UDP))
		return NAT_WHY_NO_FORWARD;
	if (model.v->filter == OUT_FILTER_BOTH || first(p) != NAT_WHY_OPENED)
		return NAT_WHY_FILTERED;
	if (own)
		return hairpin(own, called);
	if (is_guest(&p->ends.src))
		why = admits(&p->ends.src, sport, p->proto);
	else if (model.v->filter == OUT_FILTER_ADDRESS && !has_sent_to(called, &p->ends.src))
		why = NAT_WHY_FILTERED;
	return why == NAT_WHY_UNDECIDED ? NAT_WHY_OPENED : why;
}

/* A packet of no flow: why is it not translated, or how does its flow begin? */
static inline enum nat_reason begins(const struct packet *p, bool leaves)
{
	enum nat_reason how = first(p), why;

	if (!leaves)
		return invited(p, mapping_at(&p->ends.dst, wire_host(p->ends.dport), p->proto));
	if (how != NAT_WHY_OPENED && how != NAT_WHY_PICKED_UP)
		return how;
	why = admits(&p->ends.src, wire_host(p->ends.sport), p->proto);
	return why == NAT_WHY_UNDECIDED ? how : why;
}

/* The engine has opened a flow, and @p went on as @after. */
static inline struct flow *open_flow(const struct packet *p, const struct nat_ends *after, bool leaves)
{
	struct flow *f = &model.flow[model.n++];

	assert_true(model.n < FLOWS);
	*f = (struct flow){ .proto = p->proto, .state = p->chunk == 10 ? 'p' : 's', .orig = p->ends,
			    .reply = nat_ends_inverse(&p->ends), .last = model.now };
	f->limit = f->state == 'p' ? 300 : 240;
	if (!leaves) {
		f->target = mapping_at(&p->ends.dst, wire_host(p->ends.dport), p->proto);
		f->target->refs++;
		f->reply.src = f->target->in;
		f->reply.sport = wire_port((uint16_t)f->target->iport);
	}
	if (is_guest(&p->ends.src)) {
		f->source = take(&p->ends.src, wire_host(p->ends.sport), &after->src, wire_host(after->sport), p->proto);
		f->reply.dst = f->source->out;
		f->reply.dport = wire_port((uint16_t)f->source->oport);
	}
	return f;
}

/* R25, R87: another rule holds. A flow lasts as long as the addresses that it is known by do. */
static inline void swap(const struct variant *v)
{
	model.v = v;
	for (unsigned i = model.n; i-- > 0;) {
		const struct flow *f = &model.flow[i];

		if ((f->source && !is_ours(&f->source->out)) || (f->target && !is_ours(&f->target->out)))
			end_flow(&model.flow[i]);
	}
}

static inline void expire(void)
{
	for (struct mapping *m = model.mapping; m < model.mapping + MAPPINGS; m++)
		m->used = m->used && (m->refs || model.now - m->released < QUARANTINE);
	for (unsigned i = model.n; i-- > 0;)
		if (model.now - model.flow[i].last >= model.flow[i].limit)
			end_flow(&model.flow[i]);
}

#endif
