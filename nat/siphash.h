/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * siphash - a keyed hash whose collisions nobody without the key can choose.
 *
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. The flow
 * table uses SipHash-1-3, as Linux does for its hash tables
 * (lib/siphash.c, hsiphash); SipHash-2-4 is here for the paper's test vectors.
 */
#ifndef NAT_SIPHASH_H
#define NAT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k[2];		/* from getrandom(2), once per block */
};

/* The state and its round; names follow the paper: v0..v3, sipround, finalization. */
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

/**
 * siphash_tail - SipHash-1-3 of @n words and up to seven octets more
 * In the header, so that a caller whose @n is a constant pays for no loop.
 * @tail: those octets, and in the highest one the length of all modulo 256:
 *        the last word as the paper pads it
 */
static inline uint64_t siphash_tail(const struct siphash_key *key, const uint64_t *w, size_t n, uint64_t tail)
{
	struct sip s = sip_start(key);

	for (size_t i = 0; i < n; i++)
		sip_word(&s, w[i], 1);
	sip_word(&s, tail, 1);
	return sip_end(&s, 3);
}

/**
 * siphash_words - hash whole 64-bit words
 * @key: secret
 * @w:   @n words
 *
 * One compression round per word, three at the end. Cost: about 2 ns + 1 ns a word.
 */
uint64_t siphash_words(const struct siphash_key *key, const uint64_t *w, size_t n);

/* siphash_24 - SipHash-2-4 over @len octets, as in the paper */
uint64_t siphash_24(const struct siphash_key *key, const uint8_t *data, size_t len);

#endif
