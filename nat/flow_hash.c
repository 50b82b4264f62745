/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_hash - see flow_hash.h */
#include "nat/flow_hash.h"

#include <assert.h>

struct place {
	uint32_t home;		/* bucket */
	uint16_t tag;		/* never 0 */
};

static struct place place_of(const struct flow_table *t, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	uint64_t h = nat_tuple_hash(&t->head->key, e, proto, family);

	return (struct place){ .home = (uint32_t)h & (t->head->buckets - 1), .tag = (uint16_t)(h >> 48) | 1 };
}

struct nat_ends flow_key_ends(const struct nat_flow *f, enum flow_key k)
{
	switch (k) {
	case FLOW_ORIG:
		return f->orig;
	case FLOW_REPLY:
		return f->reply;
	case FLOW_MID:
		return flow_mid(f);
	case FLOW_KEYS:
		break;
	}
	assert(k < FLOW_KEYS);
	return f->orig;
}

static bool key_is(const struct nat_flow *f, enum flow_key k, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	if (f->proto != proto || f->family != family)
		return false;
	switch (k) {
	case FLOW_ORIG:
		return nat_ends_eq(&f->orig, e);
	case FLOW_REPLY:
		return nat_ends_eq(&f->reply, e);
	case FLOW_MID:
	case FLOW_KEYS:
		break;
	}
	return f->reply.sport == e->sport && f->reply.dport == e->dport && nat_addr_eq(&f->reply.src, &e->src) &&
	       nat_addr_eq(&f->orig.src, &e->dst);
}

struct nat_flow *flow_find(const struct flow_table *t, const struct nat_ends *e, uint8_t proto, uint8_t family,
			   enum flow_key *key)
{
	struct place at = place_of(t, e, proto, family);

	for (unsigned i = 0; i <= FLOW_PROBES; i++) {
		const struct flow_bucket *b = &t->bucket[(at.home + i) & (t->head->buckets - 1)];

		for (unsigned w = 0; w < FLOW_WAYS; w++) {
			struct nat_flow *f;

			if (b->tag[w] != at.tag || b->ref[w] / 4 >= t->head->capacity)
				continue;
			f = &t->flow[b->ref[w] / 4];
			if (key_is(f, b->ref[w] % 4, e, proto, family)) {
				*key = b->ref[w] % 4;
				return f;
			}
		}
		if (!b->overflow)
			break;
	}
	return NULL;
}

bool flow_has(const struct flow_table *t, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	enum flow_key key;

	return flow_find(t, e, proto, family, &key) != NULL;
}

static unsigned free_way(const struct flow_bucket *b)
{
	unsigned w = 0;

	while (w < FLOW_WAYS && b->tag[w])
		w++;
	return w;
}

bool flow_hash_add(struct flow_table *t, uint32_t index, enum flow_key k)
{
	const struct nat_flow *f = &t->flow[index];
	struct nat_ends e = flow_key_ends(f, k);
	struct place at = place_of(t, &e, f->proto, f->family);
	uint32_t mask = t->head->buckets - 1;

	for (unsigned i = 0; i <= FLOW_PROBES; i++) {
		struct flow_bucket *b = &t->bucket[(at.home + i) & mask];
		unsigned w = free_way(b);

		if (w == FLOW_WAYS)
			continue;
		b->ref[w] = index * 4 + k;
		b->tag[w] = at.tag;
		while (i--)
			t->bucket[(at.home + i) & mask].overflow++;
		return true;
	}
	return false;
}

bool flow_hash_del(struct flow_table *t, uint32_t index, enum flow_key k)
{
	const struct nat_flow *f = &t->flow[index];
	struct nat_ends e = flow_key_ends(f, k);
	struct place at = place_of(t, &e, f->proto, f->family);
	uint32_t mask = t->head->buckets - 1;

	for (unsigned i = 0; i <= FLOW_PROBES; i++) {
		struct flow_bucket *b = &t->bucket[(at.home + i) & mask];

		for (unsigned w = 0; w < FLOW_WAYS; w++) {
			if (b->tag[w] != at.tag || b->ref[w] != index * 4 + k)
				continue;
			b->tag[w] = 0;
			while (i--)
				t->bucket[(at.home + i) & mask].overflow--;
			return true;
		}
		if (!b->overflow)
			break;
	}
	return false;
}

/* How many buckets the key of way @w in bucket @n is away from its home; UINT32_MAX if it has none. */
static uint32_t way_distance(const struct flow_table *t, uint32_t n, unsigned w)
{
	uint32_t ref = t->bucket[n].ref[w];
	const struct nat_flow *f;
	struct place at;
	struct nat_ends e;

	if (ref / 4 >= t->head->capacity || ref % 4 >= FLOW_KEYS)
		return UINT32_MAX;
	f = &t->flow[ref / 4];
	if (f->idle == IDLE_FREE || ref % 4 >= flow_key_count(f))
		return UINT32_MAX;
	e = flow_key_ends(f, ref % 4);
	at = place_of(t, &e, f->proto, f->family);
	if (t->bucket[n].tag[w] != at.tag)
		return UINT32_MAX;
	return (n - at.home) & (t->head->buckets - 1);
}

const char *flow_hash_check(const struct flow_table *t)
{
	uint64_t keys = 0, passed = 0, overflow = 0;

	for (uint32_t n = 0; n < t->head->buckets; n++) {
		overflow += t->bucket[n].overflow;
		for (unsigned w = 0; w < FLOW_WAYS; w++) {
			uint32_t away;

			if (!t->bucket[n].tag[w])
				continue;
			keys++;
			away = way_distance(t, n, w);
			if (away > FLOW_PROBES)
				return "I1: a way of the hash leads to no key of a flow, or is far from its home";
			passed += away;
			for (uint32_t i = 1; i <= away; i++)
				if (!t->bucket[(n - i) & (t->head->buckets - 1)].overflow)
					return "I5: a key cannot be found behind a bucket that counts none passing";
		}
	}
	if (passed != overflow)
		return "I5: overflow counts do not add up";
	for (uint32_t i = 0; i < t->head->capacity; i++) {
		const struct nat_flow *f = &t->flow[i];

		if (f->idle == IDLE_FREE)
			continue;
		for (unsigned k = 0; k < flow_key_count(f); k++) {
			struct nat_ends e = flow_key_ends(f, k);
			enum flow_key found;

			if (flow_find(t, &e, f->proto, f->family, &found) != f || found != k)
				return "I4: a key finds another flow, or none";
			keys--;
		}
	}
	return keys ? "I1: the hash has more keys than the flows have" : NULL;
}
