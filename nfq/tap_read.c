/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap - see tap.h: the main process's side */
#include <errno.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <sys/mman.h>

#include "nfq/peek.h"
#include "nfq/tap.h"

enum {
	QUIET_TRIES = 1000,
	PACKET_OCTETS = 1 << 16,	/* no more of one, as it came or as it went */
	RECORD_OCTETS = (int)sizeof(struct tap_record) + 2 * PACKET_OCTETS,
};

static size_t octets_for(unsigned threads)
{
	return sizeof(struct tap) + threads * sizeof(struct tap_thread);
}

struct tap *tap_new(unsigned threads)
{
	void *mem = mmap(NULL, octets_for(threads), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct tap *tap = mem;

	if (mem == MAP_FAILED)
		return NULL;
	tap->threads = threads;
	return tap;
}

void tap_free(struct tap *tap)
{
	if (tap)
		munmap(tap, octets_for(tap->threads));
}

/* No thread is looking at any slot; who comes later sees which are off. */
static bool quiet(const struct tap *tap)
{
	for (unsigned try = 0; try < QUIET_TRIES; try++) {
		bool busy = false;

		for (unsigned i = 0; i < tap->threads; i++)
			busy = busy || __atomic_load_n(&tap->thread[i].busy, __ATOMIC_SEQ_CST);
		if (!busy)
			return true;
		sched_yield();
	}
	return false;
}

static void set_on(struct tap *tap)
{
	uint32_t on = 0;

	for (unsigned i = 0; i < TAP_SLOTS; i++)
		on |= tap->slot[i].on;
	__atomic_store_n(&tap->on, on, __ATOMIC_RELEASE);
}

int tap_slot_open(struct tap *tap, uint32_t want, uint32_t snap, const struct bpf_insn *insn, uint32_t n_insns)
{
	/* bpf_validate() lets every jump and store of a program stay inside it; it takes an int. */
	if (n_insns > TAP_INSNS || (n_insns && !bpf_validate(insn, (int)n_insns)))
		return -EINVAL;
	for (unsigned i = 0; i < TAP_SLOTS; i++) {
		struct tap_slot *s = &tap->slot[i];

		if (s->on)
			continue;
		if (!quiet(tap))
			return -EBUSY;
		s->snap = snap;
		s->n_insns = n_insns;
		if (n_insns)
			memcpy(s->insn, insn, n_insns * sizeof(*insn));
		__atomic_store_n(&s->on, want, __ATOMIC_SEQ_CST);
		set_on(tap);
		return (int)i;
	}
	return -EBUSY;
}

void tap_slot_close(struct tap *tap, unsigned slot)
{
	__atomic_store_n(&tap->slot[slot].on, 0, __ATOMIC_SEQ_CST);
	set_on(tap);
}

/*
 * A record where it lies in the ring, and what was read of it once. A worker
 * that went wild must not lead us astray, and may write there at any time.
 */
struct found {
	const void *at;			/* NULL: there is none */
	uint32_t octets;
	nat_ns when;
};

/* The next record of a thread. */
static struct found next(struct tap_thread *t)
{
	for (;;) {
		uint64_t head = __atomic_load_n(&t->head, __ATOMIC_ACQUIRE), used = head - t->tail;
		uint32_t at = (uint32_t)(t->tail % TAP_RING_OCTETS), rest = TAP_RING_OCTETS - at;
		const struct tap_record *r = (const void *)(t->ring + at);
		const uint32_t octets = used ? __atomic_load_n(&r->octets, __ATOMIC_RELAXED) : 0;
		const uint8_t kind = used ? __atomic_load_n(&r->kind, __ATOMIC_RELAXED) : TAP_PAD;

		if (!used)
			return (struct found){ NULL, 0, 0 };
		if (used > TAP_RING_OCTETS || octets < 8 || octets % 8 || octets > rest || octets > used ||
		    (kind != TAP_PAD && (octets < sizeof(*r) || octets > RECORD_OCTETS))) {
			__atomic_store_n(&t->tail, head, __ATOMIC_RELEASE);
			return (struct found){ NULL, 0, 0 };
		}
		if (kind != TAP_PAD)
			return (struct found){ r, octets, __atomic_load_n(&r->when, __ATOMIC_RELAXED) };
		__atomic_store_n(&t->tail, t->tail + octets, __ATOMIC_RELEASE);
	}
}

static bool event_makes_sense(const struct nat_event *ev)
{
	return ev->type <= NAT_EV_END && ev->cause <= NAT_END_FORWARD && peek_plausible(&ev->flow);
}

static bool packet_makes_sense(const struct tap_record *r)
{
	const struct nat_pkt *p = &r->pkt;
	uint8_t family = p->view.tuple.family;

	return r->before <= PACKET_OCTETS && r->after <= PACKET_OCTETS &&
	       r->octets == ((sizeof(*r) + r->before + r->after + 7) & ~(size_t)7) && p->hook < NAT_HOOKS && p->reason < NAT_REASONS &&
	       p->dir < NAT_DIRS && (!family || family == NAT_IPV4 || family == NAT_IPV6);
}

/* A record of our own, as it was then; NULL: it makes no sense. */
static const struct tap_record *copied(const struct found *f)
{
	static union {
		struct tap_record r;
		uint8_t octets[RECORD_OCTETS];
	} own;

	memcpy(own.octets, f->at, f->octets);
	own.r.octets = f->octets;
	own.r.forward[sizeof(own.r.forward) - 1] = '\0';
	own.r.pkt.data = NULL;
	own.r.pkt.recent = NULL;
	own.r.pkt.entry = NULL;
	if (own.r.kind == TAP_EVENT && event_makes_sense(&own.r.event))
		return &own.r;
	return own.r.kind == TAP_PACKET && packet_makes_sense(&own.r) ? &own.r : NULL;
}

bool tap_read(struct tap *tap, uint64_t budget, void (*take)(void *ctx, const struct tap_record *r), void *ctx)
{
	for (;;) {
		struct found best = { NULL, 0, 0 };
		struct tap_thread *from = NULL;
		const struct tap_record *r;

		for (unsigned i = 0; i < tap->threads; i++) {
			const struct found f = next(&tap->thread[i]);

			if (f.at && (!best.at || f.when < best.when)) {
				best = f;
				from = &tap->thread[i];
			}
		}
		if (!best.at)
			return false;
		if (best.octets > budget)
			return true;
		budget -= best.octets;
		r = copied(&best);
		__atomic_store_n(&from->tail, from->tail + best.octets, __ATOMIC_RELEASE);
		if (r)
			take(ctx, r);
	}
}

struct tap_counts tap_counts_sum(const struct tap *tap)
{
	struct tap_counts sum = { 0 };

	for (unsigned i = 0; i < tap->threads; i++) {
		const struct tap_counts *c = &tap->thread[i].counts;

		sum.packets += c->packets;
		sum.batches += c->batches;
		sum.bad_messages += c->bad_messages;
		sum.lost_verdicts += c->lost_verdicts;
		sum.send_errors += c->send_errors;
		sum.overruns += c->overruns;
	}
	return sum;
}

static void add_times(struct tap_times *sum, const struct tap_times *t)
{
	sum->sum_ns += t->sum_ns;
	for (unsigned b = 0; b < TAP_BUCKETS; b++)
		sum->packets[b] += t->packets[b];
}

struct tap_times tap_times_sum(const struct tap *tap)
{
	struct tap_times sum = { 0 };

	for (unsigned i = 0; i < tap->threads; i++)
		add_times(&sum, &tap->thread[i].times);
	return sum;
}

struct tap_times tap_waits_sum(const struct tap *tap)
{
	struct tap_times sum = { 0 };

	for (unsigned i = 0; i < tap->threads; i++)
		add_times(&sum, &tap->thread[i].waits);
	return sum;
}

uint64_t tap_lost(const struct tap *tap)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < tap->threads; i++)
		lost += __atomic_load_n(&tap->thread[i].lost, __ATOMIC_RELAXED);
	return lost;
}
