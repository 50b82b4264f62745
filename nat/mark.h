/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mark - rewrites that the kernel does for us, each known by a mark on the packet.
 *
 * A large TCP segment need not come here whole: its headers tell what shall
 * become of it, and the verdict is a mark. Behind our hook the kernel has one
 * small rule per mark, which writes one address and one port. So a rewrite is
 * half of a translation: one end as it is, and as it shall be. All flows of a
 * forward share two of them, whoever their clients are.
 *
 *     state       next          who                    what it means
 *     FREE        WANTED        worker (its lock)      a packet could have used it
 *     WANTED      INSTALLED     main                   the kernel has the rule
 *     INSTALLED   RETIRING      worker                 nobody used it for a while: not used any more
 *     RETIRING    GONE          main, a while later    no packet is under way with it, the rule is removed
 *     GONE        FREE          worker                 the slot can be used again
 *
 * Each state has one process that may end it, so no lock is shared; what a
 * slot says is complete before it is WANTED and stays until it is FREE.
 *
 * Memory   head, slots and chains inside the state block
 * Threads  the caller holds the engine's lock, but for mark_told() and reading slots in states of main's
 * Invariants, asserted by mark_check():
 *   M1  a slot that is not FREE is in the chain of its key exactly once; no two have the same key
 *   M2  a FREE slot is in the free list exactly once
 */
#ifndef NAT_MARK_H
#define NAT_MARK_H

#include <stddef.h>

#include "nat/pkt.h"
#include "nat/time.h"

enum {
	MARK_SLOTS = 4096,		/* a power of two; the low bits of a mark */
	MARK_BASE = 0x4e460000,		/* "NF"; slot 0 is never used, so that every mark says more than this */
	MARK_MASK = ~(MARK_SLOTS - 1),
};

/* What is the least that a masqueraded flow has sent in this direction: a rewrite is its own alone. */
#define MARK_OUT_OCTETS ((uint64_t)1 << 20)

enum mark_state {
	MARK_FREE,
	MARK_WANTED,
	MARK_INSTALLED,
	MARK_RETIRING,
	MARK_GONE,
	MARK_STATES
};

/* Which end it writes, and so at which hook: destinations before routing, sources after it. */
enum mark_side {
	MARK_DST,			/* PREROUTING */
	MARK_SRC,			/* POSTROUTING */
	MARK_SIDES
};

struct mark {
	struct nat_addr old, new;
	uint16_t old_port, new_port;	/* network order */
	uint8_t family, side;		/* enum nat_family, enum mark_side */
	uint8_t state;			/* enum mark_state; read and written at once, see mark_told() */
	uint8_t zero;
	nat_tick used;			/* last packet; RETIRING: since when */
	uint32_t next;			/* in the chain or the free list; 0: the last */
};

_Static_assert(sizeof(struct mark) == 48, "no padding");

struct mark_head {
	uint32_t open;			/* the kernel has our rules now; main's: nothing is marked or wanted while it is 0 */
	uint32_t free;			/* first FREE slot, 0 if none (M2) */
	uint32_t slots;			/* in states other than FREE */
	uint32_t spare;
	uint64_t packets;		/* given a mark so far */
	uint64_t wanted;		/* slots taken so far: main is to be told when it changes */
	uint64_t full;			/* packets that could have used a rewrite, but no slot was left */
	uint32_t chain[MARK_SLOTS];	/* slots, by hash of their key; 0: none (M1) */
};

/* Where a process sees it. */
struct marks {
	struct mark_head *head;
	struct mark *slot;		/* MARK_SLOTS; the first is not used */
	const struct siphash_key *key;
};

/* mark_size - octets of the area; mark_at - see it at @mem, 64-aligned; mark_init - make it empty */
size_t mark_size(void);
struct marks mark_at(void *mem, const struct siphash_key *key);
void mark_init(struct marks *m);

/* mark_is_plain - could the kernel rewrite @p, of which only headers are here, without harm? All else must come whole. */
bool mark_is_plain(const struct nat_pkt *p);

/**
 * mark_take - the mark by which the kernel makes @to of a packet
 * @p:    mark_is_plain(), at PREROUTING or POSTROUTING
 * @want: if there is no such rewrite yet, it is wanted from now on
 * Returns the mark, or 0: there is none now, or no rewrite of one end will do. O(1).
 */
uint32_t mark_take(struct marks *m, const struct nat_pkt *p, const struct nat_ends *to, bool want, nat_tick now);

/**
 * mark_age - retire what nobody uses, free what is gone
 * To be called about once a second. O(MARK_SLOTS).
 */
void mark_age(struct marks *m, nat_tick now);

/* mark_state - of a slot, as it is now; mark_told - main has done what the slot waited for */
static inline enum mark_state mark_state(const struct mark *s)
{
	return (enum mark_state)__atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
}

static inline void mark_told(struct mark *s, enum mark_state state)
{
	__atomic_store_n(&s->state, (uint8_t)state, __ATOMIC_RELEASE);
}

/* mark_open - has the kernel our rules? mark_set_open - main knows */
static inline bool mark_open(const struct marks *m)
{
	return __atomic_load_n(&m->head->open, __ATOMIC_ACQUIRE);
}

static inline void mark_set_open(struct marks *m, bool open)
{
	__atomic_store_n(&m->head->open, open, __ATOMIC_RELEASE);
}

/* mark_is_ours - is this one of the marks that we give? */
static inline bool mark_is_ours(uint32_t mark)
{
	return (mark & (uint32_t)MARK_MASK) == MARK_BASE;
}

/* mark_count - slots in a state. O(MARK_SLOTS). */
uint32_t mark_count(const struct marks *m, enum mark_state state);

/* mark_check - M1 and M2; NULL or which is broken. mark_rebuild - chains and free list anew; what makes no sense retires */
const char *mark_check(const struct marks *m);
void mark_rebuild(struct marks *m, nat_tick now);

#endif
