/* SPDX-License-Identifier: GPL-2.0-or-later */
/* siphash - see siphash.h; names follow the paper: v0..v3, sipround, finalization */
#include "nat/siphash.h"

#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

static inline void sipround(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline struct sip sip_start(const struct siphash_key *key)
{
	return (struct sip){
		.v0 = key->k[0] ^ 0x736f6d6570736575u,
		.v1 = key->k[1] ^ 0x646f72616e646f6du,
		.v2 = key->k[0] ^ 0x6c7967656e657261u,
		.v3 = key->k[1] ^ 0x7465646279746573u,
	};
}

static inline void sip_word(struct sip *s, uint64_t m, unsigned rounds)
{
	s->v3 ^= m;
	for (unsigned i = 0; i < rounds; i++)
		sipround(s);
	s->v0 ^= m;
}

static inline uint64_t sip_end(struct sip *s, unsigned rounds)
{
	s->v2 ^= 0xff;
	for (unsigned i = 0; i < rounds; i++)
		sipround(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t siphash_words(const struct siphash_key *key, const uint64_t *w, size_t n)
{
	struct sip s = sip_start(key);

	for (size_t i = 0; i < n; i++)
		sip_word(&s, w[i], 1);
	sip_word(&s, (uint64_t)(n * 8) << 56, 1);
	return sip_end(&s, 3);
}

static uint64_t load_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t siphash_24(const struct siphash_key *key, const uint8_t *data, size_t len)
{
	struct sip s = sip_start(key);
	size_t i;

	for (i = 0; i + 8 <= len; i += 8)
		sip_word(&s, load_le(data + i, 8), 2);
	sip_word(&s, (uint64_t)len << 56 | load_le(data + i, len - i), 2);
	return sip_end(&s, 4);
}
