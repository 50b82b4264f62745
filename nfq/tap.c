/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap - see tap.h: the worker's side */
#include "nfq/tap.h"

#include <stdlib.h>
#include <time.h>

enum { BATCH_MAX = 64 };

struct tap_writer {
	struct tap *tap;
	struct tap_thread *t;
	uint8_t index;
	nat_ns began;			/* when the batch was read */
	uint64_t wall_ns;		/* the same by the clock that the kernel stamps packets with */
	uint8_t head[BATCH_MAX][TAP_HEADERS_OCTETS];
};

struct tap_writer *tap_writer_new(struct tap *tap, unsigned index)
{
	struct tap_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->tap = tap;
	w->t = &tap->thread[index];
	w->index = (uint8_t)index;
	w->t->busy = 0;			/* the one before may have died inside */
	return w;
}

void tap_writer_free(struct tap_writer *w)
{
	free(w);
}

static void enter(struct tap_writer *w)
{
	__atomic_store_n(&w->t->busy, 1, __ATOMIC_SEQ_CST);
}

static void leave(struct tap_writer *w)
{
	__atomic_store_n(&w->t->busy, 0, __ATOMIC_RELEASE);
}

static uint32_t slot_on(const struct tap_slot *s)
{
	return __atomic_load_n(&s->on, __ATOMIC_SEQ_CST);
}

/* Room for a record of @octets in one piece, or NULL: lost. Nothing counts before put(). */
static struct tap_record *take(struct tap_writer *w, uint32_t octets)
{
	struct tap_thread *t = w->t;
	uint64_t head = t->head, used = head - __atomic_load_n(&t->tail, __ATOMIC_ACQUIRE);
	uint32_t at = (uint32_t)(head % TAP_RING_OCTETS), rest = TAP_RING_OCTETS - at, skip = octets > rest ? rest : 0;

	/* The tail is main's to write: whatever it says, we stay inside the ring. */
	if (used > TAP_RING_OCTETS || (uint64_t)octets + skip > TAP_RING_OCTETS - used) {
		__atomic_store_n(&t->lost, t->lost + 1, __ATOMIC_RELAXED);
		return NULL;
	}
	if (skip) {
		struct tap_record pad = { .octets = skip, .kind = TAP_PAD };

		memcpy(t->ring + at, &pad, 8);
		__atomic_store_n(&t->head, head + skip, __ATOMIC_RELEASE);
		at = 0;
	}
	return (void *)(t->ring + at);
}

static void put(struct tap_writer *w, uint32_t octets)
{
	__atomic_store_n(&w->t->head, w->t->head + octets, __ATOMIC_RELEASE);
}

static void set_name(struct tap_record *r, const char *name)
{
	size_t n = strnlen(name, sizeof(r->forward) - 1);

	memset(r->forward, 0, sizeof(r->forward));
	memcpy(r->forward, name, n);
}

void tap_event(struct tap_writer *w, const struct nat_event *ev, const char *forward)
{
	uint8_t slots = 0;
	struct tap_record *r;

	enter(w);
	for (unsigned i = 0; i < TAP_SLOTS; i++)
		if (slot_on(&w->tap->slot[i]) & TAP_EVENTS)
			slots |= (uint8_t)(1u << i);
	leave(w);
	if (!slots || !(r = take(w, sizeof(*r))))
		return;
	*r = (struct tap_record){ .octets = sizeof(*r), .kind = TAP_EVENT, .slots = slots, .thread = w->index,
				  .when = state_clock(), .event = *ev };
	set_name(r, forward);
	put(w, sizeof(*r));
}

static uint64_t wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* 0: not known, also when the clock was set back meanwhile. */
static uint64_t waited(const struct nat_pkt *p, uint64_t wall_ns)
{
	return p->received_ns && wall_ns > p->received_ns ? wall_ns - p->received_ns : 0;
}

void tap_before(struct tap_writer *w, const struct nat_pkt *p, unsigned n)
{
	w->began = state_clock();
	w->wall_ns = wall_clock();
	for (unsigned i = 0; i < n && i < BATCH_MAX; i++)
		memcpy(w->head[i], p[i].data, p[i].len < TAP_HEADERS_OCTETS ? p[i].len : TAP_HEADERS_OCTETS);
}

/* Is it wanted as it came or as it went? Programs see no more than headers: what they compare lies there. */
static bool matches(const struct tap_slot *s, const struct nat_pkt *p, const uint8_t *before)
{
	uint32_t kept = p->len < TAP_HEADERS_OCTETS ? p->len : TAP_HEADERS_OCTETS, len = p->truncated ? p->whole : p->len;

	if (!s->n_insns || bpf_filter(s->insn, before, len, kept))
		return true;
	return p->changed && bpf_filter(s->insn, p->data, len, kept);
}

static void record(struct tap_writer *w, const struct nat_pkt *p, const uint8_t *head, uint8_t slots, uint32_t snap,
		   nat_ns now, const char *forward)
{
	uint32_t before = p->len < snap ? p->len : snap, after = p->changed ? before : 0;
	uint32_t kept = before < TAP_HEADERS_OCTETS ? before : TAP_HEADERS_OCTETS;
	uint32_t octets = (uint32_t)(sizeof(struct tap_record) + before + after + 7) & ~7u;
	struct tap_record *r = take(w, octets);
	uint8_t *to;

	if (!r)
		return;
	to = (uint8_t *)(r + 1);
	*r = (struct tap_record){ .octets = octets, .kind = TAP_PACKET, .slots = slots, .thread = w->index, .when = w->began,
				  .pkt = *p, .before = before, .after = after };
	r->pkt.data = NULL;
	r->waited_ns = waited(p, w->wall_ns);
	r->latency_ns = now - w->began > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - w->began);
	set_name(r, forward);
	memcpy(to, head, kept);
	memcpy(to + kept, p->data + kept, before - kept);
	memcpy(to + before, p->data, after);
	put(w, octets);
}

void tap_after(struct tap_writer *w, const struct nat_pkt *p, unsigned n, const char *(*name)(uint32_t forward))
{
	nat_ns now = state_clock();

	enter(w);
	for (unsigned i = 0; i < n && i < BATCH_MAX; i++) {
		uint8_t slots = 0;
		uint32_t snap = 0;

		for (unsigned s = 0; s < TAP_SLOTS; s++) {
			const struct tap_slot *slot = &w->tap->slot[s];

			if (!(slot_on(slot) & TAP_PACKETS) || !matches(slot, &p[i], w->head[i]))
				continue;
			slots |= (uint8_t)(1u << s);
			snap = slot->snap > snap ? slot->snap : snap;
		}
		if (slots)
			record(w, &p[i], w->head[i], slots, snap, now, p[i].forward == NAT_NONE ? "" : name(p[i].forward));
	}
	leave(w);
}

struct tap_counts *tap_counts_at(struct tap_writer *w)
{
	return &w->t->counts;
}

static void note(struct tap_times *t, unsigned n, uint64_t took_ns)
{
	unsigned i = 0;

	while (i < TAP_BUCKETS - 1 && took_ns >= (uint64_t)1000 << i)
		i++;
	t->packets[i] += n;
	t->sum_ns += n * took_ns;
}

void tap_timed(struct tap_writer *w, unsigned n, uint64_t took_ns)
{
	note(&w->t->times, n, took_ns);
}

void tap_waited(struct tap_writer *w, const struct nat_pkt *p, unsigned n)
{
	uint64_t wall_ns = wall_clock();

	for (unsigned i = 0; i < n; i++)
		if (p[i].received_ns)
			note(&w->t->waits, 1, waited(&p[i], wall_ns));
}
