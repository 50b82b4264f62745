/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_hash - see flow_hash.h */
#include "nat/flow_hash.h"

#include <assert.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "nat/hot.h"

struct place {
	uint32_t home;		/* bucket */
	uint16_t tag;		/* never 0 */
};

static struct place place_at(const struct flow_table *t, uint64_t h)
{
	return (struct place){ .home = flow_home(t->head, h), .tag = (uint16_t)(h >> 48) | 1 };
}

/* One copy of the hash, for all but nat_look(). */
__attribute__((noinline)) static uint64_t hash_of(const struct flow_table *t, const struct nat_ends *e, uint8_t proto,
						  uint8_t family)
{
	return nat_tuple_hash(&t->head->key, e, proto, family);
}

static struct place place_of(const struct flow_table *t, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	return place_at(t, hash_of(t, e, proto, family));
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

/*
 * The ways of a bucket whose tag may be @tag, as a bit mask. All tags are
 * compared at once: a loop over them would be guessed wrong by the processor
 * for nearly every packet of another flow.
 */
#if defined(__SSE2__)
/* A register holds eight; the second one those that are left, and what lies behind them. */
HOT static unsigned ways_of(const struct flow_bucket *b, uint16_t tag)
{
	const __m128i want = _mm_set1_epi16((short)tag);
	__m128i low, high;

	memcpy(&low, b->tag, sizeof(low));
	memcpy(&high, (const uint8_t *)b + sizeof(low), sizeof(high));
	low = _mm_packs_epi16(_mm_cmpeq_epi16(low, want), _mm_cmpeq_epi16(high, want));
	return (unsigned)_mm_movemask_epi8(low) & ((1u << FLOW_WAYS) - 1);
}
#else
/* Four in a word. The test for a zero lane may report one too many above a true one; keys are compared anyway. */
static unsigned ways_of(const struct flow_bucket *b, uint16_t tag)
{
	const uint64_t ones = 0x0001000100010001u, high = 0x8000800080008000u;
	unsigned ways = 0;

	for (unsigned i = 0; i < FLOW_WAYS; i += 4) {
		const uint16_t *t = b->tag + i;
		uint64_t x = (uint64_t)t[0] | (uint64_t)t[1] << 16;

		if (i + 4 <= FLOW_WAYS)
			x |= (uint64_t)t[2] << 32 | (uint64_t)t[3] << 48;
		x ^= ones * tag;
		x = (x - ones) & ~x & high;
		/* bits 15, 31, 47, 63 to 0 .. 3 */
		ways |= (unsigned)(((x >> 15) * 0x1000200040008u) >> 48 & 15) << i;
	}
	return ways & ((1u << FLOW_WAYS) - 1);
}
#endif

struct nat_flow *flow_find_hashed(const struct flow_table *t, uint64_t hash, const struct nat_ends *e, uint8_t proto,
				  uint8_t family, enum flow_key *key)
{
	struct place at = place_at(t, hash);

	for (unsigned i = 0; i <= FLOW_PROBES; i++) {
		const struct flow_bucket *b = flow_bucket_at(t, at.home, i);

		for (unsigned ways = ways_of(b, at.tag); ways; ways &= ways - 1) {
			uint32_t ref = b->ref[__builtin_ctz(ways)];
			struct nat_flow *f;

			if (ref / 4 >= t->head->capacity)
				continue;
			f = &t->flow[ref / 4];
			if (flow_key_is(f, ref % 4, e, proto, family)) {
				*key = ref % 4;
				return f;
			}
		}
		if (!b->overflow)
			break;
	}
	return NULL;
}

struct nat_flow *flow_find(const struct flow_table *t, const struct nat_ends *e, uint8_t proto, uint8_t family,
			   enum flow_key *key)
{
	return flow_find_hashed(t, hash_of(t, e, proto, family), e, proto, family, key);
}

void flow_prefetch_bucket(const struct flow_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->bucket[place_at(t, hash).home]);
}

uint32_t flow_prefetch(const struct flow_table *t, uint64_t hash)
{
	struct place at = place_at(t, hash);
	const struct flow_bucket *b = &t->bucket[at.home];
	uint32_t guess = NAT_NONE;

	for (unsigned ways = ways_of(b, at.tag); ways; ways &= ways - 1) {
		uint32_t ref = b->ref[__builtin_ctz(ways)];

		if (flow_prefetch_guess(t, ref))
			guess = ref;
	}
	return guess;
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

	for (unsigned i = 0; i <= FLOW_PROBES; i++) {
		struct flow_bucket *b = flow_bucket_at(t, at.home, i);
		unsigned w = free_way(b);

		if (w == FLOW_WAYS)
			continue;
		b->ref[w] = index * 4 + k;
		b->tag[w] = at.tag;
		while (i--)
			flow_bucket_at(t, at.home, i)->overflow++;
		return true;
	}
	return false;
}

bool flow_hash_del(struct flow_table *t, uint32_t index, enum flow_key k)
{
	const struct nat_flow *f = &t->flow[index];
	struct nat_ends e = flow_key_ends(f, k);
	struct place at = place_of(t, &e, f->proto, f->family);

	for (unsigned i = 0; i <= FLOW_PROBES; i++) {
		struct flow_bucket *b = flow_bucket_at(t, at.home, i);

		for (unsigned w = 0; w < FLOW_WAYS; w++) {
			if (b->tag[w] != at.tag || b->ref[w] != index * 4 + k)
				continue;
			b->tag[w] = 0;
			while (i--)
				flow_bucket_at(t, at.home, i)->overflow--;
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

	if (ref / 4 >= flow_slots(t) || ref % 4 >= FLOW_KEYS)
		return UINT32_MAX;
	f = &t->flow[ref / 4];
	if (f->idle == IDLE_FREE || ref % 4 >= flow_key_count(f))
		return UINT32_MAX;
	e = flow_key_ends(f, ref % 4);
	at = place_of(t, &e, f->proto, f->family);
	if (t->bucket[n].tag[w] != at.tag)
		return UINT32_MAX;
	return (n + t->head->buckets - at.home) % t->head->buckets;
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
				if (!flow_bucket_at(t, n, t->head->buckets - i)->overflow)
					return "I5: a key cannot be found behind a bucket that counts none passing";
		}
	}
	if (passed != overflow)
		return "I5: overflow counts do not add up";
	for (uint32_t i = 0; i < flow_slots(t); i++) {
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
