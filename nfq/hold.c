/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold - see hold.h */
#include "nfq/hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum hold_state {
	HOLD_FREE,
	HOLD_HELD,
	HOLD_LEAVING,
};

enum { HEAD_OCTETS = 64, TAIL_OCTETS = 64 };	/* for the verdict before the payload, and its padding */

static const size_t PLACE_OCTETS = HEAD_OCTETS + HOLD_OCTETS + TAIL_OCTETS;

int hold_init(struct hold *h)
{
	*h = (struct hold){ .place = calloc(HOLD_PLACES, sizeof(*h->place)),
			    .octets = aligned_alloc(64, HOLD_PLACES * PLACE_OCTETS) };
	if (h->place && h->octets)
		return 0;
	hold_fini(h);
	return -ENOMEM;
}

void hold_fini(struct hold *h)
{
	free(h->place);
	free(h->octets);
	*h = (struct hold){ 0 };
}

static unsigned state_of(const struct hold *h, unsigned i)
{
	return __atomic_load_n(&h->place[i].state, __ATOMIC_ACQUIRE);
}

static void leave(struct hold *h, unsigned i, struct hold_list *out)
{
	h->place[i].state = HOLD_LEAVING;
	out->place[out->n++] = (uint16_t)i;
}

/* Look over all places: a free one, the oldest held one (HOLD_PLACES: none), and how many are held. */
static void survey(const struct hold *h, unsigned *vacant, unsigned *oldest, unsigned *n_held)
{
	*vacant = *oldest = HOLD_PLACES;
	*n_held = 0;
	for (unsigned i = 0; i < HOLD_PLACES; i++) {
		unsigned state = state_of(h, i);

		if (state == HOLD_FREE)
			*vacant = i;
		if (state != HOLD_HELD)
			continue;
		++*n_held;
		if (*oldest == HOLD_PLACES || h->place[i].order < h->place[*oldest].order)
			*oldest = i;
	}
}

bool hold_put(struct hold *h, const struct nat_pkt *p, const struct queue *q, uint32_t id, nat_ns now,
	      struct hold_list *out)
{
	unsigned vacant, oldest, n_held;
	struct held *e;

	if (!h->place || p->len > HOLD_OCTETS)
		return false;
	survey(h, &vacant, &oldest, &n_held);
	if (vacant == HOLD_PLACES)
		return false;
	if (n_held >= HOLD_LIMIT)
		leave(h, oldest, out);
	e = &h->place[vacant];
	*e = (struct held){ .pkt = *p, .queue = q, .id = id, .state = HOLD_HELD, .order = ++h->order, .since = now };
	e->pkt.data = h->octets + vacant * PLACE_OCTETS + HEAD_OCTETS;
	memcpy(e->pkt.data, p->data, p->len);
	return true;
}

static bool goes_before(const struct held *a, const struct held *b)
{
	if (a->pkt.view.is_later != b->pkt.view.is_later)
		return b->pkt.view.is_later;
	return a->order < b->order;
}

void hold_take(struct hold *h, uint64_t datagram, struct hold_list *out)
{
	unsigned begin = out->n;

	for (unsigned i = 0; h->place && i < HOLD_PLACES; i++) {
		unsigned at = out->n;

		if (state_of(h, i) != HOLD_HELD || h->place[i].pkt.datagram != datagram)
			continue;
		leave(h, i, out);
		for (; at > begin && goes_before(&h->place[i], &h->place[out->place[at - 1]]); at--)
			out->place[at] = out->place[at - 1];
		out->place[at] = (uint16_t)i;
	}
}

void hold_expire(struct hold *h, nat_ns now, struct hold_list *out)
{
	for (unsigned i = 0; h->place && i < HOLD_PLACES; i++)
		if (state_of(h, i) == HOLD_HELD &&
		    now - h->place[i].since >= NAT_SEC(frag_life_s(h->place[i].pkt.view.tuple.family)))
			leave(h, i, out);
}

void hold_free(struct hold *h, unsigned place)
{
	__atomic_store_n(&h->place[place].state, HOLD_FREE, __ATOMIC_RELEASE);
}
