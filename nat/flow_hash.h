/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_hash - the hash of the flow table: keys in buckets of one cache line.
 *
 * Open addressing by bucket: a key lives in its home bucket or, if that is
 * full, in the next one with a free way, at most FLOW_PROBES further: so far
 * that even a full table finds room for the unluckiest of its keys. Each
 * full bucket counts the keys that passed it by, so a search stops at the
 * first bucket with a count of zero and deletion leaves no tombstones.
 */
#ifndef NAT_FLOW_HASH_H
#define NAT_FLOW_HASH_H

#include "nat/flow.h"

enum { FLOW_PROBES = 64 };

/* flow_home - the bucket where a key with this hash belongs */
static inline uint32_t flow_home(const struct flow_head *h, uint64_t hash)
{
	return (uint32_t)((uint64_t)(uint32_t)hash * h->buckets >> 32);
}

/* flow_bucket_at - the bucket @i behind @home */
static inline struct flow_bucket *flow_bucket_at(const struct flow_table *t, uint32_t home, uint32_t i)
{
	return &t->bucket[i ? (home + i) % t->head->buckets : home];
}

/* flow_key_ends - the key @k of a flow */
struct nat_ends flow_key_ends(const struct nat_flow *f, enum flow_key k);

/* flow_hash_add - enter one key; false: no way free near its home, nothing changed */
bool flow_hash_add(struct flow_table *t, uint32_t index, enum flow_key k);

/* flow_hash_del - remove one key; false: it was not there */
bool flow_hash_del(struct flow_table *t, uint32_t index, enum flow_key k);

/* flow_hash_check - I1, I4, I5; NULL or what is wrong */
const char *flow_hash_check(const struct flow_table *t);

#endif
