/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_fixture - a flow table in memory of exactly its size, and flows to put into it. */
#ifndef TESTS_FLOW_FIXTURE_H
#define TESTS_FLOW_FIXTURE_H

#include "nat/flow.h"
#include "nat/tcp.h"
#include "nat/wire.h"
#include "tests/unit/unit.h"

/* A table in memory of its own, exactly as large as it must be. */
struct fixture {
	struct flow_head head;
	struct flow_table t;
};

static inline void fixture_init(struct fixture *x, uint32_t capacity)
{
	memset(x, 0, sizeof(*x));
	x->head.capacity = capacity;
	x->head.buckets = flow_buckets_for(capacity);
	x->head.key = (struct siphash_key){ { 7, 9 } };
	for (unsigned c = 0; c < IDLE_CLASSES; c++)
		x->head.limit[c] = nat_tick_span(NAT_SEC(idle_default_s(c)));
	x->t.head = &x->head;
	x->t.flow = calloc(capacity, sizeof(*x->t.flow));
	x->t.bucket = aligned_alloc(64, x->head.buckets * sizeof(*x->t.bucket));
	if (!x->t.flow || !x->t.bucket)
		abort();
	memset(x->t.bucket, 0, x->head.buckets * sizeof(*x->t.bucket));
	flow_init(&x->t);
	assert_null(flow_check(&x->t));
}

static inline void fixture_fini(struct fixture *x)
{
	free(x->t.flow);
	free(x->t.bucket);
}

static inline void good(const struct fixture *x)
{
	const char *bad = flow_check(&x->t);

	if (bad)
		unit_fail("%s", bad);
}

static inline struct nat_addr addr(unsigned n)
{
	uint8_t v4[4] = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n };

	return nat_addr_v4(v4);
}

/* c:cport -> h:hport as the guest sees it: s:sport -> g:gport */
static inline struct nat_flow flow_of(unsigned c, uint16_t cport, unsigned h, uint16_t hport, unsigned g, uint16_t gport, unsigned s,
			       uint16_t sport)
{
	struct nat_flow f = {
		.orig = { addr(c), addr(h), wire_port(cport), wire_port(hport) },
		.reply = { addr(g), addr(s), wire_port(gport), wire_port(sport) },
		.proto = NAT_PROTO_UDP, .family = NAT_IPV4, .idle = IDLE_UDP_OPENING,
	};

	if (c != s)
		f.flags = FLOW_HAIRPIN;
	return f;
}

static inline struct nat_flow random_flow(struct rng *r, bool hairpins)
{
	/* A small alphabet, so that keys of all kinds meet. */
	unsigned c = rng_below(r, 3), h = rng_below(r, 3), g = rng_below(r, 3), s = hairpins && rng_below(r, 2) ? rng_below(r, 3) : c;
	struct nat_flow f = flow_of(c, (uint16_t)rng_below(r, 6), h, (uint16_t)rng_below(r, 4), g, (uint16_t)rng_below(r, 4), s,
				    (uint16_t)rng_below(r, 6));

	f.idle = (1 + rng_below(r, IDLE_FROZEN - 1)) & 15u;
	f.proto = rng_below(r, 4) ? NAT_PROTO_UDP : NAT_PROTO_TCP;
	f.tcp = f.proto == NAT_PROTO_TCP ? (1 + rng_below(r, TCP_STATES - 1)) & 15u : TCP_NONE;
	return f;
}

#endif
