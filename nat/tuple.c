/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tuple - see tuple.h */
#include "nat/tuple.h"

uint64_t nat_tuple_hash(const struct siphash_key *key, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	uint64_t w[5];

	w[0] = (uint64_t)e->sport << 48 | (uint64_t)e->dport << 32 | (uint64_t)proto << 8 | family;
	if (family == NAT_IPV4) {
		/* The mapped prefix is the same in all of them: leave it out. */
		memcpy(w + 1, e->src.octet + 12, 4);
		memcpy((uint8_t *)(w + 1) + 4, e->dst.octet + 12, 4);
		return siphash_words(key, w, 2);
	}
	memcpy(w + 1, e->src.octet, 16);
	memcpy(w + 3, e->dst.octet, 16);
	return siphash_words(key, w, 5);
}
