/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow - see flow.h: slots, free list and idle queues; the hash is in flow_hash.c */
#include "nat/flow.h"

#include <assert.h>

#include "nat/flow_hash.h"
#include "nat/proto.h"
#include "nat/sctp.h"
#include "nat/tcp.h"

uint32_t flow_buckets_for(uint32_t capacity)
{
	/* 2 keys a flow, FLOW_WAYS a bucket, 60 %: n * 10 * 0.6 >= 2 * capacity */
	uint64_t n = ((uint64_t)capacity * 2 * 10 + FLOW_WAYS * 6 - 1) / (FLOW_WAYS * 6);

	return n < 16 ? 16 : (uint32_t)n;
}

/* No queue, no free list. */
static void head_clear(struct flow_head *h)
{
	h->used = 0;
	h->free = NAT_NONE;
	for (unsigned c = 0; c < IDLE_CLASSES; c++) {
		h->first[c] = h->last[c] = NAT_NONE;
		h->count[c] = 0;
	}
}

static void slot_free(struct flow_table *t, uint32_t index)
{
	t->flow[index].idle = IDLE_FREE;
	t->flow[index].next = t->head->free;
	t->head->free = index;
}

void flow_init(struct flow_table *t)
{
	head_clear(t->head);
	t->head->fresh = 0;
}

static void queue_add(struct flow_table *t, struct nat_flow *f, nat_tick now)
{
	struct flow_head *h = t->head;
	uint32_t index = flow_index(t, f), c = f->idle;

	f->queued = now;
	f->next = NAT_NONE;
	f->prev = h->last[c];
	if (f->prev == NAT_NONE)
		h->first[c] = index;
	else
		t->flow[f->prev].next = index;
	h->last[c] = index;
	h->count[c]++;
}

static void queue_del(struct flow_table *t, struct nat_flow *f)
{
	struct flow_head *h = t->head;
	uint32_t c = f->idle;

	if (f->prev == NAT_NONE)
		h->first[c] = f->next;
	else
		t->flow[f->prev].next = f->next;
	if (f->next == NAT_NONE)
		h->last[c] = f->prev;
	else
		t->flow[f->next].prev = f->prev;
	h->count[c]--;
}

/* Enter all keys of a filled slot, or none. */
static bool slot_hash(struct flow_table *t, uint32_t index)
{
	const struct nat_flow *f = &t->flow[index];

	for (unsigned k = 0; k < flow_key_count(f); k++) {
		struct nat_ends e = flow_key_ends(f, k);

		if (!flow_has(t, &e, f->proto, f->family) && flow_hash_add(t, index, k))
			continue;
		while (k--)
			flow_hash_del(t, index, k);
		return false;
	}
	return true;
}

uint32_t flow_add(struct flow_table *t, const struct nat_flow *f, nat_tick now)
{
	bool fresh = t->head->free == NAT_NONE;
	uint32_t index = fresh ? t->head->fresh : t->head->free, next;
	struct nat_flow *slot;

	if (flow_is_full(t))
		return NAT_NONE;
	assert(f->idle != IDLE_FREE);
	slot = &t->flow[index];
	next = fresh ? NAT_NONE : slot->next;
	*slot = *f;
	if (!slot_hash(t, index)) {
		slot->idle = IDLE_FREE;
		slot->next = next;
		return NAT_NONE;
	}
	t->head->free = next;
	t->head->fresh += fresh;
	t->head->used++;
	slot->used = now;
	memset(slot->octets, 0, sizeof(slot->octets));
	memset(slot->packets, 0, sizeof(slot->packets));
	memset(slot->ack, 0, sizeof(slot->ack));
	queue_add(t, slot, now);
	return index;
}

void flow_del(struct flow_table *t, uint32_t index)
{
	struct nat_flow *f = &t->flow[index];

	assert(index < flow_slots(t) && f->idle != IDLE_FREE);
	for (unsigned k = 0; k < flow_key_count(f); k++)
		flow_hash_del(t, index, k);
	queue_del(t, f);
	t->head->used--;
	slot_free(t, index);
}

static nat_tick frozen_used(enum idle_class class, nat_tick silent)
{
	return (nat_tick)class << 28 | (silent < 0xfffffff ? silent : 0xfffffff);
}

void flow_touch_late(struct flow_table *t, struct nat_flow *f, nat_tick now)
{
	if (f->idle == IDLE_FROZEN) {
		f->used = frozen_used(flow_class(f), 0);
		return;
	}
	f->used = now;
	queue_del(t, f);
	queue_add(t, f, now);
}

void flow_move(struct flow_table *t, struct nat_flow *f, enum idle_class to, nat_tick now)
{
	if (f->idle == IDLE_FROZEN) {
		f->used = frozen_used(to, 0);
		return;
	}
	queue_del(t, f);
	f->idle = to & 15u;
	f->used = now;
	queue_add(t, f, now);
}

void flow_freeze(struct flow_table *t, struct nat_flow *f, nat_tick now)
{
	nat_tick used = frozen_used(f->idle, now - f->used);

	assert(f->idle != IDLE_FREE && f->idle != IDLE_FROZEN);
	flow_move(t, f, IDLE_FROZEN, now);
	f->used = used;
}

void flow_thaw(struct flow_table *t, struct nat_flow *f, nat_tick now)
{
	enum idle_class class = flow_class(f);
	nat_tick silent = flow_silent(f, now);

	assert(f->idle == IDLE_FROZEN);
	queue_del(t, f);
	f->idle = class & 15u;
	f->used = now - silent;
	queue_add(t, f, now);
}

uint32_t flow_oldest_expired(const struct flow_table *t, nat_tick now)
{
	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++) {
		uint32_t i = t->head->first[c];

		if (i != NAT_NONE && flow_expired(t, &t->flow[i], now))
			return i;
	}
	return NAT_NONE;
}

uint32_t flow_evictable(const struct flow_table *t, nat_tick now)
{
	uint32_t best = NAT_NONE;

	for (unsigned rank = 1; rank <= 2 && best == NAT_NONE; rank++)
		for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++) {
			uint32_t i = t->head->first[c];

			if (i == NAT_NONE || idle_evict_rank(c) != rank)
				continue;
			if (best == NAT_NONE || now - t->flow[i].queued > now - t->flow[best].queued)
				best = i;
		}
	return best;
}

uint32_t flow_victim(const struct flow_table *t, nat_tick now)
{
	uint32_t best = flow_oldest_expired(t, now);

	return best == NAT_NONE ? flow_evictable(t, now) : best;
}

uint32_t flow_unanswered(const struct flow_table *t)
{
	uint32_t n = 0;

	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++)
		if (idle_evict_rank(c) == 1)
			n += t->head->count[c];
	return n;
}

void flow_requeue(struct flow_table *t, uint32_t index, nat_tick now)
{
	queue_del(t, &t->flow[index]);
	queue_add(t, &t->flow[index], now);
}

/* I2, and the used half of I3 */
static const char *check_queues(const struct flow_table *t, uint32_t *used)
{
	const struct flow_head *h = t->head;

	*used = 0;
	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++) {
		uint32_t n = 0, prev = NAT_NONE;

		for (uint32_t i = h->first[c]; i != NAT_NONE; prev = i, i = t->flow[i].next) {
			const struct nat_flow *f;

			if (i >= h->capacity || ++n > h->capacity)
				return "I2: an idle queue leads out of the table or in a circle";
			f = &t->flow[i];
			if (f->idle != c || f->prev != prev)
				return "I2: a flow is in a queue that is not its own";
			if (prev != NAT_NONE && (int32_t)(f->queued - t->flow[prev].queued) < 0)
				return "I2: an idle queue is not in order";
		}
		if (n != h->count[c] || prev != h->last[c])
			return "I2: an idle queue's count or end is wrong";
		*used += n;
	}
	return NULL;
}

const char *flow_check(const struct flow_table *t)
{
	const struct flow_head *h = t->head;
	uint32_t queued, used = 0, n_free = 0;
	const char *bad = check_queues(t, &queued);

	if (bad)
		return bad;
	if (h->fresh > h->capacity)
		return "I3: more slots were used than there are";
	for (uint32_t i = 0; i < h->fresh; i++)
		used += t->flow[i].idle != IDLE_FREE;
	for (uint32_t i = h->free; i != NAT_NONE; i = t->flow[i].next)
		if (i >= h->fresh || t->flow[i].idle != IDLE_FREE || ++n_free > h->fresh)
			return "I3: the free list leads to a used slot, out of the table or in a circle";
	if (used != queued || used != h->used || used + n_free != h->fresh)
		return "I3: used and free slots do not add up";
	return h->fresh ? flow_hash_check(t) : NULL;	/* a hash that nothing was ever entered in is not touched either */
}

/* Could this slot have been written by flow_add()? A torn one is not worth keeping. */
static bool slot_plausible(const struct nat_flow *f)
{
	bool states = proto_has_states(f->proto);

	if (f->idle == IDLE_FREE || f->idle >= IDLE_CLASSES || f->tcp >= TCP_STATES || (f->proto == NAT_PROTO_SCTP && f->tcp >= SCTP_STATES))
		return false;
	if (flow_class(f) == IDLE_FREE || flow_class(f) >= IDLE_CLASSES)
		return false;
	if (f->family != NAT_IPV4 && f->family != NAT_IPV6)
		return false;
	if (states != (f->tcp != TCP_NONE))
		return false;
	if (!nat_addr_fits(&f->orig.src, f->family) || !nat_addr_fits(&f->orig.dst, f->family) ||
	    !nat_addr_fits(&f->reply.src, f->family) || !nat_addr_fits(&f->reply.dst, f->family))
		return false;
	return !(f->flags & FLOW_HAIRPIN) == nat_addr_eq(&f->reply.dst, &f->orig.src) || (f->flags & (FLOW_LOCAL | FLOW_OUT));
}

uint32_t flow_rebuild(struct flow_table *t, nat_tick now)
{
	uint32_t dropped = 0;

	head_clear(t->head);
	for (uint32_t i = 0; i < t->head->buckets; i++)
		memset(&t->bucket[i], 0, sizeof(t->bucket[i]));
	if (t->head->fresh > t->head->capacity)
		t->head->fresh = t->head->capacity;
	for (uint32_t i = t->head->fresh; i--;) {
		struct nat_flow *f = &t->flow[i];
		bool was = f->idle != IDLE_FREE;

		if (was && slot_plausible(f) && now - f->used < t->head->limit[f->idle] && slot_hash(t, i)) {
			/* `used` is kept, so it expires when it should have; only its place in the queue is new. */
			queue_add(t, f, now);
			t->head->used++;
			continue;
		}
		dropped += was;
		slot_free(t, i);
	}
	return dropped;
}
