/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tuple - see tuple.h */
#include "nat/tuple.h"

/* SipHash-1-3 of addresses, source port, destination port, protocol: 13 or 37 octets, so the length tells the family. */
uint64_t nat_tuple_hash(const struct siphash_key *key, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	uint64_t w[4], tail = (uint64_t)proto << 32 | (uint64_t)e->dport << 16 | e->sport;

	if (family == NAT_IPV4) {
		uint32_t src, dst;

		/* The mapped prefix is the same in all of them: leave it out. */
		memcpy(&src, e->src.octet + 12, 4);
		memcpy(&dst, e->dst.octet + 12, 4);
		w[0] = (uint64_t)dst << 32 | src;
		return siphash_tail(key, w, 1, tail | (uint64_t)13 << 56);
	}
	memcpy(w, e->src.octet, 16);
	memcpy(w + 2, e->dst.octet, 16);
	return siphash_tail(key, w, 4, tail | (uint64_t)37 << 56);
}
