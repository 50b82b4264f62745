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
