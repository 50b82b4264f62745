/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool_slots - the slots, chains and queue of the pool: what pool.c decides is done here.
 *
 * Each kind of slot (mapping, host, peer) has an array, a free list and a
 * keyed hash of chains. A chain's length is that of a random one, the hash is
 * keyed (R80). Internal to nat/.
 */
#ifndef NAT_POOL_SLOTS_H
#define NAT_POOL_SLOTS_H

#include "nat/pool.h"

/* pool_find_inside - the mapping of an inside endpoint behind @outside, NAT_NONE if none */
uint32_t pool_find_inside(const struct pool *p, const struct pool_end *inside, const struct nat_addr *outside);

/* pool_mapping_add - a mapping with one flow; neither end may have one. NAT_NONE: no room for it or its host */
uint32_t pool_mapping_add(struct pool *p, const struct pool_end *inside, const struct pool_end *outside);

/* pool_mapping_del - free a mapping in quarantine, and its host with its last */
void pool_mapping_del(struct pool *p, uint32_t index);

/* pool_quarantine_add, pool_quarantine_del - at the queue's end, out of it */
void pool_quarantine_add(struct pool *p, uint32_t index);
void pool_quarantine_del(struct pool *p, uint32_t index);

/* pool_host_find - NAT_NONE if @inside has no mapping behind @outside */
uint32_t pool_host_find(const struct pool *p, const struct nat_addr *inside, const struct nat_addr *outside,
			uint32_t family);

#endif
