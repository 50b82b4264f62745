/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block - all state of the engine in one relocatable piece of memory.
 *
 * Flows, idle queues, hash, both mapping tables, both outbound tables with
 * their pool of outside ports, and the counters, addressed by offset and index, never by pointer. The main process makes the block in
 * a memfd; workers map it wherever they like. A worker that dies leaves the
 * block; the next one attaches to it and goes on.
 *
 *     | nat_block | flows[] | buckets[] | mapping areas 0, 1 | outbound areas 0, 1 | pool | datagrams in pieces | identifications |
 *     | connections of guests' own | policies | marks |
 *
 * Threads     one writer at a time (the caller's lock); `busy` tells whether
 *             a writer died inside
 */
#ifndef NAT_BLOCK_H
#define NAT_BLOCK_H

#include "nat/flow.h"
#include "nat/frag.h"
#include "nat/ident.h"
#include "nat/inverse.h"
#include "nat/map.h"
#include "nat/mark.h"
#include "nat/out.h"
#include "nat/policy.h"
#include "nat/pool.h"
#include "nat/reason.h"

#define NAT_BLOCK_MAGIC		0x6e66716e61740a01u	/* "nfqnat\n" and a version that never changes */
#define NAT_BLOCK_VERSION	16u	/* of everything below; another version is not attached to */

/* Decided at start, fixed for the life of the block. */
struct nat_params {
	uint32_t max_flows;			/* 1024 .. 2^24 */
	uint32_t max_rows, max_allow;		/* room in each mapping area */
	uint32_t max_policies;			/* 1 .. 65535; 0: one, for all */
	uint32_t half_open;			/* flows that nobody answered, at most (R78); 0: no limit */
	uint32_t frag_sets;			/* room for datagrams in pieces, * FRAG_WAYS; a power of two; 0: the default */
	uint32_t max_outs;			/* rules in each outbound area */
	uint32_t max_mappings, max_peers;	/* of masqueraded guests, at most 2^24; no mappings: none can be masqueraded */
	uint32_t limit_s[IDLE_CLASSES];		/* idle limits in seconds; 0: the default */
	uint16_t source_lo, source_hi;		/* ports for sources of our own, host order, inclusive */
	nat_tick lost_until;			/* forwards are picked up by guests' segments until then (inverse.h); 0: never */
	struct siphash_key key;			/* random */
};

struct nat_block {
	uint64_t magic;
	uint32_t version, flow_octets;		/* sizeof(struct nat_flow), a second guard for version */
	uint64_t octets;			/* of the whole block */
	uint32_t max_flows, max_rows, max_allow, buckets, frag_sets;
	uint32_t max_outs, max_mappings, max_peers;
	uint32_t max_policies, sources;		/* sources: counters of each kind, a power of two */
	uint32_t half_open;			/* may be changed at any time */
	uint32_t looked_at;			/* the slot where policy_expire() goes on */
	uint16_t source_lo, source_hi;
	uint32_t busy;				/* a writer is inside: set and cleared by nat_enter(), nat_leave() */
	uint32_t active;			/* which mapping area is in use: 0 or 1 */
	uint32_t epoch;				/* of the active table; flows note its low 8 bits */
	uint32_t swept;				/* flows below this slot belong to the epoch; max_flows: all */
	nat_tick now;				/* the latest that a packet or timer brought */
	nat_tick lost_until;			/* as in the parameters */
	uint64_t rolls;				/* port choices made so far */
	uint64_t datagrams;			/* numbers given to datagrams in pieces so far */
	uint64_t reasons[NAT_REASONS];		/* packets per reason */
	uint64_t opened, ended;			/* flows */
	struct flow_head flows;
};

enum block_err {
	BLOCK_OK,
	BLOCK_FOREIGN,		/* not a state block, or cut off: make a new one */
	BLOCK_VERSION,		/* made by another version: make a new one, flows are lost */
	BLOCK_LAYOUT,		/* sizes inside do not fit together: damaged, make a new one */
};

/* block_octets - size of a block for @p, to be given to ftruncate(2); a multiple of 8 */
uint64_t block_octets(const struct nat_params *p);

/* block_init - an empty block at @mem, block_octets() zeroed octets, 64-aligned */
void block_init(void *mem, const struct nat_params *p);

/**
 * block_verify - may this be attached to?
 * @mem:    at least sizeof(struct nat_block) readable octets
 * @octets: how many there are
 * Checks everything that addressing relies on, but not the tables.
 */
enum block_err block_verify(const void *mem, uint64_t octets);

/* block_flows, block_map, block_out, block_pool, block_frag, ... - see the parts of a verified block */
struct flow_table block_flows(struct nat_block *b);
struct map block_map(struct nat_block *b, unsigned area);
struct out block_out(struct nat_block *b, unsigned area);
struct pool block_pool(struct nat_block *b);
struct frag *block_frag(struct nat_block *b);
struct idents *block_idents(struct nat_block *b);
struct inverse *block_inverse(struct nat_block *b);
struct policies block_policies(struct nat_block *b);
struct marks block_marks(struct nat_block *b);

#endif
