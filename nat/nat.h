/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat - the engine: what happens to a packet, and why.
 *
 *     pkt_parse -> find the flow -> (new: match a forward, open) -> track -> rewrite
 *
 * Pure: no I/O, no clock, no allocation, no library. Everything it knows is
 * in the state block (block.h); everything that happens outside comes in as
 * an argument: octets, hook, interfaces, time.
 *
 * Which part of a packet is rewritten where (DNAT before routing, SNAT after;
 * a source that is this host's own may not be written before routing, the
 * kernel would drop it as a martian):
 *
 *     hook   of the initiator        of the guest
 *     PRE    dst := g, sport := s    hairpin: dst.addr := c       (else LATER or no flow)
 *     OUT    src := s, dst := g      -
 *     FWD    hairpin: src := s       - (MAP_ENCLOSED: seen there, to pass the host's rules)
 *     POST   -                       src := h, dport := c
 *     IN     -                       src := h, dst := c           (flows of this host)
 *
 * Threads  none: the caller holds one lock around nat_enter() .. nat_leave();
 *          nat_finish() needs no lock
 */
#ifndef NAT_NAT_H
#define NAT_NAT_H

#include "nat/block.h"
#include "nat/pkt.h"
#include "nat/time.h"

enum nat_event_type {
	NAT_EV_NEW,
	NAT_EV_STATE,			/* TCP: from -> to */
	NAT_EV_END,
};

enum nat_cause {
	NAT_END_IDLE,			/* silent for its limit */
	NAT_END_ROOM,			/* evicted from a full table */
	NAT_END_REOPENED,		/* a new SYN on a closed flow (R42) */
	NAT_END_FLUSHED,		/* by hand: nat_end(); TCP should be reset on both sides */
	NAT_END_FORWARD,		/* its forward, or its outside address, is gone: TCP should be reset on both sides */
};

struct nat_event {
	uint8_t type;			/* enum nat_event_type */
	uint8_t from, to;		/* enum tcp_state, for NAT_EV_STATE */
	uint8_t cause;			/* enum nat_cause, for NAT_EV_END */
	uint32_t index;
	uint32_t forward;		/* the caller's number, NAT_NONE if the flow's forward is gone */
	struct nat_flow flow;		/* as it was at the event */
};

/* A process's view of the engine: pointers into its mapping of the block. */
struct nat {
	struct nat_block *block;
	struct flow_table flows;
	struct map map[2];
	struct policies policies;
	struct frag *frag;		/* block->frag_sets of FRAG_WAYS */
	struct idents *idents;
	struct inverse *inverse;
	struct out out[2];
	struct pool pool;
	struct marks marks;
	void (*event)(void *ctx, const struct nat_event *ev);	/* NULL: nobody listens; called under the lock */
	void *ctx;
};

/**
 * nat_attach - see the engine in a block that block_init() made
 * @n:   out; event and ctx are NULL
 * @mem: @octets of memory, 64-aligned, mapped read-write
 *
 * Returns BLOCK_OK, or why not (block.h) and leaves all as it was.
 */
enum block_err nat_attach(struct nat *n, void *mem, uint64_t octets);

/**
 * nat_recover - make a block good whose writer may have died anywhere
 * @now: as for nat_packet()
 *
 * Checks all invariants; where they do not hold, rebuilds the tables from the
 * flows themselves. Returns how many flows were lost. Cost: O(table).
 */
uint32_t nat_recover(struct nat *n, nat_ns now);

/* nat_check - every invariant of flows and mappings; NULL or the first that is broken. O(table). */
const char *nat_check(const struct nat *n);

/* nat_enter, nat_leave - a writer begins and ends; what nat_recover() looks at */
static inline void nat_enter(struct nat *n)
{
	__atomic_store_n(&n->block->busy, 1, __ATOMIC_RELEASE);
}

static inline void nat_leave(struct nat *n)
{
	__atomic_store_n(&n->block->busy, 0, __ATOMIC_RELEASE);
}

/**
 * nat_packet - decide what happens to one packet, and rewrite it
 * @p:   its first part filled by the caller; the rest is filled here
 * @now: not earlier than in any call before
 *
 * p->reason says what happened; nat_reason_verdict() of it is for the kernel,
 * with p->data if p->changed, after nat_finish(). Never fails: whatever the
 * octets are, there is a reason. Cost: about 35 ns for a flow that this thread had lately, 45 for one in cache.
 */
void nat_packet(struct nat *n, struct nat_pkt *p, nat_ns now);

/**
 * nat_look, nat_warm - begin on a packet before its turn
 *
 * Optional, for a caller with many packets: nat_look() of all, then nat_warm()
 * of all, then nat_packet() of each finds what it reads in the cache. The
 * first parses and hashes and needs no lock, the second does. Between them
 * and nat_packet() neither the octets nor the caller's part of @p may change.
 * Cost: what nat_packet() then need not do again.
 */
void nat_look(const struct nat *n, struct nat_pkt *p);
void nat_warm(const struct nat *n, struct nat_pkt *p);

/* nat_hash - after nat_look(): the same for all packets of a direction of a flow, seen at one hook; 0: of errors and fragments */
uint64_t nat_hash(const struct nat *n, const struct nat_pkt *p);

/* nat_finish - write the checksum that nat_packet() left open; O(packet), needs no lock */
void nat_finish(struct nat_pkt *p);

/**
 * nat_expire - end flows whose time is over
 * @budget: at most so many; each costs about 100 ns
 * Returns how many were ended; fewer than @budget: none is left for now.
 */
unsigned nat_expire(struct nat *n, nat_ns now, unsigned budget);

/**
 * nat_end - end one flow by hand
 * @index: its slot
 * @as:    what it was when it was chosen: only a flow with the same tuples is ended
 * Returns whether it was.
 */
bool nat_end(struct nat *n, uint32_t index, const struct nat_flow *as);

/**
 * nat_spare_map - the mapping area to build the next table in
 * The outbound area nat_spare_out() is swapped together with it: fill both.
 * Returns NULL while flows of an earlier swap are still unswept: call nat_sweep() first.
 */
struct map *nat_spare_map(struct nat *n);
struct out *nat_spare_out(struct nat *n);

/**
 * nat_swap_map - the spare table becomes the active one, at once
 * The caller has checked it with map_check(). Flows keep going if the new
 * table still leads them where they go; the others end at their next packet
 * or when the sweep comes to them.
 */
void nat_swap_map(struct nat *n);

/**
 * nat_sweep - go on ending flows that the active table does not lead any more
 * @budget: slots to look at
 * Returns true when all slots that were ever used have been seen.
 */
bool nat_sweep(struct nat *n, nat_ns now, unsigned budget);

/* nat_forward - the caller's number of a flow's forward or masquerade; NAT_NONE if its table is gone */
uint32_t nat_forward(const struct nat *n, const struct nat_flow *f);

/* nat_row - a forward's flow's row in the active table; NULL if its table is gone, or it is a masquerade's */
const struct map_row *nat_row(const struct nat *n, const struct nat_flow *f);

/* nat_hook_name - "pre", "in", "fwd", "out", "post" */
const char *nat_hook_name(enum nat_hook h);

#endif
