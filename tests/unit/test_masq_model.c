/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's masquerade against that of masq_model.h. Random packets of four
 * guests, of those they talk to and of strangers, in a pool that is too small,
 * with time passing and rules swapped, some in pieces, and ICMP errors about
 * all of it; after each packet both must have given the same reason and the
 * same packet, with every checksum made from scratch.
 */
#include "nat/nat.h"
#include "tests/unit/fragments.h"
#include "tests/unit/masq_model.h"
#include "tests/unit/outs.h"

enum { STEPS = 40000, PIECE_OCTETS = 32, CUT_PAYLOAD = 64 };	/* payloads of CUT_PAYLOAD and more come in pieces */

static const struct variant variants[] = {
	{ "R18_R29_model_address_v4", "masq H " MODEL_POOL, "H", NAT_IPV4, OUT_FILTER_ADDRESS },
	{ "R18_R29_R89_model_address_v6", "masq HK " MODEL_POOL, "HK", NAT_IPV6, OUT_FILTER_ADDRESS },
	{ "R19_R29_R75_model_endpoint_v4", "masq HK filter=endpoint " MODEL_POOL, "HK", NAT_IPV4, OUT_FILTER_ENDPOINT },
	{ "R19_R29_R75_R89_model_endpoint_v6", "masq H filter=endpoint " MODEL_POOL, "H", NAT_IPV6, OUT_FILTER_ENDPOINT },
	{ "R21_R29_R36_model_both_v4", "masq HK filter=both " MODEL_POOL, "HK", NAT_IPV4, OUT_FILTER_BOTH },
	{ "R21_R29_R36_R89_model_both_v6", "masq H filter=both " MODEL_POOL, "H", NAT_IPV6, OUT_FILTER_BOTH },
};

/* What rules may be swapped for: other addresses, another filter. */
static const struct variant others[] = {
	{ "", "masq K " MODEL_POOL, "K", NAT_IPV4, OUT_FILTER_ADDRESS },
	{ "", "masq K filter=endpoint " MODEL_POOL, "K", NAT_IPV6, OUT_FILTER_ENDPOINT },
	{ "", "masq KH filter=endpoint " MODEL_POOL, "KH", NAT_IPV4, OUT_FILTER_ENDPOINT },
	{ "", "masq KH " MODEL_POOL, "KH", NAT_IPV6, OUT_FILTER_ADDRESS },
};

static unsigned seen[NAT_REASONS], hairpins, in_pieces, errors[2], ended_by_swap;

/* ---- random packets ---- */

static const uint8_t protos[] = { NAT_PROTO_TCP, NAT_PROTO_TCP, NAT_PROTO_UDP, NAT_PROTO_UDP, NAT_PROTO_ICMP,
				  NAT_PROTO_SCTP, NAT_PROTO_DCCP, NAT_PROTO_UDPLITE };

static uint16_t one_port(struct rng *r)
{
	static const uint16_t own[] = { 53, 1001, 1002, 2000, 2001, BLOCKED, 2006, 3001, 40000 };

	return wire_port(own[rng_below(r, COUNT(own))]);
}

/* Ends of a packet that leaves, answers one, calls a mapping from outside, or from inside. */
static struct nat_ends random_ends(struct rng *r, const struct packet *p)
{
	enum nat_family family = model.v->family;
	uint16_t type = wire_port(family == NAT_IPV4 ? 8 : 128);
	struct nat_ends e = { guest(rng_below(r, 4)), letter_addr("CDR"[rng_below(r, 3)], family), one_port(r),
			      wire_port((uint16_t)(80 + rng_below(r, 2))) };
	const struct flow *f = model.n ? &model.flow[rng_below(r, model.n)] : NULL;
	const struct mapping *m = &model.mapping[rng_below(r, MAPPINGS)];
	unsigned kind = rng_below(r, 12);

	if (f && f->proto == p->proto && kind < 8)
		return kind % 4 ? f->reply : f->orig;
	if (kind < 8 || is_icmp(p->proto)) {
		if (is_icmp(p->proto))
			e.dport = type;
		return kind == 11 && is_icmp(p->proto) ? (struct nat_ends){ e.src, e.dst, type, e.sport } : e;
	}
	if (kind < 10)
		e = nat_ends_inverse(&e);			/* a stranger, to a port that nobody has, mostly */
	e.dst = letter_addr(model.v->addrs[0], family);
	if (m->used && m->proto == p->proto && rng_below(r, 8))
		e.dst = m->out, e.dport = wire_port((uint16_t)m->oport);
	/* which port a mapping had that a failed call made cannot be seen: such calls are not made */
	if (kind >= 10 && !mapping_of(&e.src, wire_host(e.sport), p->proto) &&
	    (model.v->filter == OUT_FILTER_ADDRESS || nat_addr_eq(&e.src, &m->in)))
		e.src = letter_addr('C', family);
	return e;
}

static struct packet random_packet(struct rng *r)
{
	static const uint8_t flags[] = { TCP_F_SYN, TCP_F_SYN, TCP_F_SYN, TCP_F_ACK, TCP_F_ACK, TCP_F_SYN | TCP_F_ACK, TCP_F_SYN | TCP_F_ACK, TCP_F_RST };
	static const uint8_t chunks[] = { 1, 1, 10, 11 };
	struct packet p = { .family = model.v->family, .proto = protos[rng_below(r, COUNT(protos))], .payload = rng_below(r, 40),
			    .salt = (uint8_t)rng_next(r), .ack = 1, .seq = rng_below(r, 2), .options = rng_below(r, 3) };

	if (p.family == NAT_IPV4)
		p.options *= 4;
	else if (p.proto == NAT_PROTO_ICMP)
		p.proto = NAT_PROTO_ICMPV6;
	p.no_csum = p.family == NAT_IPV4 && p.proto == NAT_PROTO_UDP && !rng_below(r, 8);
	if (!rng_below(r, 30) && p.proto != NAT_PROTO_SCTP)
		p.payload += CUT_PAYLOAD, p.options = 0;	/* comes in pieces */
	p.ends = random_ends(r, &p);
	if (p.proto == NAT_PROTO_TCP)
		p.tcp_flags = flags[rng_below(r, COUNT(flags))];
	else if (p.proto == NAT_PROTO_SCTP)
		p.chunk = chunks[rng_below(r, COUNT(chunks))];
	else if (p.proto == NAT_PROTO_DCCP)
		p.chunk = rng_below(r, 16) ? 2 : 7;
	return p;
}

/* Of a flow that is known each side says only what the model knows the meaning of. */
static void fit(struct packet *p, bool back)
{
	if (p->proto == NAT_PROTO_TCP && back && p->tcp_flags == TCP_F_SYN)
		p->tcp_flags = TCP_F_SYN | TCP_F_ACK;
	if (p->proto != NAT_PROTO_SCTP)
		return;
	if (back)
		p->chunk = p->chunk == 1 ? 2 : 11;
	else if (p->chunk == 11)
		p->chunk = 10;
}

/* ---- the engine ---- */

/* One hook; the packet stays in @d. R24: whatever it was, it does not leave as a guest's. */
static enum nat_reason pass(struct world *w, uint8_t hook, uint8_t *d, uint32_t len, bool from_guest, bool to_guest, struct nat_ends *after)
{
	static struct nat_recent recent;
	struct nat_pkt pkt = { .data = d, .len = len, .hook = hook, .indev = from_guest ? BRIDGE : OUTSIDE,
			       .outdev = hook == NAT_PRE ? 0 : to_guest ? BRIDGE : OUTSIDE, .recent = &recent };
	struct nat_pkt again = pkt;	/* what it is then */

	nat_packet(&w->nat, &pkt, w->now);
	nat_finish(&pkt);
	assert_int_equal(pkt_parse(&again), NAT_WHY_UNDECIDED);
	*after = again.view.tuple.ends;
	assert_false(pkt.outdev == OUTSIDE && nat_reason_verdict(pkt.reason) == NAT_ACCEPT && is_guest(&after->src));
	return pkt.reason;
}

/* R75: what PREROUTING has sent on to the guest @to gets its source at the next hook. */
static void second_half(struct world *w, bool back, uint8_t *d, uint32_t len, const struct nat_addr *to, struct nat_ends *after)
{
	assert_memory_equal(&after->dst, to, sizeof(*to));
	assert_true(is_guest(&after->src));
	assert_true(naive_good(d, len));
	assert_int_equal(pass(w, back ? NAT_POST : NAT_FWD, d, len, true, true, after), back ? NAT_WHY_TRANSLATED : NAT_WHY_STOPPED);
	hairpins++;
}

/* ---- pieces ---- */

/* Octets 4 to 7 of IPv4, identification and place, are as in @got. */
static void take_place(const uint8_t *got, uint8_t *want)
{
	if (want[0] >> 4 != 4)
		return;
	memcpy(want + 4, got + 4, 4);
	wire_put16(want + 10, 0);
	wire_put16(want + 10, (uint16_t)~naive_sum(0, want, (want[0] & 15u) * 4));
}

/* The datagram @d in pieces, in any order, and put together again (R64): what the first was told, and so were all. */
static enum nat_reason pass_pieces(struct world *w, struct rng *r, uint8_t hook, uint8_t *d, uint32_t len, struct nat_ends *after)
{
	static struct pieces s;
	unsigned order[PIECES_MAX];
	uint32_t id = 1 + rng_below(r, 65535);
	enum nat_reason why;
	struct nat_pkt again = { .data = d, .len = len };
	uint8_t was[4];

	pieces_cut(&s, d, len, PIECE_OCTETS, id);
	for (unsigned i = 0; i < s.n; i++) {
		unsigned k = rng_below(r, i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	memcpy(was, d + 12, 4);
	for (unsigned i = 0; i < s.n; i++)
		pieces_give(w, &s, order[i], hook, hook == NAT_PRE ? OUTSIDE : 0);
	why = s.piece[0].pkt.reason;
	for (unsigned i = 0; i < s.n; i++) {
		enum nat_reason own = s.piece[i].pkt.reason;

		assert_int_equal(s.piece[i].times, 1);
		assert_int_equal(nat_reason_verdict(own), nat_reason_verdict(why));
		assert_int_equal(s.piece[i].pkt.changed, s.piece[0].pkt.changed);
		assert_false(hook == NAT_POST && nat_reason_verdict(own) == NAT_ACCEPT && is_guest(&s.piece[i].pkt.after.src));
	}
	assert_int_equal(pieces_join(&s, d), len);
	if (d[0] >> 4 == 4 && !memcmp(was, d + 12, 4))
		assert_int_equal(wire_get16(d + 4), id);		/* R28: else the engine has chosen */
	assert_int_equal(pkt_parse(&again), NAT_WHY_UNDECIDED);
	*after = again.view.tuple.ends;
	in_pieces += s.piece[0].pkt.changed;
	return why;
}

static void one_packet(struct world *w, struct rng *r, struct packet *p, unsigned step)
{
	static uint8_t in[PACKET_ROOM], out[PACKET_ROOM], want[PACKET_ROOM];
	bool back = false, is_new, from_guest = is_guest(&p->ends.src);
	bool leaves = from_guest && !is_outside(&p->ends.dst), cut = p->payload >= CUT_PAYLOAD && from_guest == leaves;
	struct flow *f = flow_of(p, &back);
	enum nat_reason why = NAT_WHY_TRANSLATED, got;
	struct nat_ends after;
	struct packet to;
	uint32_t len;

	if (f)
		fit(p, back);
	to = *p;
	if (!f)
		why = begins(p, leaves);
	len = packet_build(p, in);
	memcpy(out, in, len);
	if (from_guest && leaves && step % 2 && !cut) {				/* before routing nothing happens to it */
		pass(w, NAT_PRE, out, len, true, false, &after);
		assert_memory_equal(in, out, len);
	}
	if (cut)
		got = pass_pieces(w, r, leaves ? NAT_POST : NAT_PRE, out, len, &after);
	else
		got = pass(w, leaves ? NAT_POST : NAT_PRE, out, len, from_guest, false, &after);
	if (got != why)
		unit_fail("step %u, protocol %u, %u to %u: the engine says %s, the model %s", step, p->proto, wire_host(p->ends.sport),
			  wire_host(p->ends.dport), nat_reason_name(got), nat_reason_name(why));
	seen[why]++;
	is_new = why == NAT_WHY_OPENED || why == NAT_WHY_PICKED_UP;
	if (from_guest && !leaves && f)
		second_half(w, back, out, len, back ? &f->orig.src : &f->reply.src, &after);
	else if (from_guest && !leaves && is_new)
		second_half(w, false, out, len, &mapping_at(&p->ends.dst, wire_host(p->ends.dport), p->proto)->in, &after);
	if (is_new)
		f = open_flow(p, &after, leaves);
	if (f) {
		track(f, back, p);
		to.ends = nat_ends_inverse(back ? &f->orig : &f->reply);
	}
	packet_build(&to, want);
	if (cut)
		take_place(out, want);
	else
		packet_take_id(in, out, want);
	assert_memory_equal(out, want, len);
	assert_true(naive_good(out, len));
}

/* ---- errors ---- */

/*
 * One about a flow that is known, from outside about what its guest sent (R54), or from inside about what its guest got (R24,
 * R55), by an end or by a router. Who hears it knows the packet by its own ends. Nothing else changes by it (R57).
 */
static void error_about(struct world *w, struct rng *r)
{
	static uint8_t in[PACKET_ROOM], out[PACKET_ROOM], want[PACKET_ROOM];
	const struct flow *f = model.n ? &model.flow[rng_below(r, model.n)] : NULL;
	bool v4 = model.v->family == NAT_IPV4, inside = rng_below(r, 2);
	struct nat_ends i_sent, x_sent, after;		/* the guest's packets as it knows them, and as the outside does */
	struct packet quote, err;
	enum nat_reason got;
	uint32_t len;

	if (!f || (f->source && f->target))
		return;
	i_sent = f->source ? f->orig : f->reply;
	x_sent = f->source ? nat_ends_inverse(&f->reply) : nat_ends_inverse(&f->orig);
	/* odd salt: atomic, so that no identification is given back (test_ident.c) */
	quote = (struct packet){ .family = model.v->family, .proto = f->proto, .payload = rng_below(r, 40), .salt = (uint8_t)rng_next(r) | 1,
				 .tcp_flags = TCP_F_ACK, .ends = inside ? nat_ends_inverse(&i_sent) : x_sent };
	err = (struct packet){ .family = model.v->family, .proto = v4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6, .icmp_type = v4 ? 3 : 1,
			       .icmp_code = (uint8_t)rng_below(r, 4), .quote = &quote, .salt = (uint8_t)rng_next(r), .ttl = 60 };
	if (f->proto == NAT_PROTO_SCTP || rng_below(r, 2))
		err.quote_octets = (v4 ? 20 : 40) + 8;
	if (inside) {
		err.ends.src = rng_below(r, 2) ? i_sent.src : guest(3);
		err.ends.dst = i_sent.dst;
	} else {
		err.ends.src = rng_below(r, 2) ? x_sent.dst : letter_addr('R', model.v->family);
		err.ends.dst = x_sent.src;
	}
	len = packet_build(&err, in);
	memcpy(out, in, len);
	got = pass(w, inside ? NAT_POST : NAT_PRE, out, len, inside, false, &after);
	if (got != NAT_WHY_ERROR)
		unit_fail("an error from %s about a packet of protocol %u: the engine says %s", inside ? "inside" : "outside", f->proto,
			  nat_reason_name(got));
	quote.ends = inside ? nat_ends_inverse(&x_sent) : i_sent;
	if (inside)
		err.ends.src = x_sent.src;
	else
		err.ends.dst = i_sent.src;
	packet_build(&err, want);
	packet_take_id(in, out, want);
	assert_memory_equal(out, want, len);
	errors[inside]++;
}

/* ---- swaps ---- */

static void swap_rules(struct world *w, struct rng *r)
{
	const struct variant *v;
	unsigned before = model.n;

	do {
		unsigned i = rng_below(r, COUNT(variants) + COUNT(others));

		v = i < COUNT(variants) ? &variants[i] : &others[i - COUNT(variants)];
	} while (v->family != model.v->family);
	outs_swap(w, "", v->outs);
	while (!nat_sweep(&w->nat, w->now, 1000))
		;
	swap(v);
	ended_by_swap += before - model.n;
}

/* R83: only a liar can have sent it. */
static void lie(struct world *w, struct packet p, bool as_guest)
{
	static uint8_t d[PACKET_ROOM];
	struct nat_ends after;

	p.ends.src = as_guest ? guest(1) : letter_addr('C', p.family);
	p.ends.dst = as_guest ? letter_addr('H', p.family) : guest(1);
	assert_int_equal(pass(w, NAT_PRE, d, packet_build(&p, d), false, true, &after), as_guest ? NAT_WHY_SPOOFED : NAT_WHY_HIDDEN);
}

/* R24: an error about nothing that is known has no flow to go by, and goes nowhere. */
static void complain(struct world *w, const struct packet *p)
{
	static uint8_t d[PACKET_ROOM];
	bool v4 = p->family == NAT_IPV4;
	struct packet quote = { .family = p->family, .proto = NAT_PROTO_UDP, .ends = { letter_addr('C', p->family), guest(2), 1, 2 } };
	struct packet err = { .family = p->family, .proto = v4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6, .icmp_type = v4 ? 3 : 1, .quote = &quote,
			      .salt = p->salt, .ends = { guest(2), letter_addr('C', p->family), 0, 0 } };
	struct nat_ends after;

	assert_int_equal(pass(w, NAT_POST, d, packet_build(&err, d), true, false, &after), NAT_WHY_PRIVATE_SOURCE);
}

/* R36: the engine may keep what is over for a while, but nobody finds it: where nothing is opened, its packets are of no flow. */
static void too_late(struct world *w)
{
	static uint8_t d[PACKET_ROOM];

	for (unsigned i = 0; i < model.n; i++) {
		const struct flow *f = &model.flow[i];
		struct packet p = { .family = model.v->family, .proto = f->proto, .tcp_flags = TCP_F_ACK, .ends = f->orig };

		if (model.now - f->last >= f->limit)
			assert_int_equal(pass(w, NAT_IN, d, packet_build(&p, d), false, true, &p.ends), NAT_WHY_NO_FLOW);
	}
}

/* In steps of 7 s, which divide no limit: the engine rounds limits up to its ticks. */
static void advance(struct world *w, struct rng *r)
{
	static const unsigned most[] = { 2, 4, 10, 20, 36, 46, 1200 };
	unsigned seconds = 7 * rng_below(r, most[rng_below(r, rng_below(r, 30) ? 6 : COUNT(most))]);

	model.now += seconds;
	w->now += NAT_SEC(seconds);
	if (rng_below(r, 2))
		too_late(w);
	while (nat_expire(&w->nat, w->now, 1000))
		;
	too_late(w);
	expire();
}

static void random_walk(void **state)
{
	struct rng r = rng_start("masq_model", 1);
	struct nat_params params = world_params(FLOWS);
	struct world w;

	model = (struct model){ .v = *state, .now = 1000 };
	params.max_outs = OUTS_ROOM;
	params.max_mappings = MAPPINGS;
	params.max_peers = FLOWS;
	w = world_new(&params);
	outs_swap(&w, "", model.v->outs);
	for (unsigned proto = 0; proto < POOL_PROTOS; proto++)
		for (unsigned port = 1; port <= BLOCKED; port++)
			pool_block(&w.nat.pool, proto, (uint16_t)port, is_blocked(proto == POOL_ICMP ? NAT_PROTO_ICMP : NAT_PROTO_TCP, port));
	for (unsigned step = 0; step < STEPS; step++) {
		struct packet p;

		if (!rng_below(&r, 12))
			advance(&w, &r);
		if (!rng_below(&r, 400))
			swap_rules(&w, &r);
		p = random_packet(&r);
		one_packet(&w, &r, &p, step);
		if (!rng_below(&r, 8))
			error_about(&w, &r);
		assert_int_equal(w.nat.pool.head->mappings.used, in_use());
		assert_int_equal(w.nat.flows.head->used, model.n);
		if (step % 64)
			continue;
		lie(&w, p, step % 128);
		complain(&w, &p);
		assert_null(nat_check(&w.nat));
	}
	world_free(&w);
}

/* Last: nothing above was true only because it never came to it. */
static void all_was_seen(void **state)
{
	static const enum nat_reason must[] = { NAT_WHY_TRANSLATED, NAT_WHY_OPENED, NAT_WHY_PICKED_UP, NAT_WHY_FILTERED, NAT_WHY_NO_FORWARD,
						NAT_WHY_NO_OUTSIDE_PORT, NAT_WHY_MAPPING_LIMIT, NAT_WHY_MAPPINGS_FULL, NAT_WHY_NO_SOURCE_PORT,
						NAT_WHY_PRIVATE_SOURCE, NAT_WHY_TCP_NO_FLOW, NAT_WHY_SCTP_NO_FLOW };

	(void)state;
	for (unsigned i = 0; i < COUNT(must); i++)
		if (seen[must[i]] < 5)
			unit_fail("%s was seen %u times only", nat_reason_name(must[i]), seen[must[i]]);
	assert_true(hairpins > 100 && in_pieces > 100 && errors[0] > 100 && errors[1] > 100 && ended_by_swap > 100);
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(variants); i++)
		unit_add(variants[i].name, random_walk, &variants[i]);
	unit_add("all_was_seen", all_was_seen, NULL);
	return unit_run("masq_model");
}
