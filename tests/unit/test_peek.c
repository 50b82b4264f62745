/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peek: what is read while another thread writes is always one whole flow. */
#include "nfq/peek.h"

#include <arpa/inet.h>
#include <pthread.h>

#include "tests/unit/unit.h"
#include "tests/unit/world.h"

enum { PEEKS = 300000, FLOWS = 1024 };

static struct world w;
static volatile bool stop;

/* All parts of a client's flow follow from one number: a mixture of two flows gives itself away. */
static struct nat_ends ends_of(uint32_t n)
{
	struct nat_ends e = { letter_addr('C', NAT_IPV4), letter_addr('H', NAT_IPV4), 0, 0 };

	e.src.octet[14] = (uint8_t)(n >> 8);
	e.src.octet[15] = (uint8_t)n;
	e.sport = htons((uint16_t)(1024 + n));
	e.dport = htons((uint16_t)(5000 + n % 1000));
	return e;
}

static void give(uint32_t n)
{
	static uint8_t octets[PACKET_ROOM];
	const struct packet made = { .family = NAT_IPV4, .proto = NAT_PROTO_UDP, .ends = ends_of(n) };
	struct nat_pkt p = { .data = octets, .hook = NAT_PRE, .indev = OUTSIDE };

	p.len = packet_build(&made, octets);
	nat_packet(&w.nat, &p, w.now);
}

/* Opens flow after flow; the table is full, so each takes the slot of another. */
static void *writer(void *arg)
{
	(void)arg;
	for (uint32_t n = 0; !stop; n = (n + 1) % 60000) {
		nat_enter(&w.nat);
		give(n);
		nat_leave(&w.nat);
	}
	return NULL;
}

static void whole(const struct nat_flow *f)
{
	uint32_t n = ntohs(f->orig.sport) - 1024u;
	struct nat_ends e = ends_of(n);

	if (!nat_ends_eq(&e, &f->orig) || !nat_addr_eq(&f->reply.dst, &e.src) || f->reply.dport != e.sport ||
	    ntohs(f->reply.sport) != 6000 + n % 1000 || f->proto != NAT_PROTO_UDP || f->family != NAT_IPV4)
		unit_fail("flow %u is torn", n);
}

static void never_torn(void **state)
{
	struct nat_params params = world_params(FLOWS);
	unsigned seen = 0;
	pthread_t id;

	(void)state;
	w = world_new(&params);
	world_map(&w, "udp *:5000-5999 > G:6000");
	stop = false;
	assert_int_equal(pthread_create(&id, NULL, writer, NULL), 0);
	for (unsigned i = 0; i < PEEKS || (!seen && i < 100 * PEEKS); i++) {
		struct nat_flow f;

		if (!peek_flow(&w.nat, i % FLOWS, &f))
			continue;
		whole(&f);
		seen++;
	}
	stop = true;
	pthread_join(id, NULL);
	print_message("# %u flows seen while they were written\n", seen);
	assert_true(seen > 0);
	assert_null(nat_check(&w.nat));
	world_free(&w);
}

/* When nobody writes, every used slot is seen and no free one. */
static void sees_all(void **state)
{
	struct nat_params params = world_params(FLOWS);
	unsigned seen = 0;

	(void)state;
	w = world_new(&params);
	world_map(&w, "udp *:5000-5999 > G:6000");
	for (uint32_t n = 0; n < 100; n++)
		give(n);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct nat_flow f, again;

		if (!peek_flow(&w.nat, i, &f))
			continue;
		whole(&f);
		assert_int_equal(peek_find(&w.nat, &f.orig, f.proto, f.family, &again), i);
		assert_int_equal(peek_find(&w.nat, &f.reply, f.proto, f.family, &again), i);
		assert_in_range(peek_left_s(&w.nat, &f, w.now), 299, 301);
		seen++;
	}
	assert_int_equal(seen, 100);
	world_free(&w);
}

/* A slot that a writer left half-written (it died) is in no hash: it is not shown. */
static void half_written_is_not_shown(void **state)
{
	struct nat_params params = world_params(FLOWS);
	struct nat_flow f;

	(void)state;
	w = world_new(&params);
	world_map(&w, "udp *:5000-5999 > G:6000");
	give(1);
	for (uint32_t i = 0; i < FLOWS; i++)
		if (peek_flow(&w.nat, i, &f)) {
			w.nat.flows.flow[i].reply.sport ^= 1;
			assert_false(peek_flow(&w.nat, i, &f));
			w.nat.flows.flow[i].reply.sport ^= 1;
			w.nat.flows.flow[i].idle = IDLE_CLASSES;
			assert_false(peek_flow(&w.nat, i, &f));
		}
	world_free(&w);
}

int main(void)
{
	unit_add("never_torn", never_torn, NULL);
	unit_add("sees_all", sees_all, NULL);
	unit_add("half_written_is_not_shown", half_written_is_not_shown, NULL);
	return unit_run("peek");
}
