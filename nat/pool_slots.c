/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool_slots - see pool_slots.h */
#include "nat/pool_slots.h"

#include <assert.h>

static size_t round64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

static uint32_t buckets_for(uint32_t capacity)
{
	uint32_t n = 16;

	while (n < capacity)
		n *= 2;
	return n;
}

/* One place that knows the order of the arrays in the area. */
static size_t layout(struct pool *p, uint8_t *mem, uint32_t max_mappings, uint32_t max_peers)
{
	size_t chains = sizeof(uint32_t) * buckets_for(max_mappings);
	size_t mapping = round64(sizeof(struct pool_head));
	size_t host = mapping + sizeof(struct nat_mapping) * max_mappings;
	size_t peer = round64(host + sizeof(struct nat_host) * max_mappings);
	size_t by_inside = peer + round64(sizeof(struct nat_peer) * max_peers);
	size_t by_outside = by_inside + chains, by_host = by_outside + chains, by_peer = by_host + chains;

	if (p) {
		p->head = (void *)mem;
		p->mapping = (void *)(mem + mapping);
		p->host = (void *)(mem + host);
		p->peer = (void *)(mem + peer);
		p->by_inside = (void *)(mem + by_inside);
		p->by_outside = (void *)(mem + by_outside);
		p->by_host = (void *)(mem + by_host);
		p->by_peer = (void *)(mem + by_peer);
	}
	return round64(by_peer + sizeof(uint32_t) * buckets_for(max_peers));
}

size_t pool_size(uint32_t max_mappings, uint32_t max_peers)
{
	return max_mappings ? layout(NULL, NULL, max_mappings, max_peers) : 0;
}

struct pool pool_at(void *mem, uint32_t max_mappings, uint32_t max_peers, const struct siphash_key *key)
{
	struct pool p = { .head = NULL, .key = key };

	if (max_mappings)
		layout(&p, mem, max_mappings, max_peers);
	return p;
}

static void slots_init(struct pool_slots *s, uint32_t capacity)
{
	*s = (struct pool_slots){ .capacity = capacity, .free = NAT_NONE, .buckets = buckets_for(capacity) };
}

void pool_init(struct pool *p, uint32_t max_mappings, uint32_t max_peers)
{
	if (!p->head)
		return;
	slots_init(&p->head->mappings, max_mappings);
	slots_init(&p->head->hosts, max_mappings);
	slots_init(&p->head->peers, max_peers);
	p->head->first = p->head->last = NAT_NONE;
}

bool pool_fits(const void *mem, uint32_t max_mappings, uint32_t max_peers)
{
	const struct pool_head *h = mem;

	return !max_mappings || (h->mappings.capacity == max_mappings && h->hosts.capacity == max_mappings &&
				 h->peers.capacity == max_peers && h->mappings.buckets == buckets_for(max_mappings) &&
				 h->hosts.buckets == buckets_for(max_mappings) &&
				 h->peers.buckets == buckets_for(max_peers));
}

void pool_clear(struct pool *p)
{
	struct pool_head *h = p->head;

	memset(p->by_inside, 0, sizeof(uint32_t) * h->mappings.buckets);
	memset(p->by_outside, 0, sizeof(uint32_t) * h->mappings.buckets);
	memset(p->by_host, 0, sizeof(uint32_t) * h->hosts.buckets);
	memset(p->by_peer, 0, sizeof(uint32_t) * h->peers.buckets);
	pool_init(p, h->mappings.capacity, h->peers.capacity);
}

/* A free slot's index, or NAT_NONE. @next: its `next`, if it is from the free list */
static uint32_t slot_take(struct pool_slots *s, const uint32_t *next_of(const struct pool *, uint32_t),
			  const struct pool *p)
{
	uint32_t i = s->free;

	if (i != NAT_NONE)
		s->free = *next_of(p, i);
	else if (s->fresh < s->capacity)
		i = s->fresh++;
	s->used += i != NAT_NONE;
	return i;
}

static const uint32_t *mapping_next(const struct pool *p, uint32_t i)
{
	return &p->mapping[i].next;
}

static const uint32_t *host_next(const struct pool *p, uint32_t i)
{
	return &p->host[i].next;
}

static const uint32_t *peer_next(const struct pool *p, uint32_t i)
{
	return &p->peer[i].next;
}

static void slot_give(struct pool_slots *s, uint32_t *next, uint32_t i)
{
	*next = s->free;
	s->free = i;
	s->used--;
}

/* An endpoint's chain; @salt keeps the four hashes apart. */
static uint32_t end_bucket(const struct pool *p, const struct nat_addr *addr, uint16_t port, uint8_t proto,
			   uint32_t family, uint32_t salt, uint32_t buckets)
{
	uint64_t w[3] = { (uint64_t)port << 48 | (uint64_t)proto << 40 | (uint64_t)family << 32 | salt };

	memcpy(w + 1, addr->octet, 16);
	return (uint32_t)siphash_words(p->key, w, 3) & (buckets - 1);
}

static uint32_t *inside_chain(const struct pool *p, const struct nat_addr *a, uint16_t port, uint8_t proto,
			      uint8_t family)
{
	return &p->by_inside[end_bucket(p, a, port, proto, family, 1, p->head->mappings.buckets)];
}

static uint32_t *outside_chain(const struct pool *p, const struct nat_addr *a, uint16_t port, uint8_t proto,
			       uint8_t family)
{
	return &p->by_outside[end_bucket(p, a, port, proto, family, 2, p->head->mappings.buckets)];
}

static uint32_t *host_chain(const struct pool *p, const struct nat_addr *inside, uint32_t family)
{
	return &p->by_host[end_bucket(p, inside, 0, 0, family, 3, p->head->hosts.buckets)];
}

static uint32_t *peer_chain(const struct pool *p, uint32_t mapping, const struct nat_addr *remote)
{
	return &p->by_peer[end_bucket(p, remote, 0, 0, mapping, 4, p->head->peers.buckets)];
}

uint32_t pool_find_inside(const struct pool *p, const struct pool_end *inside, const struct nat_addr *outside)
{
	uint32_t i = *inside_chain(p, &inside->addr, inside->port, inside->proto, inside->family);

	for (; i; i = p->mapping[i - 1].by_inside) {
		const struct nat_mapping *m = &p->mapping[i - 1];

		if (m->iport == inside->port && m->proto == inside->proto && m->family == inside->family &&
		    nat_addr_eq(&m->inside, &inside->addr) && nat_addr_eq(&m->outside, outside))
			return i - 1;
	}
	return NAT_NONE;
}

uint32_t pool_find(const struct pool *p, const struct pool_end *outside)
{
	uint32_t i = *outside_chain(p, &outside->addr, outside->port, outside->proto, outside->family);

	for (; i; i = p->mapping[i - 1].by_outside) {
		const struct nat_mapping *m = &p->mapping[i - 1];

		if (m->oport == outside->port && m->proto == outside->proto && m->family == outside->family &&
		    nat_addr_eq(&m->outside, &outside->addr))
			return i - 1;
	}
	return NAT_NONE;
}

uint32_t pool_host_find(const struct pool *p, const struct nat_addr *inside, const struct nat_addr *outside,
			uint32_t family)
{
	for (uint32_t i = *host_chain(p, inside, family); i; i = p->host[i - 1].chain) {
		const struct nat_host *h = &p->host[i - 1];

		if (h->family == family && nat_addr_eq(&h->inside, inside) && nat_addr_eq(&h->outside, outside))
			return i - 1;
	}
	return NAT_NONE;
}

/* One mapping more of its host; false: no slot for a new one. */
static bool host_hold(struct pool *p, const struct pool_end *inside, const struct nat_addr *outside)
{
	uint32_t i = pool_host_find(p, &inside->addr, outside, inside->family), *chain;

	if (i != NAT_NONE) {
		p->host[i].mappings++;
		return true;
	}
	i = slot_take(&p->head->hosts, host_next, p);
	if (i == NAT_NONE)
		return false;
	chain = host_chain(p, &inside->addr, inside->family);
	p->host[i] = (struct nat_host){ .inside = inside->addr, .outside = *outside, .mappings = 1, .chain = *chain,
					.family = inside->family };
	*chain = i + 1;
	return true;
}

static void host_put(struct pool *p, const struct nat_mapping *m)
{
	uint32_t i = pool_host_find(p, &m->inside, &m->outside, m->family), *link;

	assert(i != NAT_NONE);
	if (--p->host[i].mappings)
		return;
	for (link = host_chain(p, &m->inside, m->family); *link != i + 1; link = &p->host[*link - 1].chain)
		;
	*link = p->host[i].chain;
	slot_give(&p->head->hosts, &p->host[i].next, i);
}

uint32_t pool_mapping_add(struct pool *p, const struct pool_end *inside, const struct pool_end *outside)
{
	uint32_t i = slot_take(&p->head->mappings, mapping_next, p), *in, *out;

	if (i == NAT_NONE)
		return NAT_NONE;
	if (!host_hold(p, inside, &outside->addr)) {
		p->mapping[i].used = 0;
		slot_give(&p->head->mappings, &p->mapping[i].next, i);
		return NAT_NONE;
	}
	in = inside_chain(p, &inside->addr, inside->port, inside->proto, inside->family);
	out = outside_chain(p, &outside->addr, outside->port, outside->proto, outside->family);
	p->mapping[i] = (struct nat_mapping){ .inside = inside->addr, .outside = outside->addr, .iport = inside->port,
					      .oport = outside->port, .proto = inside->proto, .family = inside->family,
					      .used = 1, .refs = 1, .by_inside = *in, .by_outside = *out };
	*in = *out = i + 1;
	return i;
}

void pool_mapping_del(struct pool *p, uint32_t index)
{
	struct nat_mapping *m = &p->mapping[index];
	uint32_t *link;

	assert(m->used && !m->refs);
	pool_quarantine_del(p, index);
	for (link = inside_chain(p, &m->inside, m->iport, m->proto, m->family); *link != index + 1;
	     link = &p->mapping[*link - 1].by_inside)
		;
	*link = m->by_inside;
	for (link = outside_chain(p, &m->outside, m->oport, m->proto, m->family); *link != index + 1;
	     link = &p->mapping[*link - 1].by_outside)
		;
	*link = m->by_outside;
	host_put(p, m);
	m->used = 0;
	slot_give(&p->head->mappings, &m->next, index);
}

void pool_quarantine_add(struct pool *p, uint32_t index)
{
	struct pool_head *h = p->head;
	struct nat_mapping *m = &p->mapping[index];

	m->next = NAT_NONE;
	m->prev = h->last;
	*(h->last == NAT_NONE ? &h->first : &p->mapping[h->last].next) = index;
	h->last = index;
}

void pool_quarantine_del(struct pool *p, uint32_t index)
{
	struct pool_head *h = p->head;
	const struct nat_mapping *m = &p->mapping[index];

	*(m->prev == NAT_NONE ? &h->first : &p->mapping[m->prev].next) = m->next;
	*(m->next == NAT_NONE ? &h->last : &p->mapping[m->next].prev) = m->prev;
}

static uint32_t peer_find(const struct pool *p, uint32_t mapping, const struct nat_addr *remote)
{
	for (uint32_t i = *peer_chain(p, mapping, remote); i; i = p->peer[i - 1].chain)
		if (p->peer[i - 1].mapping == mapping && nat_addr_eq(&p->peer[i - 1].remote, remote))
			return i - 1;
	return NAT_NONE;
}

bool pool_peer_add(struct pool *p, uint32_t mapping, const struct nat_addr *remote)
{
	uint32_t i = peer_find(p, mapping, remote), *chain;

	if (i != NAT_NONE) {
		p->peer[i].refs++;
		return true;
	}
	i = slot_take(&p->head->peers, peer_next, p);
	if (i == NAT_NONE)
		return false;
	chain = peer_chain(p, mapping, remote);
	p->peer[i] = (struct nat_peer){ .remote = *remote, .mapping = mapping, .refs = 1, .chain = *chain };
	*chain = i + 1;
	return true;
}

void pool_peer_del(struct pool *p, uint32_t mapping, const struct nat_addr *remote)
{
	uint32_t i = peer_find(p, mapping, remote), *link;

	if (i == NAT_NONE || --p->peer[i].refs)
		return;
	for (link = peer_chain(p, mapping, remote); *link != i + 1; link = &p->peer[*link - 1].chain)
		;
	*link = p->peer[i].chain;
	slot_give(&p->head->peers, &p->peer[i].next, i);
}

bool pool_peer_has(const struct pool *p, uint32_t mapping, const struct nat_addr *remote)
{
	return peer_find(p, mapping, remote) != NAT_NONE;
}
