/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool_check - the invariants of pool.h. Believes nothing: the pool may be anything a dead writer left. */
#include "nat/pool_slots.h"

typedef uint32_t field_fn(const struct pool *p, uint32_t i);

/* One chain of each of a kind's hashes: what a link is called, which slots are in use. */
struct kind {
	const struct pool_slots *s;
	const uint32_t *heads;
	field_fn *link, *next;
	field_fn *used;
};

static uint32_t mapping_in(const struct pool *p, uint32_t i)
{
	return p->mapping[i].by_inside;
}

static uint32_t mapping_out(const struct pool *p, uint32_t i)
{
	return p->mapping[i].by_outside;
}

static uint32_t mapping_next(const struct pool *p, uint32_t i)
{
	return p->mapping[i].next;
}

static uint32_t mapping_used(const struct pool *p, uint32_t i)
{
	return p->mapping[i].used;
}

static uint32_t host_chain(const struct pool *p, uint32_t i)
{
	return p->host[i].chain;
}

static uint32_t host_next(const struct pool *p, uint32_t i)
{
	return p->host[i].next;
}

static uint32_t host_used(const struct pool *p, uint32_t i)
{
	return p->host[i].mappings;
}

static uint32_t peer_chain(const struct pool *p, uint32_t i)
{
	return p->peer[i].chain;
}

static uint32_t peer_next(const struct pool *p, uint32_t i)
{
	return p->peer[i].next;
}

static uint32_t peer_used(const struct pool *p, uint32_t i)
{
	return p->peer[i].refs;
}

/* P2, and the half of P1 that needs no keys: chains hold used slots, as many as there are, and end. */
static const char *check_kind(const struct pool *p, const struct kind *k)
{
	const struct pool_slots *s = k->s;
	uint32_t used = 0, n_free = 0, chained = 0;

	if (s->fresh > s->capacity || s->used > s->fresh)
		return "P2: counts are larger than the array";
	for (uint32_t i = 0; i < s->fresh; i++)
		used += k->used(p, i) != 0;
	for (uint32_t i = s->free; i != NAT_NONE; i = k->next(p, i))
		if (i >= s->fresh || k->used(p, i) || ++n_free > s->fresh)
			return "P2: the free list leads to a used slot, out of the array or in a circle";
	if (used != s->used || used + n_free != s->fresh)
		return "P2: used and free slots do not add up";
	for (uint32_t b = 0; b < s->buckets; b++)
		for (uint32_t i = k->heads[b]; i; i = k->link(p, i - 1))
			if (i > s->fresh || !k->used(p, i - 1) || ++chained > used)
				return "P1: a chain leads to a free slot, out of the array or in a circle";
	return chained == used ? NULL : "P1: a used slot is in no chain";
}

static const char *check_quarantine(const struct pool *p)
{
	uint32_t n = 0, waiting = 0, prev = NAT_NONE;

	for (uint32_t i = 0; i < p->head->mappings.fresh; i++)
		waiting += p->mapping[i].used && !p->mapping[i].refs;
	for (uint32_t i = p->head->first; i != NAT_NONE; prev = i, i = p->mapping[i].next) {
		const struct nat_mapping *m;

		if (i >= p->head->mappings.fresh || ++n > waiting)
			return "P3: the quarantine queue leads out of the array or in a circle";
		m = &p->mapping[i];
		if (!m->used || m->refs || m->prev != prev)
			return "P3: a mapping in the quarantine queue has flows or wrong neighbours";
		if (prev != NAT_NONE && (int32_t)(m->released - p->mapping[prev].released) < 0)
			return "P3: the quarantine queue is not in order";
	}
	return n == waiting && p->head->last == prev ? NULL : "P3: a mapping without flows is not in quarantine";
}

/* Every mapping is what its keys find, and hosts count them all. */
static const char *check_keys(const struct pool *p)
{
	uint64_t of_hosts = 0;

	for (uint32_t i = 0; i < p->head->mappings.fresh; i++) {
		const struct nat_mapping *m = &p->mapping[i];
		struct pool_end in = { m->inside, m->iport, m->proto, m->family };
		struct pool_end out = { m->outside, m->oport, m->proto, m->family };

		if (!m->used)
			continue;
		if (!pool_has(m->proto) || pool_find(p, &out) != i || pool_find_inside(p, &in, &m->outside) != i)
			return "P1: a mapping is not found by its ends";
		if (pool_host_find(p, &m->inside, &m->outside, m->family) == NAT_NONE)
			return "P4: a mapping has no host";
	}
	for (uint32_t i = 0; i < p->head->hosts.fresh; i++) {
		const struct nat_host *h = &p->host[i];

		of_hosts += h->mappings;
		if (h->mappings && pool_host_find(p, &h->inside, &h->outside, h->family) != i)
			return "P1: a host is not found by its addresses";
	}
	return of_hosts == p->head->mappings.used ? NULL : "P4: hosts do not count their mappings";
}

static const char *check_peers(const struct pool *p)
{
	for (uint32_t i = 0; i < p->head->peers.fresh; i++) {
		const struct nat_peer *e = &p->peer[i];

		if (!e->refs)
			continue;
		if (e->mapping >= p->head->mappings.fresh || !p->mapping[e->mapping].used ||
		    e->refs > p->mapping[e->mapping].refs)
			return "P4: a peer without a mapping, or with more flows than it";
		if (!pool_peer_has(p, e->mapping, &e->remote))
			return "P1: a peer is not found";
	}
	return NULL;
}

const char *pool_check(const struct pool *p)
{
	const struct kind kinds[] = {
		{ &p->head->mappings, p->by_inside, mapping_in, mapping_next, mapping_used },
		{ &p->head->mappings, p->by_outside, mapping_out, mapping_next, mapping_used },
		{ &p->head->hosts, p->by_host, host_chain, host_next, host_used },
		{ &p->head->peers, p->by_peer, peer_chain, peer_next, peer_used },
	};
	const char *bad = NULL;

	for (unsigned i = 0; !bad && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		bad = check_kind(p, &kinds[i]);
	if (!bad)
		bad = check_quarantine(p);
	if (!bad)
		bad = check_keys(p);
	return bad ? bad : check_peers(p);
}
