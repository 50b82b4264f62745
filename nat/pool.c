/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool - see pool.h: choosing ports, flows that come and go; slots and chains are in pool_slots.c */
#include "nat/pool.h"

#include <assert.h>

#include "nat/pool_slots.h"
#include "nat/wire.h"

enum {
	TRIES = 512,			/* ports tried before a flow is refused */
	WELL_KNOWN = 1024,		/* RFC 4787 REQ-3a: ports below are a class of their own */
};

#define QUARANTINE NAT_SEC(120)		/* RFC 6888 REQ-8 */

static unsigned blocked_proto(uint8_t proto)
{
	switch (proto) {
	case NAT_PROTO_TCP:
		return POOL_TCP;
	case NAT_PROTO_UDP:
		return POOL_UDP;
	case NAT_PROTO_ICMP:
	case NAT_PROTO_ICMPV6:
		return POOL_ICMP;
	}
	return POOL_OTHER;
}

bool pool_has(uint8_t proto)
{
	return nat_proto_has_ports(proto) || proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMPV6;
}

void pool_block(struct pool *p, unsigned proto, uint16_t port, bool blocked)
{
	uint32_t *word = &p->head->blocked[proto][port / 32], bit = UINT32_C(1) << port % 32;

	if (blocked)
		__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED);
}

void pool_block_all(struct pool *p, const uint32_t *blocked)
{
	for (unsigned proto = 0; proto < POOL_PROTOS; proto++)
		for (unsigned w = 0; w < 65536 / 32; w++)
			__atomic_store_n(&p->head->blocked[proto][w], blocked[proto * (65536 / 32) + w], __ATOMIC_RELAXED);
}

static bool is_blocked(const struct pool *p, uint8_t proto, uint32_t port)
{
	uint32_t word = __atomic_load_n(&p->head->blocked[blocked_proto(proto)][port / 32], __ATOMIC_RELAXED);

	return word >> port % 32 & 1;
}

/* Is the quarantine of a mapping without flows over? */
static bool is_over(const struct nat_mapping *m, nat_tick now)
{
	return !m->refs && now - m->released >= nat_tick_span(QUARANTINE);
}

/* May @port be given out? A mapping that only waits for its quarantine to be noticed goes here. */
static bool port_free(struct pool *p, struct pool_end *outside, uint32_t port, nat_tick now)
{
	uint32_t i;

	if (is_blocked(p, outside->proto, port))
		return false;
	outside->port = wire_port((uint16_t)port);
	i = pool_find(p, outside);
	if (i == NAT_NONE)
		return true;
	if (!is_over(&p->mapping[i], now))
		return false;
	pool_mapping_del(p, i);
	return true;
}

/* The ports of one class among a rule's ranges, counted through from 0. */
struct choice {
	struct out_range range[OUT_RANGES + 1];
	uint32_t n;			/* ports in all of them */
};

static void choice_add(struct choice *c, unsigned i, uint32_t lo, uint32_t hi, bool low)
{
	if (low && hi >= WELL_KNOWN)
		hi = WELL_KNOWN - 1;
	if (!low && lo < WELL_KNOWN)
		lo = WELL_KNOWN;
	if (lo > hi || !lo)
		return;
	c->range[i] = (struct out_range){ (uint16_t)lo, (uint16_t)hi };
	c->n += hi - lo + 1;
}

static uint32_t choice_port(const struct choice *c, uint32_t nth)
{
	for (unsigned i = 0; i < OUT_RANGES; i++) {
		uint32_t n = c->range[i].lo ? c->range[i].hi - c->range[i].lo + 1u : 0;

		if (nth < n)
			return c->range[i].lo + nth;
		nth -= n;
	}
	return 0;
}

static bool choice_has(const struct choice *c, uint32_t port)
{
	for (unsigned i = 0; i < OUT_RANGES; i++)
		if (c->range[i].lo && port >= c->range[i].lo && port <= c->range[i].hi)
			return true;
	return false;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* Walk through the ports in steps that meet each once, from a start and with a stride nobody can predict (R20). */
static int32_t walk(struct pool *p, struct pool_end *outside, const struct choice *c, uint64_t roll, int parity,
		    nat_tick now)
{
	uint32_t at = (uint32_t)roll % c->n, stride = (uint32_t)(roll >> 32) % c->n;

	while (gcd(stride, c->n) != 1)
		stride = (stride + 1) % c->n;
	for (uint32_t i = 0; i < c->n && i < TRIES; i++, at = (at + stride) % c->n) {
		uint32_t port = choice_port(c, at);

		if ((parity < 0 || (int)(port & 1) == parity) && port_free(p, outside, port, now))
			return (int32_t)port;
	}
	return -1;
}

/* A port for @outside, or -1. ICMP identifiers have no classes and may be any number. */
static int32_t choose(struct pool *p, const struct out_rule *rule, struct pool_end *outside, uint16_t own, uint64_t roll,
		      nat_tick now)
{
	bool icmp = blocked_proto(outside->proto) == POOL_ICMP;
	struct choice c = { .n = 0 };
	int32_t port;

	for (unsigned i = 0; i < OUT_RANGES && !icmp; i++)
		choice_add(&c, i, rule->range[i].lo, rule->range[i].hi, own < WELL_KNOWN);
	if (icmp) {
		c.range[0] = (struct out_range){ 1, 65535 };
		c.n = 65535;
	}
	if ((icmp || choice_has(&c, own)) && port_free(p, outside, own, now))
		return own;
	if (!c.n)
		return -1;
	port = outside->proto == NAT_PROTO_UDP ? walk(p, outside, &c, roll, own & 1, now) : -1;
	return port < 0 ? walk(p, outside, &c, roll, -1, now) : port;
}

/*
 * RFC 4787 REQ-2: all mappings of an inside address share one outside address, as long as it has any. Where addresses went
 * and came back it may have mappings behind several: one that flows use goes before all (R18).
 */
static uint32_t pair_addr(const struct pool *p, const struct out *o, const struct out_rule *rule,
			  const struct pool_end *inside, bool *is_paired)
{
	uint64_t w[2];

	*is_paired = true;
	for (uint32_t i = 0; i < rule->n_addr && rule->n_addr > 1; i++) {
		uint32_t known = pool_find_inside(p, inside, &o->addr[rule->addr + i]);

		if (known != NAT_NONE && p->mapping[known].refs)
			return i;
	}
	for (uint32_t i = 0; i < rule->n_addr && rule->n_addr > 1; i++)
		if (pool_host_find(p, &inside->addr, &o->addr[rule->addr + i], inside->family) != NAT_NONE)
			return i;
	*is_paired = false;
	memcpy(w, inside->addr.octet, sizeof(w));
	return (uint32_t)(siphash_words(p->key, w, 2) % rule->n_addr);
}

/* Make a mapping behind one outside address. */
static enum pool_err make(struct pool *p, const struct out_rule *rule, const struct pool_end *inside,
			  const struct nat_addr *addr, uint64_t roll, nat_tick now, uint32_t *index)
{
	struct pool_end outside = { .addr = *addr, .proto = inside->proto, .family = inside->family };
	uint32_t host = pool_host_find(p, &inside->addr, addr, inside->family);
	int32_t port;

	if (host != NAT_NONE && rule->max_mappings && p->host[host].mappings >= rule->max_mappings)
		return POOL_LIMIT;
	port = choose(p, rule, &outside, wire_host(inside->port), roll, now);
	if (port < 0)
		return POOL_NO_PORT;
	outside.port = wire_port((uint16_t)port);
	*index = pool_mapping_add(p, inside, &outside);
	return *index == NAT_NONE ? POOL_FULL : POOL_OK;
}

enum pool_err pool_get(struct pool *p, const struct out *o, const struct out_rule *rule, const struct pool_end *inside,
		       uint64_t roll, nat_tick now, uint32_t *index)
{
	enum pool_err err = POOL_NO_ADDR;
	bool is_paired;
	uint32_t first;

	if (!rule->n_addr)
		return POOL_NO_ADDR;
	first = pair_addr(p, o, rule, inside, &is_paired);
	for (uint32_t i = 0; i < rule->n_addr; i++) {
		const struct nat_addr *addr = &o->addr[rule->addr + (first + i) % rule->n_addr];
		uint32_t known = pool_find_inside(p, inside, addr);

		if (known != NAT_NONE) {
			pool_hold(p, known);
			*index = known;
			return POOL_OK;
		}
		err = make(p, rule, inside, addr, roll, now, index);
		if (err != POOL_NO_PORT || is_paired)
			break;
	}
	return err;
}

void pool_hold(struct pool *p, uint32_t index)
{
	struct nat_mapping *m = &p->mapping[index];

	assert(m->used);
	if (!m->refs++)
		pool_quarantine_del(p, index);
}

void pool_put(struct pool *p, uint32_t index, nat_tick now)
{
	struct nat_mapping *m = &p->mapping[index];

	assert(m->used && m->refs);
	if (--m->refs)
		return;
	m->released = now;
	pool_quarantine_add(p, index);
	if (m->proto != NAT_PROTO_UDP)
		pool_mapping_del(p, index);	/* a TCP flow has lived on for its closing time already (R45) */
}

bool pool_restore(struct pool *p, const struct pool_end *inside, const struct pool_end *outside)
{
	uint32_t a = pool_find_inside(p, inside, &outside->addr), b = pool_find(p, outside);

	if (a != b)
		return false;
	if (a != NAT_NONE) {
		pool_hold(p, a);
		return true;
	}
	return pool_mapping_add(p, inside, outside) != NAT_NONE;
}

unsigned pool_expire(struct pool *p, nat_tick now, unsigned budget)
{
	unsigned n = 0;

	while (n < budget && p->head->first != NAT_NONE && is_over(&p->mapping[p->head->first], now)) {
		pool_mapping_del(p, p->head->first);
		n++;
	}
	return n;
}
