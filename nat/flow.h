/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow - the flow table: find the flow a packet belongs to.
 *
 * A flow is one slot of a fixed array. It is found by its two tuples: what
 * its initiator sends (ORIG, to this host) and what the answers carry
 * (REPLY, from the guest). A hairpin flow is also found by MID, the answer
 * between PREROUTING, where its destination is rewritten, and POSTROUTING,
 * where its source is.
 *
 *     initiator c            this host h | s            guest g
 *        ORIG  c -> h   --PRE/OUT-->  (MID inverse: c.addr:s.port -> g)  --FWD-->  s -> g
 *        h -> c   <--POST/IN--  (MID: g -> c.addr:s.port)  <--PRE--  REPLY  g -> s
 *
 * For a client from outside s is c, and MID is REPLY. What a masqueraded
 * guest opens (FLOW_OUT) is c = guest, h = g = remote, s = outside address: masq.h.
 *
 * Memory      arrays inside the state block; nothing is allocated later, but a slot's memory is not touched before it is used
 * Threads     none: the caller holds one lock per batch
 * Invariants, asserted by flow_check():
 *   I1  a used slot is in the hash exactly once per key it has: two, or three if it is a hairpin
 *   I2  a used slot is in exactly one idle queue, that of its class; each queue is ordered by `queued`
 *   I3  used + free == fresh; a free slot below fresh is in the free list exactly once
 *   I4  no two flows have the same ORIG, REPLY or MID key
 *   I5  the overflow count of a bucket is the number of keys that had to pass it by
 */
#ifndef NAT_FLOW_H
#define NAT_FLOW_H

#include "nat/hot.h"
#include "nat/idle.h"
#include "nat/tuple.h"

enum flow_flag {
	FLOW_HAIRPIN = 1 << 0,	/* s.addr is not c.addr: it has a MID key */
	FLOW_LOCAL = 1 << 1,	/* this host is the initiator: answers are rewritten in INPUT */
	FLOW_ANSWERED = 1 << 2,	/* a packet came from the guest */
	FLOW_ACK_ORIG = 1 << 3,	/* ack[NAT_ORIG] has been seen */
	FLOW_ACK_REPLY = 1 << 4,
	FLOW_MASQ = 1 << 5,	/* a masquerade's: row is a rule of the outbound table, the pool knows its ports */
	FLOW_OUT = 1 << 6,	/* with FLOW_MASQ: the initiator is inside; see masq.h for where it is rewritten */
};

struct nat_flow {
	struct nat_ends orig;		/* c -> h, as the initiator sends (I1) */
	struct nat_ends reply;		/* g -> s, as the guest answers (I1) */
	uint8_t proto, family;		/* of both */
	uint8_t tcp : 4;		/* enum tcp_state; TCP_NONE if not TCP */
	uint8_t idle : 4;		/* enum idle_class; IDLE_FREE: slot is free (I3) */
	uint8_t flags;			/* enum flow_flag */
	nat_tick used;			/* last packet that counts as use (R33); IDLE_FROZEN: see flow_freeze() */
	nat_tick queued;		/* when it was put into its idle queue (I2) */
	uint32_t prev, next;		/* in the idle queue, or the free list; NAT_NONE at the ends */
	uint32_t row : 24;		/* in the mapping table of this epoch */
	uint32_t epoch : 8;		/* of the mapping table that row belongs to */
	uint64_t octets[NAT_DIRS];	/* IP header included */
	uint32_t packets[NAT_DIRS];	/* modulo 2^32; an aggregate counts once */
	uint32_t ack[NAT_DIRS];		/* highest acknowledgement sent by this side, for R44 */
};

_Static_assert(sizeof(struct nat_flow) == 128, "two cache lines, timers and counters included");

enum flow_key {
	FLOW_ORIG,
	FLOW_REPLY,
	FLOW_MID,
	FLOW_KEYS
};

/* One cache line of the hash. A reference is a flow's index * 4 + enum flow_key. */
#define FLOW_WAYS 10
struct flow_bucket {
	uint16_t tag[FLOW_WAYS];	/* of the hash; 0: way is free */
	uint16_t overflow;		/* keys at home here or before, that are kept further on (I5) */
	uint16_t spare;
	uint32_t ref[FLOW_WAYS];
};

_Static_assert(sizeof(struct flow_bucket) == 64, "one cache line");

/* The part of the state block that is about flows; offsets and counts only, no pointers. */
struct flow_head {
	uint32_t capacity;		/* slots */
	uint32_t used;			/* slots in use (I3) */
	uint32_t fresh;			/* slots from here on were never used (I3) */
	uint32_t buckets;
	uint32_t free;			/* first free slot that was used before, NAT_NONE if none (I3) */
	uint32_t first[IDLE_CLASSES], last[IDLE_CLASSES];	/* idle queues (I2) */
	uint32_t count[IDLE_CLASSES];
	nat_tick limit[IDLE_CLASSES];	/* idle limits in ticks */
	struct siphash_key key;
};

/* Where a process sees the table: made by flow_at(), copied freely. */
struct flow_table {
	struct flow_head *head;
	struct nat_flow *flow;
	struct flow_bucket *bucket;
};

/*
 * flow_buckets_for - buckets for @capacity flows: at most 60 % full with two keys each
 * Where keys come and go in a table that is fuller, those far from home drive others away from theirs (docs/decisions/0027).
 */
uint32_t flow_buckets_for(uint32_t capacity);

/*
 * flow_init - an empty table of head->capacity slots; head's capacity, buckets, limit and key are set by the caller
 * All is zeroed octets before, and most stays so: memory that was never written takes none.
 */
void flow_init(struct flow_table *t);

/* flow_is_full - no slot is free */
static inline bool flow_is_full(const struct flow_table *t)
{
	return t->head->free == NAT_NONE && t->head->fresh == t->head->capacity;
}

/* flow_slots - whoever looks at all flows looks at this many slots; the rest was never used */
static inline uint32_t flow_slots(const struct flow_table *t)
{
	return t->head->fresh;
}

/**
 * flow_find - the flow that has this key
 * @key: out; which of its keys it is
 *
 * Returns the slot, or NULL. Finds expired flows too: the caller asks
 * flow_expired(). Cost: one cache miss in the hash and two in the flow.
 */
struct nat_flow *flow_find(const struct flow_table *t, const struct nat_ends *e, uint8_t proto, uint8_t family,
			   enum flow_key *key);

/* flow_find_hashed - the same for a caller that has the nat_tuple_hash() already */
struct nat_flow *flow_find_hashed(const struct flow_table *t, uint64_t hash, const struct nat_ends *e, uint8_t proto,
				  uint8_t family, enum flow_key *key);

/* flow_key_count - how many keys it has: 2, or 3 for a hairpin */
static inline unsigned flow_key_count(const struct nat_flow *f)
{
	return f->flags & FLOW_HAIRPIN ? FLOW_KEYS : FLOW_KEYS - 1;
}

/* flow_key_is - is this the key @k of a flow? */
HOT static bool flow_key_is(const struct nat_flow *f, enum flow_key k, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	if (f->proto != proto || f->family != family)
		return false;
	switch (k) {
	case FLOW_ORIG:
		return nat_ends_eq(&f->orig, e);
	case FLOW_REPLY:
		return nat_ends_eq(&f->reply, e);
	case FLOW_MID:
	case FLOW_KEYS:
		break;
	}
	return f->reply.sport == e->sport && f->reply.dport == e->dport && nat_addr_eq(&f->reply.src, &e->src) &&
	       nat_addr_eq(&f->orig.src, &e->dst);
}

/*
 * flow_prefetch_bucket, flow_prefetch - ask memory for what flow_find() will
 * read: first its bucket, and some time later the flows that the bucket names.
 * The first reads nothing that ever changes. The second returns which flow it
 * will be, a guess for flow_guessed(), NAT_NONE if no tag fits.
 */
void flow_prefetch_bucket(const struct flow_table *t, uint64_t hash);
uint32_t flow_prefetch(const struct flow_table *t, uint64_t hash);

/* flow_prefetch_guess - ask for the flow that a guess names; false: there can be none */
static inline bool flow_prefetch_guess(const struct flow_table *t, uint32_t guess)
{
	const uint8_t *f = (const uint8_t *)&t->flow[guess / 4];

	if (guess / 4 >= t->head->capacity)
		return false;
	__builtin_prefetch(f, 1);
	__builtin_prefetch(f + 64, 1);
	return true;
}

/* flow_guessed - flow_find() if the guess was right and still is; NULL says nothing: ask flow_find() */
HOT static struct nat_flow *flow_guessed(const struct flow_table *t, uint32_t guess, const struct nat_ends *e,
					 uint8_t proto, uint8_t family, enum flow_key *key)
{
	struct nat_flow *f;

	if (guess / 4 >= t->head->capacity)
		return NULL;
	f = &t->flow[guess / 4];
	*key = guess % 4;
	if (f->idle == IDLE_FREE || *key >= flow_key_count(f))
		return NULL;
	return flow_key_is(f, *key, e, proto, family) ? f : NULL;
}

/* flow_has - is any of the flow's keys taken? The same cost. */
bool flow_has(const struct flow_table *t, const struct nat_ends *e, uint8_t proto, uint8_t family);

/**
 * flow_add - start tracking a flow
 * @f: orig, reply, proto, family, tcp, idle, flags, row and epoch filled in; all else is set here
 *
 * Returns the slot's index, or NAT_NONE and changes nothing: no free slot,
 * a key already belongs to a flow, or the hash has no room near its place.
 * The caller makes room with flow_evict() and tries again, or drops the packet.
 * Cost: O(1), one cache miss per key.
 */
uint32_t flow_add(struct flow_table *t, const struct nat_flow *f, nat_tick now);

/* flow_touch_late - the part of flow_touch() that few packets need: to the tail of the queue, or a frozen flow */
void flow_touch_late(struct flow_table *t, struct nat_flow *f, nat_tick now);

/* flow_del - forget a flow; O(1) */
void flow_del(struct flow_table *t, uint32_t index);

/* flow_touch - the flow was used @now; it stays in its class (cost: see idle.h) */
static inline void flow_touch(struct flow_table *t, struct nat_flow *f, nat_tick now)
{
	if (f->idle == IDLE_FROZEN || now - f->queued >= t->head->limit[f->idle] / 8)
		flow_touch_late(t, f, now);
	else
		f->used = now;
}

/* flow_move - the flow waits in class @to from @now on */
void flow_move(struct flow_table *t, struct nat_flow *f, enum idle_class to, nat_tick now);

/**
 * flow_freeze - the flow's timer stands still from @now on
 * It waits in IDLE_FROZEN; `used` holds its class (4 bits) and for how many
 * ticks it was silent (28 bits). flow_touch() and flow_move() of a frozen
 * flow change these two; it stays where it is.
 */
void flow_freeze(struct flow_table *t, struct nat_flow *f, nat_tick now);

/* flow_thaw - its timer goes on, with the time that was left */
void flow_thaw(struct flow_table *t, struct nat_flow *f, nat_tick now);

/* flow_class - the class whose limit holds for the flow: of a frozen one, that which it will return to */
static inline enum idle_class flow_class(const struct nat_flow *f)
{
	return f->idle == IDLE_FROZEN ? (enum idle_class)(f->used >> 28) : (enum idle_class)f->idle;
}

/* flow_silent - ticks since it was used; of a frozen one, until it was frozen */
static inline nat_tick flow_silent(const struct nat_flow *f, nat_tick now)
{
	return f->idle == IDLE_FROZEN ? f->used & 0xfffffff : now - f->used;
}

/* flow_expired - must nobody find it any more? */
static inline bool flow_expired(const struct flow_table *t, const struct nat_flow *f, nat_tick now)
{
	return now - f->used >= t->head->limit[f->idle];
}

/**
 * flow_oldest_expired - one flow whose time is over, for the caller to end
 * Returns its index or NAT_NONE. O(classes).
 */
uint32_t flow_oldest_expired(const struct flow_table *t, nat_tick now);

/**
 * flow_victim - which flow makes room in a full table (R76)
 * Expired first, then the longest waiting that nobody answered, then the
 * longest closed. Returns its index, or NAT_NONE: only answered flows are left.
 */
uint32_t flow_victim(const struct flow_table *t, nat_tick now);

/* flow_evictable - the same without the expired */
uint32_t flow_evictable(const struct flow_table *t, nat_tick now);

/* flow_unanswered - how many flows wait that nobody answered: idle_evict_rank() 1 */
uint32_t flow_unanswered(const struct flow_table *t);

/* flow_requeue - to the tail of its idle queue; its own time goes on */
void flow_requeue(struct flow_table *t, uint32_t index, nat_tick now);

/*
 * flow_is_plain - TCP or UDP, open in both directions, each of which is rewritten in one place
 * The next packet may still say otherwise: a segment with SYN, FIN or RST.
 */
static inline bool flow_is_plain(const struct nat_flow *f)
{
	if ((f->flags & (FLOW_ANSWERED | FLOW_HAIRPIN | FLOW_LOCAL)) != FLOW_ANSWERED)
		return false;
	return f->proto == NAT_PROTO_TCP ? f->idle == IDLE_TCP_ESTABLISHED : f->proto == NAT_PROTO_UDP && f->idle == IDLE_UDP;
}

static inline uint32_t flow_index(const struct flow_table *t, const struct nat_flow *f)
{
	return (uint32_t)(f - t->flow);
}

/* flow_xlat - s -> g, what the guest receives */
static inline struct nat_ends flow_xlat(const struct nat_flow *f)
{
	return nat_ends_inverse(&f->reply);
}

/* flow_back - h -> c, what the initiator receives */
static inline struct nat_ends flow_back(const struct nat_flow *f)
{
	return nat_ends_inverse(&f->orig);
}

/* flow_mid - g -> c.addr:s.port, an answer between PREROUTING and POSTROUTING */
static inline struct nat_ends flow_mid(const struct nat_flow *f)
{
	struct nat_ends e = f->reply;

	e.dst = f->orig.src;
	return e;
}

/* flow_check - are the invariants I1-I5 true? Returns NULL or the name of the first that is not. O(flow_slots() + buckets). */
const char *flow_check(const struct flow_table *t);

/**
 * flow_rebuild - make hash, queues and free list anew from the slots below fresh alone
 *
 * For a table whose writer died in the middle of a change: slots that are
 * not plausible or clash with another are dropped, all others are kept.
 * Returns how many were dropped. O(flow_slots() + buckets).
 */
uint32_t flow_rebuild(struct flow_table *t, nat_tick now);

#endif
