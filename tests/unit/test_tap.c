/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap: records arrive whole and in order, or are counted; filters see both sides; a wild worker leads nobody astray. */
#include "nfq/tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/unit.h"

static struct {
	unsigned n;
	uint32_t last, octets;
	bool in_order;
	char forward[STATE_NAME_OCTETS];
	uint8_t packet[4096];
} got;

static void take(void *ctx, const struct tap_record *r)
{
	(void)ctx;
	got.in_order = got.in_order && (!got.n || r->event.index == got.last + 1);
	got.last = r->event.index;
	got.octets = r->octets;
	memcpy(got.forward, r->forward, sizeof(got.forward));
	if (r->before + r->after <= sizeof(got.packet))
		memcpy(got.packet, r + 1, r->before + r->after);
	got.n++;
}

static void read_all(struct tap *t)
{
	memset(&got, 0, sizeof(got));
	got.in_order = true;
	tap_read(t, UINT64_MAX, take, NULL);
}

static struct nat_event event(uint32_t index)
{
	return (struct nat_event){ .type = NAT_EV_NEW, .index = index,
				   .flow = { .family = NAT_IPV4, .proto = NAT_PROTO_UDP, .idle = IDLE_UDP_OPENING } };
}

static void unwatched_is_nothing(void **state)
{
	struct tap *t = tap_new(1);
	struct tap_writer *w = tap_writer_new(t, 0);
	struct nat_event ev = event(1);

	(void)state;
	assert_false(tap_wants(t, TAP_EVENTS | TAP_PACKETS));
	assert_false(tap_wants(NULL, TAP_EVENTS));
	tap_event(w, &ev, "web");
	read_all(t);
	assert_int_equal(got.n, 0);
	assert_int_equal(tap_lost(t), 0);
	tap_writer_free(w);
	tap_free(t);
}

static void events_in_order(void **state)
{
	struct tap *t = tap_new(1);
	struct tap_writer *w = tap_writer_new(t, 0);
	int slot = tap_slot_open(t, TAP_EVENTS, 0, NULL, 0);

	(void)state;
	assert_int_equal(slot, 0);
	assert_true(tap_wants(t, TAP_EVENTS));
	assert_false(tap_wants(t, TAP_PACKETS));
	for (uint32_t i = 0; i < 100; i++) {
		struct nat_event ev = event(i);

		tap_event(w, &ev, "a name that is longer than forty-seven characters are");
	}
	read_all(t);
	assert_int_equal(got.n, 100);
	assert_true(got.in_order);
	assert_int_equal(strlen(got.forward), STATE_NAME_OCTETS - 1);
	tap_slot_close(t, 0);
	assert_false(tap_wants(t, TAP_EVENTS));
	tap_writer_free(w);
	tap_free(t);
}

/* Full: what finds no room is counted, what was there stays whole; it wraps for ever. */
static void full_and_around(void **state)
{
	struct tap *t = tap_new(1);
	struct tap_writer *w = tap_writer_new(t, 0);
	uint32_t fits = TAP_RING_OCTETS / sizeof(struct tap_record);

	(void)state;
	tap_slot_open(t, TAP_EVENTS, 0, NULL, 0);
	for (uint32_t i = 0; i < fits + 50; i++) {
		struct nat_event ev = event(i);

		tap_event(w, &ev, "");
	}
	assert_true(tap_lost(t) >= 50 && tap_lost(t) <= 51);
	read_all(t);
	assert_true(got.in_order);
	assert_int_equal(got.n + tap_lost(t), fits + 50);
	for (uint32_t i = 0; i < 5 * fits; i++) {
		struct nat_event ev = event(i);

		tap_event(w, &ev, "");
		if (i % 1000 == 999) {
			read_all(t);
			assert_true(got.in_order);
		}
	}
	assert_true(tap_lost(t) <= 51);
	tap_writer_free(w);
	tap_free(t);
}

static void *write_many(void *arg)
{
	struct tap_writer *w = arg;

	for (uint32_t i = 0; i < 50000; i++) {
		struct nat_event ev = event(i);

		tap_event(w, &ev, "web");
	}
	return NULL;
}

static unsigned seen;
static uint32_t seen_last;

static void rising(void *ctx, const struct tap_record *r)
{
	(void)ctx;
	assert_true(!seen || r->event.index > seen_last);
	assert_string_equal(r->forward, "web");
	seen_last = r->event.index;
	seen++;
}

static void writer_and_reader_at_once(void **state)
{
	struct tap *t = tap_new(1);
	struct tap_writer *w = tap_writer_new(t, 0);
	pthread_t id;

	(void)state;
	seen = 0;
	tap_slot_open(t, TAP_EVENTS, 0, NULL, 0);
	assert_int_equal(pthread_create(&id, NULL, write_many, w), 0);
	for (unsigned i = 0; i < 200; i++)
		tap_read(t, 1 << 20, rising, NULL);
	pthread_join(id, NULL);
	tap_read(t, UINT64_MAX, rising, NULL);
	assert_int_equal(seen + tap_lost(t), 50000);
	tap_writer_free(w);
	tap_free(t);
}

/* ip proto 17 and, of a fixed header, udp port 53 at octet 22: what a filter of pcap would do, by hand */
static const struct bpf_insn port_53[] = {
	BPF_STMT(BPF_LD + BPF_H + BPF_ABS, 22),
	BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, 53, 0, 1),
	BPF_STMT(BPF_RET + BPF_K, 65535),
	BPF_STMT(BPF_RET + BPF_K, 0),
};

static const char *name(uint32_t forward)
{
	return forward == 3 ? "dns" : "?";
}

static void one_packet(struct tap_writer *w, uint8_t before_port, uint8_t after_port, bool changed)
{
	static uint8_t octets[1000];
	struct nat_pkt p = { .data = octets, .len = sizeof(octets), .changed = false, .flow = 9, .forward = 3 };

	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
	octets[22] = 0;
	octets[23] = before_port;
	tap_before(w, &p, 1);
	p.changed = changed;
	octets[23] = after_port;
	tap_after(w, &p, 1, name);
}

static const struct { const char *what; uint8_t before, after; bool changed; unsigned records; } filters[] = {
	{ "matches as it came", 53, 80, true, 1 },
	{ "matches as it went", 80, 53, true, 1 },
	{ "matches neither", 80, 81, true, 0 },
	{ "unchanged", 53, 53, false, 1 },
};

static void filter(void **state)
{
	const unsigned long i = (unsigned long)(uintptr_t)*state;
	struct tap *t = tap_new(2);
	struct tap_writer *w = tap_writer_new(t, 1);

	assert_int_equal(tap_slot_open(t, TAP_PACKETS, 800, port_53, COUNT(port_53)), 0);
	one_packet(w, filters[i].before, filters[i].after, filters[i].changed);
	read_all(t);
	assert_int_equal(got.n, filters[i].records);
	if (got.n) {
		assert_string_equal(got.forward, "dns");
		/* As it came, then as it went; what lies beyond the kept headers is the same. */
		assert_int_equal(got.packet[23], filters[i].before);
		assert_int_equal(got.packet[799], (uint8_t)799);
		if (filters[i].changed)
			assert_int_equal(got.packet[800 + 23], filters[i].after);
	}
	tap_writer_free(w);
	tap_free(t);
}

static void bad_programs(void **state)
{
	static const struct bpf_insn loop[] = { BPF_JUMP(BPF_JMP + BPF_JA, 4000000000u, 0, 0), BPF_STMT(BPF_RET + BPF_K, 0) };
	static const struct bpf_insn no_end[] = { BPF_STMT(BPF_LD + BPF_H + BPF_ABS, 2) };
	static const struct bpf_insn memory[] = { BPF_STMT(BPF_ST, 4096), BPF_STMT(BPF_RET + BPF_K, 0) };
	struct tap *t = tap_new(1);

	(void)state;
	assert_int_equal(tap_slot_open(t, TAP_PACKETS, 0, loop, 2), -EINVAL);
	assert_int_equal(tap_slot_open(t, TAP_PACKETS, 0, no_end, 1), -EINVAL);
	assert_int_equal(tap_slot_open(t, TAP_PACKETS, 0, memory, 2), -EINVAL);
	assert_false(tap_wants(t, TAP_PACKETS));
	tap_free(t);
}

static void slots_run_out(void **state)
{
	struct tap *t = tap_new(1);
	struct tap_writer *w;

	(void)state;
	for (int i = 0; i < TAP_SLOTS; i++)
		assert_int_equal(tap_slot_open(t, TAP_EVENTS, 0, NULL, 0), i);
	assert_int_equal(tap_slot_open(t, TAP_EVENTS, 0, NULL, 0), -EBUSY);
	tap_slot_close(t, 3);
	assert_int_equal(tap_slot_open(t, TAP_EVENTS, 0, NULL, 0), 3);
	tap_slot_close(t, 3);
	t->thread[0].busy = 1;		/* a worker that died inside */
	assert_int_equal(tap_slot_open(t, TAP_EVENTS, 0, NULL, 0), -EBUSY);
	w = tap_writer_new(t, 0);	/* the next one */
	assert_int_equal(tap_slot_open(t, TAP_EVENTS, 0, NULL, 0), 3);
	tap_writer_free(w);
	tap_free(t);
}

/* Main believes nothing that would lead it out of the ring. */
static void wild_worker(void **state)
{
	static const uint32_t lies[] = { 0, 7, 12, 8, UINT32_MAX & ~7u, TAP_RING_OCTETS + 8, sizeof(struct tap_record) + 8 };

	(void)state;
	for (unsigned i = 0; i < COUNT(lies); i++) {
		struct tap *t = tap_new(1);
		struct tap_record r = { .octets = lies[i], .kind = TAP_EVENT };

		memcpy(t->thread[0].ring, &r, sizeof(r));
		t->thread[0].head = sizeof(r);
		read_all(t);
		assert_int_equal(got.n, 0);
		assert_int_equal(t->thread[0].tail, t->thread[0].head);
		t->thread[0].head += (uint64_t)TAP_RING_OCTETS * 3;
		read_all(t);
		assert_int_equal(got.n, 0);
		tap_free(t);
	}
}

/* What it says of flows and packets are indices and lengths to whoever reads it, and names end where it says. */
enum lie {
	NO_LIE, LIE_TYPE, LIE_CAUSE, LIE_FAMILY, LIE_IDLE, LIE_KIND, LIE_LAST_OF_EVENTS,
	NO_LIE_OF_PACKETS, LIE_HOOK, LIE_REASON, LIE_DIR, LIE_BEFORE, LIE_AFTER, LIE_PACKET_FAMILY, LIES
};

static void tell_lie(struct tap_record *r, enum lie lie)
{
	switch (lie) {
	case LIE_TYPE:
		r->event.type = NAT_EV_END + 1;
		break;
	case LIE_CAUSE:
		r->event.cause = NAT_END_FORWARD + 1;
		break;
	case LIE_FAMILY:
		r->event.flow.family = 5;
		break;
	case LIE_IDLE:
		r->event.flow.idle = IDLE_FREE;
		break;
	case LIE_KIND:
		r->kind = TAP_LOST;
		break;
	case LIE_HOOK:
		r->pkt.hook = NAT_HOOKS;
		break;
	case LIE_REASON:
		r->pkt.reason = NAT_REASONS;
		break;
	case LIE_DIR:
		r->pkt.dir = NAT_DIRS;
		break;
	case LIE_BEFORE:
		r->before = UINT32_MAX - 7;
		break;
	case LIE_AFTER:
		r->after = 16;
		break;
	case LIE_PACKET_FAMILY:
		r->pkt.view.tuple.family = 5;
		break;
	case NO_LIE:
	case LIE_LAST_OF_EVENTS:
	case NO_LIE_OF_PACKETS:
	case LIES:
		break;
	}
}

static void wild_words(void **state)
{
	(void)state;
	for (enum lie lie = NO_LIE; lie < LIES; lie++) {
		bool packet = lie > LIE_LAST_OF_EVENTS, honest = lie == NO_LIE || lie == NO_LIE_OF_PACKETS;
		struct tap *t = tap_new(1);
		struct tap_record r = { .octets = sizeof(r) + 8u * packet, .kind = packet ? TAP_PACKET : TAP_EVENT, .event = event(1),
					.before = 8u * packet };

		if (lie == LIE_LAST_OF_EVENTS)
			continue;
		memset(r.forward, 'x', sizeof(r.forward));
		tell_lie(&r, lie);
		memcpy(t->thread[0].ring, &r, sizeof(r));
		t->thread[0].head = r.octets;
		read_all(t);
		if (got.n != honest || t->thread[0].tail != t->thread[0].head)
			unit_fail("lie %u: %u records", lie, got.n);
		assert_true(!honest || memchr(got.forward, '\0', sizeof(got.forward)));
		tap_free(t);
	}
}

/* And the worker stays inside whatever main wrote as its tail. */
static void wild_reader(void **state)
{
	struct tap *t = tap_new(1);
	struct tap_writer *w = tap_writer_new(t, 0);
	struct nat_event ev = event(0);

	(void)state;
	tap_slot_open(t, TAP_EVENTS, 0, NULL, 0);
	t->thread[0].tail = 12345678901u;
	tap_event(w, &ev, "");
	assert_int_equal(tap_lost(t), 1);
	assert_int_equal(t->thread[0].head, 0);
	tap_writer_free(w);
	tap_free(t);
}

static void times(void **state)
{
	struct tap *t = tap_new(2);
	struct tap_writer *a = tap_writer_new(t, 0), *b = tap_writer_new(t, 1);
	struct tap_times sum;

	(void)state;
	tap_timed(a, 3, 999);
	tap_timed(a, 1, 1000);
	tap_timed(b, 2, 1999);
	tap_timed(b, 1, UINT64_MAX / 2);
	sum = tap_times_sum(t);
	assert_int_equal(sum.packets[0], 3);
	assert_int_equal(sum.packets[1], 3);
	assert_int_equal(sum.packets[TAP_BUCKETS - 1], 1);
	tap_writer_free(a);
	tap_writer_free(b);
	tap_free(t);
}

/* Of packets with a stamp, how long they lay in the kernel; a clock that was set back makes no wait of years. */
static void waits(void **state)
{
	struct tap *t = tap_new(1);
	struct tap_writer *w = tap_writer_new(t, 0);
	struct nat_pkt p[4] = { 0 };
	struct tap_times sum;
	struct timespec ts;
	uint64_t now;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	p[1].received_ns = now - 100000000;
	p[2].received_ns = now + 3600000000000u;
	p[3].received_ns = now - 3600000000000u;
	tap_waited(w, p, 4);
	sum = tap_waits_sum(t);
	assert_int_equal(sum.packets[0], 1);
	/* 0.1 s, or more where the machine is slow; and an hour. */
	assert_int_equal(sum.packets[17] + sum.packets[18] + sum.packets[19], 2);
	assert_true(sum.sum_ns >= 3600100000000u);
	assert_int_equal(tap_times_sum(t).packets[0], 0);
	tap_writer_free(w);
	tap_free(t);
}

int main(void)
{
	unit_add("unwatched_is_nothing", unwatched_is_nothing, NULL);
	unit_add("events_in_order", events_in_order, NULL);
	unit_add("full_and_around", full_and_around, NULL);
	unit_add("writer_and_reader_at_once", writer_and_reader_at_once, NULL);
	for (size_t i = 0; i < COUNT(filters); i++)
		unit_add(filters[i].what, filter, (const void *)(uintptr_t)i);
	unit_add("bad_programs", bad_programs, NULL);
	unit_add("slots_run_out", slots_run_out, NULL);
	unit_add("wild_worker", wild_worker, NULL);
	unit_add("wild_words", wild_words, NULL);
	unit_add("wild_reader", wild_reader, NULL);
	unit_add("times", times, NULL);
	unit_add("waits", waits, NULL);
	return unit_run("tap");
}
