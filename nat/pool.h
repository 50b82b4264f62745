/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool - outside endpoints: which inside endpoint has which port of which outside address.
 *
 * A mapping is (protocol, inside address and port) <-> outside address and
 * port, whatever the destination (R18, RFC 4787 REQ-1). An outside endpoint
 * belongs to one inside endpoint only, so no two flows can be mistaken for
 * each other (R21). A mapping lives as long as a flow uses it; a UDP mapping
 * then keeps its port for two minutes more, for the same inside endpoint or
 * nobody (R37).
 *
 * Beside the mappings: hosts, how many mappings an inside address has behind
 * an outside address (limits, R79; and which outside address is its own, RFC
 * 4787 REQ-2); and peers, whom a mapping has sent to (address-dependent
 * filtering, R29).
 *
 * Memory      one area from the caller, pool_size() octets, indices only; pages are touched when they are used
 * Threads     none: the caller holds one lock per batch; `blocked` may be written at any time, a word at once
 * Invariants, asserted by pool_check():
 *   P1  a used slot of each kind is in the chain of its key, or keys, exactly once; no two have the same key
 *   P2  used, free and fresh slots of each kind add up; a free slot is in the free list once
 *   P3  a mapping without flows is in the quarantine queue, which is ordered by `released`; no other is
 *   P4  a host's count is the number of its mappings, at least one; a peer has a mapping and at least one flow
 */
#ifndef NAT_POOL_H
#define NAT_POOL_H

#include <stddef.h>

#include "nat/out.h"
#include "nat/time.h"

struct nat_mapping {
	struct nat_addr inside, outside;
	uint16_t iport, oport;		/* network order; ICMP: the identifier */
	uint8_t proto, family;
	uint8_t used;			/* 0: slot is free */
	uint8_t zero;
	uint32_t refs;			/* flows that use it; 0: in quarantine (P3) */
	nat_tick released;		/* when the last flow let it go */
	uint32_t by_inside, by_outside;	/* next in the chain, index + 1; 0: the last */
	uint32_t prev, next;		/* in the quarantine queue; next: in the free list */
};

_Static_assert(sizeof(struct nat_mapping) == 64, "one cache line");

struct nat_host {
	struct nat_addr inside, outside;
	uint32_t mappings;		/* 0: slot is free (P4) */
	uint32_t chain;			/* index + 1 */
	uint32_t next;			/* in the free list */
	uint32_t family;
};

struct nat_peer {
	struct nat_addr remote;
	uint32_t mapping;
	uint32_t refs;			/* flows of this mapping to it; 0: slot is free (P4) */
	uint32_t chain;			/* index + 1 */
	uint32_t next;			/* in the free list */
};

/* Slots of one kind: never used ones from `fresh` on, given back ones in a list. */
struct pool_slots {
	uint32_t capacity, used, fresh, free;
	uint32_t buckets;		/* a power of two */
};

enum { POOL_TCP, POOL_UDP, POOL_ICMP, POOL_OTHER, POOL_PROTOS };	/* OTHER: SCTP, DCCP and UDP-Lite, which share one */

struct pool_head {
	struct pool_slots mappings, hosts, peers;
	uint32_t first, last;		/* quarantine (P3) */
	uint32_t blocked[POOL_PROTOS][65536 / 32];	/* ports that are never given out (R22), host order */
};

/* Where a process sees it. */
struct pool {
	struct pool_head *head;		/* NULL: this block has none */
	struct nat_mapping *mapping;
	struct nat_host *host;
	struct nat_peer *peer;
	uint32_t *by_inside, *by_outside, *by_host, *by_peer;	/* chains' heads, index + 1 */
	const struct siphash_key *key;
};

/* One end of a mapping, as asked for. */
struct pool_end {
	struct nat_addr addr;
	uint16_t port;			/* network order */
	uint8_t proto, family;
};

enum pool_err {
	POOL_OK,
	POOL_NO_ADDR,			/* the rule has no outside address now */
	POOL_NO_PORT,			/* every port it may have is taken */
	POOL_LIMIT,			/* the guest has as many mappings as it may (R79) */
	POOL_FULL,			/* no slot */
};

/* pool_size - octets an area takes; at @max_mappings 0 nothing, and there is no pool */
size_t pool_size(uint32_t max_mappings, uint32_t max_peers);

/* pool_at - see the pool at @mem */
struct pool pool_at(void *mem, uint32_t max_mappings, uint32_t max_peers, const struct siphash_key *key);

/* pool_init - an empty pool at @p's memory, which is all zero octets */
void pool_init(struct pool *p, uint32_t max_mappings, uint32_t max_peers);

/* pool_fits - are the sizes inside the pool at @mem those of its block? Chains may then be cleared and filled. */
bool pool_fits(const void *mem, uint32_t max_mappings, uint32_t max_peers);

/* pool_clear - the same for memory that has been used; O(fresh slots + buckets). Blocked ports stay. */
void pool_clear(struct pool *p);

/* pool_has - is @proto one that has mappings? All that have ports, ICMP and ICMPv6 */
bool pool_has(uint8_t proto);

/**
 * pool_get - the mapping of an inside endpoint, made if there is none; it gains a flow
 * @o, @rule: the masquerade it falls under
 * @inside:   address, port, protocol, family
 * @roll:     a random number nobody can predict (R20); used up only if a new port is chosen
 * @now:      for quarantine
 * @index:    out
 *
 * The port is the inside's own if it may be had (R19), else another of its
 * class: below 1024 or not (RFC 4787 REQ-3), for UDP of the same parity as
 * long as there is one (REQ-4).
 * Returns POOL_OK, or why not; then nothing was changed. Cost: about 100 ns; at most 512 ports are tried.
 */
enum pool_err pool_get(struct pool *p, const struct out *o, const struct out_rule *rule, const struct pool_end *inside,
		       uint64_t roll, nat_tick now, uint32_t *index);

/* pool_hold - a mapping that is known to be alive gains a flow */
void pool_hold(struct pool *p, uint32_t index);

/* pool_put - a flow lets its mapping go; the last one frees it, or puts it into quarantine (R37) */
void pool_put(struct pool *p, uint32_t index, nat_tick now);

/* pool_find - the mapping that has the outside endpoint, quarantine included; NAT_NONE if none */
uint32_t pool_find(const struct pool *p, const struct pool_end *outside);

/**
 * pool_restore - enter a mapping that a flow says it had, or let the flow share it
 * For a pool whose writer died: it is cleared and made again from the flows.
 * Returns false if it cannot be: it clashes, or there is no room.
 */
bool pool_restore(struct pool *p, const struct pool_end *inside, const struct pool_end *outside);

/* pool_peer_add - a flow of @mapping goes to @remote; false: no room */
bool pool_peer_add(struct pool *p, uint32_t mapping, const struct nat_addr *remote);

/* pool_peer_del - that flow is over */
void pool_peer_del(struct pool *p, uint32_t mapping, const struct nat_addr *remote);

/* pool_peer_has - has @mapping a flow to @remote? */
bool pool_peer_has(const struct pool *p, uint32_t mapping, const struct nat_addr *remote);

/* pool_expire - free ports whose quarantine is over, at most @budget; returns how many */
unsigned pool_expire(struct pool *p, nat_tick now, unsigned budget);

/* pool_block - may @port (host order) of @proto (POOL_*) be given out? Seen by other threads at once. */
void pool_block(struct pool *p, unsigned proto, uint16_t port, bool blocked);

/* pool_block_all - the same for all ports at once; @blocked: as pool_head.blocked, one protocol after the other */
void pool_block_all(struct pool *p, const uint32_t *blocked);

/* pool_check - P1-P4; NULL or which is broken. O(pool). */
const char *pool_check(const struct pool *p);

#endif
