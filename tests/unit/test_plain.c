/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plain: which flows a faster tier may take, and what it tells of them. */
#include "nat/plain.h"
#include "nat/tcp.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

#define TABLE "tcp *:8080 > G:80; udp *:8080 > G:80; icmp * > G"

static struct world w;
static uint32_t flow;		/* of the last packet */

static int setup(void **state)
{
	struct nat_params p = world_params(64);

	(void)state;
	w = world_new(&p);
	world_map(&w, TABLE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* One packet from C to H:8080, or its answer, @out of a hook; the flow it belongs to is noted. */
static void give(uint8_t proto, uint8_t flags, enum nat_hook hook, uint32_t indev)
{
	bool answer = hook == NAT_POST;
	struct packet p = { .family = 4, .proto = proto, .tcp_flags = flags, .seq = flags & TCP_F_RST ? 999 : 0,
			    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(7), wire_port(8080) } };
	uint8_t buf[128];
	struct nat_pkt pkt = { .data = buf, .hook = (uint8_t)hook, .indev = indev };

	if (answer)
		p.ends = (struct nat_ends){ letter_addr('G', 4), letter_addr('C', 4), wire_port(80), wire_port(7) };
	if (proto == NAT_PROTO_ICMP) {
		p.ends.sport = answer ? wire_port(8) : wire_port(7);
		p.ends.dport = answer ? wire_port(7) : wire_port(8);
	}
	pkt.len = packet_build(&p, buf);
	nat_packet(&w.nat, &pkt, w.now);
	assert_int_equal(nat_reason_verdict(pkt.reason), NAT_ACCEPT);
	flow = pkt.flow;
}

static bool is_plain(void)
{
	struct plain p;

	return plain_of(&w.nat, flow, &p);
}

static void handshake(void)
{
	give(NAT_PROTO_TCP, TCP_F_SYN, NAT_PRE, OUTSIDE);
	give(NAT_PROTO_TCP, TCP_F_SYN | TCP_F_ACK, NAT_POST, 0);
	give(NAT_PROTO_TCP, TCP_F_ACK, NAT_PRE, OUTSIDE);
}

static void tcp_is_plain_while_established(void **state)
{
	(void)state;
	give(NAT_PROTO_TCP, TCP_F_SYN, NAT_PRE, OUTSIDE);
	assert_false(is_plain());
	give(NAT_PROTO_TCP, TCP_F_SYN | TCP_F_ACK, NAT_POST, 0);
	assert_false(is_plain());
	give(NAT_PROTO_TCP, TCP_F_ACK, NAT_PRE, OUTSIDE);
	assert_true(is_plain());
	give(NAT_PROTO_TCP, TCP_F_RST, NAT_PRE, OUTSIDE);	/* of a wrong number: in doubt */
	assert_false(is_plain());
	give(NAT_PROTO_TCP, TCP_F_ACK, NAT_PRE, OUTSIDE);
	assert_true(is_plain());
	give(NAT_PROTO_TCP, TCP_F_FIN | TCP_F_ACK, NAT_POST, 0);
	assert_false(is_plain());
}

static void udp_is_plain_once_answered(void **state)
{
	(void)state;
	give(NAT_PROTO_UDP, 0, NAT_PRE, OUTSIDE);
	assert_false(is_plain());
	give(NAT_PROTO_UDP, 0, NAT_POST, 0);
	assert_true(is_plain());
}

static void others_are_not(void **state)
{
	struct plain p;

	(void)state;
	give(NAT_PROTO_ICMP, 0, NAT_PRE, OUTSIDE);
	give(NAT_PROTO_ICMP, 0, NAT_POST, 0);
	assert_false(is_plain());
	give(NAT_PROTO_UDP, 0, NAT_OUT, 0);			/* of this host */
	w.nat.flows.flow[flow].flags |= FLOW_ANSWERED;
	w.nat.flows.flow[flow].idle = IDLE_UDP;
	assert_false(is_plain());
	assert_false(plain_of(&w.nat, 63, &p));			/* free */
	assert_false(plain_of(&w.nat, 64, &p));			/* no slot */
	assert_false(plain_of(&w.nat, NAT_NONE, &p));
}

/* A flow from the guest's own network is rewritten at two hooks. */
static void hairpin_is_not(void **state)
{
	(void)state;
	give(NAT_PROTO_UDP, 0, NAT_PRE, BRIDGE);
	assert_true(w.nat.flows.flow[flow].flags & FLOW_HAIRPIN);
	w.nat.flows.flow[flow].flags |= FLOW_ANSWERED;
	w.nat.flows.flow[flow].idle = IDLE_UDP;
	assert_false(is_plain());
}

static void forward_gone_flow_not_plain(void **state)
{
	(void)state;
	handshake();
	assert_true(is_plain());
	world_map(&w, "tcp *:9 > G:9");
	assert_false(is_plain());
}

/* What a packet of either direction comes and goes with, as nat_packet() would have it. */
static void plain_says_what_to_write(void **state)
{
	struct plain p;

	(void)state;
	handshake();
	assert_true(plain_of(&w.nat, flow, &p));
	assert_int_equal(p.proto, NAT_PROTO_TCP);
	assert_int_equal(p.family, NAT_IPV4);
	for (unsigned d = 0; d < NAT_DIRS; d++) {
		struct packet from = { .family = 4, .proto = NAT_PROTO_TCP, .tcp_flags = TCP_F_ACK, .payload = 3, .ends = p.dir[d].from };
		struct packet to = from;
		uint8_t buf[128], want[128], from_buf[128];
		struct nat_pkt pkt = { .data = buf, .len = packet_build(&from, buf), .hook = d ? NAT_POST : NAT_PRE,
				       .indev = d ? 0 : OUTSIDE };

		to.ends = p.dir[d].to;
		packet_build(&to, want);
		nat_packet(&w.nat, &pkt, w.now);
		assert_int_equal(pkt.reason, NAT_WHY_TRANSLATED);
		assert_int_equal(pkt.dir, d);
		packet_build(&from, from_buf);
		packet_take_id(from_buf, buf, want);
		assert_memory_equal(buf, want, pkt.len);
	}
}

static void seen_counts_and_keeps_alive(void **state)
{
	struct nat_flow *f;
	struct plain p;
	nat_ns start = w.now;

	(void)state;
	give(NAT_PROTO_UDP, 0, NAT_PRE, OUTSIDE);
	give(NAT_PROTO_UDP, 0, NAT_POST, 0);
	assert_true(plain_of(&w.nat, flow, &p));
	f = &w.nat.flows.flow[flow];
	w.now = start + NAT_SEC(290);
	assert_true(plain_seen(&w.nat, &p, NAT_REPLY, 10, 12345, start + NAT_SEC(200), w.now));
	assert_int_equal(f->packets[NAT_REPLY], 11);
	assert_int_equal(f->octets[NAT_REPLY], 12345 + 28);
	assert_null(nat_check(&w.nat));
	/* Silent since 200 s: it lives until 500 s and not longer. */
	w.now = start + NAT_SEC(499);
	assert_int_equal(nat_expire(&w.nat, w.now, 9), 0);
	assert_true(plain_seen(&w.nat, &p, NAT_ORIG, 0, 0, 0, w.now));
	w.now = start + NAT_SEC(501);
	assert_false(plain_seen(&w.nat, &p, NAT_ORIG, 1, 100, w.now, w.now));
	assert_int_equal(nat_expire(&w.nat, w.now, 9), 1);
	assert_null(nat_check(&w.nat));
}

/* The slot of a flow that is over may belong to another: what the tier says of the old one is not believed. */
static void seen_of_another_is_refused(void **state)
{
	struct plain p;
	uint32_t was;

	(void)state;
	handshake();
	was = flow;
	assert_true(plain_of(&w.nat, flow, &p));
	assert_true(nat_end(&w.nat, flow, &w.nat.flows.flow[flow]));
	assert_false(plain_seen(&w.nat, &p, NAT_ORIG, 1, 100, w.now, w.now));
	give(NAT_PROTO_UDP, 0, NAT_PRE, OUTSIDE);
	give(NAT_PROTO_UDP, 0, NAT_POST, 0);
	assert_int_equal(flow, was);
	assert_false(plain_seen(&w.nat, &p, NAT_ORIG, 1, 100, w.now, w.now));
	assert_int_equal(w.nat.flows.flow[flow].packets[NAT_ORIG], 1);
}

static void add(const char *name, CMUnitTestFunction run)
{
	unit_add_around(name, run, NULL, setup, teardown);
}

int main(void)
{
	add("plain_tcp_is_plain_while_established", tcp_is_plain_while_established);
	add("plain_udp_is_plain_once_answered", udp_is_plain_once_answered);
	add("plain_others_are_not", others_are_not);
	add("plain_hairpin_is_not", hairpin_is_not);
	add("plain_forward_gone_flow_not_plain", forward_gone_flow_not_plain);
	add("plain_plain_says_what_to_write", plain_says_what_to_write);
	add("plain_seen_counts_and_keeps_alive", seen_counts_and_keeps_alive);
	add("plain_seen_of_another_is_refused", seen_of_another_is_refused);
	return unit_run("plain");
}
