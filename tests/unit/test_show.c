/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show: every form of line, and every size of buffer. */
#include "nfq/show.h"

#include "nat/tcp.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

static const char *name(uint32_t forward)
{
	return forward == 7 ? "web" : "?";
}

/* What a row shows, and how. */
struct line {
	const char *what;
	void (*show)(char *buf, size_t octets);
	const char *text;
};

static struct nat_ends ends(char src, uint16_t sport, char dst, uint16_t dport, enum nat_family family)
{
	return (struct nat_ends){ .src = letter_addr(src, family), .dst = letter_addr(dst, family),
				  .sport = wire_port(sport), .dport = wire_port(dport) };
}

static void ends_tcp4(char *buf, size_t octets)
{
	struct nat_ends e = ends('C', 40000, 'H', 8080, NAT_IPV4);

	show_ends(buf, octets, &e, NAT_PROTO_TCP, NAT_IPV4);
}

static void ends_udp6(char *buf, size_t octets)
{
	struct nat_ends e = ends('C', 40000, 'H', 53, NAT_IPV6);

	show_ends(buf, octets, &e, NAT_PROTO_UDP, NAT_IPV6);
}

static void ends_request(char *buf, size_t octets)
{
	struct nat_ends e = ends('C', 777, 'H', 8, NAT_IPV4);

	show_ends(buf, octets, &e, NAT_PROTO_ICMP, NAT_IPV4);
}

static void ends_answer(char *buf, size_t octets)
{
	struct nat_ends e = ends('H', 128, 'C', 777, NAT_IPV6);

	show_ends(buf, octets, &e, NAT_PROTO_ICMPV6, NAT_IPV6);
}

static void proto_sctp(char *buf, size_t octets)
{
	show_proto(buf, octets, 131);
}

static struct nat_pkt packet_tcp4(void)
{
	struct nat_pkt p = { .len = 60, .hook = NAT_PRE, .tcp_flags = TCP_F_SYN, .reason = NAT_WHY_OPENED, .changed = true,
			     .flow = 12, .forward = 7 };

	p.view.tuple.proto = p.ends_proto = NAT_PROTO_TCP;
	p.view.tuple.family = NAT_IPV4;
	p.before = ends('C', 40000, 'H', 8080, NAT_IPV4);
	p.after = ends('C', 40000, 'G', 80, NAT_IPV4);
	return p;
}

static void packet_translated(char *buf, size_t octets)
{
	struct nat_pkt p = packet_tcp4();

	show_packet(buf, octets, &p, name);
}

static void packet_all_flags(char *buf, size_t octets)
{
	struct nat_pkt p = packet_tcp4();

	p.tcp_flags = 0xff;
	p.changed = false;
	p.flow = p.forward = NAT_NONE;
	p.reason = NAT_WHY_TCP_FLAGS;
	show_packet(buf, octets, &p, name);
}

static void packet_error(char *buf, size_t octets)
{
	struct nat_pkt p = packet_tcp4();

	p.view.tuple.proto = NAT_PROTO_ICMP;
	p.ends_proto = NAT_PROTO_UDP;
	p.view.is_error = true;
	p.hook = NAT_POST;
	p.reason = NAT_WHY_ERROR;
	show_packet(buf, octets, &p, name);
}

static void packet_not_ip(char *buf, size_t octets)
{
	struct nat_pkt p = { .len = 3, .hook = NAT_FWD, .reason = NAT_WHY_IP_VERSION, .flow = NAT_NONE, .forward = NAT_NONE };

	show_packet(buf, octets, &p, name);
}

static void packet_gone_device(char *buf, size_t octets)
{
	struct nat_pkt p = { .len = 3, .hook = NAT_FWD, .reason = NAT_WHY_IP_VERSION, .flow = NAT_NONE, .forward = NAT_NONE,
			     .indev = 0x7ffffff0 };

	show_packet(buf, octets, &p, name);
}

static struct nat_flow flow_tcp4(void)
{
	struct nat_ends xlat = ends('C', 40000, 'G', 80, NAT_IPV4);

	return (struct nat_flow){ .orig = ends('C', 40000, 'H', 8080, NAT_IPV4), .reply = nat_ends_inverse(&xlat),
				  .proto = NAT_PROTO_TCP, .family = NAT_IPV4, .tcp = TCP_ESTABLISHED,
				  .idle = IDLE_TCP_ESTABLISHED, .packets = { 3, 2 }, .octets = { 300, 200 } };
}

static void event_new(char *buf, size_t octets)
{
	struct nat_event ev = { .type = NAT_EV_NEW, .index = 12, .forward = 7, .flow = flow_tcp4() };

	show_event(buf, octets, &ev, name);
}

static void event_new_special(char *buf, size_t octets)
{
	struct nat_event ev = { .type = NAT_EV_NEW, .index = 12, .forward = NAT_NONE, .flow = flow_tcp4() };

	ev.flow.flags = FLOW_HAIRPIN | FLOW_LOCAL;
	show_event(buf, octets, &ev, name);
}

static void event_state(char *buf, size_t octets)
{
	struct nat_event ev = { .type = NAT_EV_STATE, .flow.proto = NAT_PROTO_TCP, .index = 12, .from = TCP_SYN_RECV, .to = TCP_ESTABLISHED };

	show_event(buf, octets, &ev, name);
}

static void event_end(char *buf, size_t octets, enum nat_cause cause)
{
	struct nat_event ev = { .type = NAT_EV_END, .cause = (uint8_t)cause, .index = 12, .forward = NAT_NONE,
				.flow = flow_tcp4() };

	show_event(buf, octets, &ev, name);
}

static void event_end_idle(char *buf, size_t octets)
{
	event_end(buf, octets, NAT_END_IDLE);
}

static void event_end_room(char *buf, size_t octets)
{
	event_end(buf, octets, NAT_END_ROOM);
}

static void event_end_reopened(char *buf, size_t octets)
{
	event_end(buf, octets, NAT_END_REOPENED);
}

static void event_end_forward(char *buf, size_t octets)
{
	event_end(buf, octets, NAT_END_FORWARD);
}

#define ENDED " tcp 198.51.100.7:40000 > 203.0.113.1:8080 => 198.51.100.7:40000 > 192.168.122.50:80 " \
	"sent 3 packets 300 octets, answered 2 packets 200 octets"

static const struct line lines[] = {
	{ "ends of IPv4 with ports", ends_tcp4, "198.51.100.7:40000 > 203.0.113.1:8080" },
	{ "ends of IPv6 with ports", ends_udp6, "[2001:db8:c::7]:40000 > [2001:db8:1::1]:53" },
	{ "ends of an ICMP request", ends_request, "198.51.100.7 > 203.0.113.1 id 777" },
	{ "ends of an ICMPv6 answer", ends_answer, "2001:db8:1::1 > 2001:db8:c::7 id 777" },
	{ "a protocol without a name", proto_sctp, "proto-131" },
	{ "a translated packet", packet_translated,
	  "pkt pre tcp 198.51.100.7:40000 > 203.0.113.1:8080 => 198.51.100.7:40000 > 192.168.122.50:80 [S] 60 octets flow 12 "
	  "forward web: translated, new flow" },
	{ "a packet of no flow, all flags", packet_all_flags,
	  "pkt pre tcp 198.51.100.7:40000 > 203.0.113.1:8080 [FSRPAUEC] 60 octets: TCP flags that no stack sends together" },
	{ "an ICMP error", packet_error,
	  "pkt post icmp error about udp 198.51.100.7:40000 > 203.0.113.1:8080 => 198.51.100.7:40000 > 192.168.122.50:80 60 octets "
	  "flow 12 forward web: ICMP error, translated with the packet it quotes" },
	{ "octets that are no IP packet", packet_not_ip, "pkt fwd 3 octets: neither IPv4 nor IPv6" },
	{ "a device that is gone", packet_gone_device, "pkt fwd in=#2147483632 3 octets: neither IPv4 nor IPv6" },
	{ "a new flow", event_new,
	  "flow 12 new tcp 198.51.100.7:40000 > 203.0.113.1:8080 => 198.51.100.7:40000 > 192.168.122.50:80 forward web" },
	{ "a new flow of this host that is a hairpin", event_new_special,
	  "flow 12 new tcp 198.51.100.7:40000 > 203.0.113.1:8080 => 198.51.100.7:40000 > 192.168.122.50:80 hairpin "
	  "from this host" },
	{ "a change of state", event_state, "flow 12 state SYN_RECV -> ESTABLISHED" },
	{ "an end: idle", event_end_idle, "flow 12 end (idle)" ENDED },
	{ "an end: evicted", event_end_room, "flow 12 end (evicted, table full)" ENDED },
	{ "an end: reopened", event_end_reopened, "flow 12 end (reopened by a new SYN)" ENDED },
	{ "an end: forward removed", event_end_forward, "flow 12 end (its forward was removed)" ENDED },
};

/* A buffer of each size holds as much of @text as fits, ended by NUL, and nothing behind it is touched. */
static void check_cuts(void (*show)(char *, size_t), const char *text)
{
	for (size_t octets = 1; octets <= strlen(text) + 2; octets++) {
		size_t n = octets - 1 < strlen(text) ? octets - 1 : strlen(text);
		char *buf = malloc(octets);

		assert_non_null(buf);
		memset(buf, 0x55, octets);
		show(buf, octets);
		assert_memory_equal(buf, text, n);
		assert_int_equal(buf[n], 0);
		free(buf);
	}
	show(NULL, 0);
}

static void line_is_shown(void **state)
{
	const struct line *l = *state;
	char buf[SHOW_LINE_OCTETS];

	l->show(buf, sizeof(buf));
	assert_string_equal(buf, l->text);
	check_cuts(l->show, l->text);
}

/* The widest of everything fits into the sizes that show.h promises. */
static void widest_line_fits(void **state)
{
	struct nat_ends e = { .sport = 0xffff, .dport = 0xffff };
	struct nat_flow f = { .proto = NAT_PROTO_TCP, .family = NAT_IPV6, .packets = { UINT32_MAX, UINT32_MAX },
			      .octets = { UINT64_MAX, UINT64_MAX }, .flags = FLOW_HAIRPIN | FLOW_LOCAL };
	struct nat_event ev = { .type = NAT_EV_END, .cause = NAT_END_FORWARD, .index = NAT_NONE - 1, .forward = 7 };
	char line[2 * SHOW_LINE_OCTETS], both[2 * SHOW_ENDS_OCTETS];

	(void)state;
	memset(&e.src, 0xf1, sizeof(e.src));
	memset(&e.dst, 0xf2, sizeof(e.dst));
	show_ends(both, sizeof(both), &e, NAT_PROTO_TCP, NAT_IPV6);
	assert_true(strlen(both) < SHOW_ENDS_OCTETS);
	f.orig = f.reply = e;
	ev.flow = f;
	show_event(line, sizeof(line), &ev, name);
	assert_true(strlen(line) + 48 < SHOW_LINE_OCTETS);	/* with the longest name of a forward */
}

/* A flow of a real table. */
static struct world world;

static void flow_line(char *buf, size_t octets)
{
	show_flow(buf, octets, &world.nat, 0, world.now + NAT_SEC(10), name);
}

static void flow_open(void)
{
	struct nat_params p = world_params(1024);
	struct packet syn = { .family = NAT_IPV4, .proto = NAT_PROTO_TCP, .tcp_flags = TCP_F_SYN, .payload = 0 };
	struct nat_pkt pkt = { .hook = NAT_PRE, .indev = OUTSIDE };
	static uint8_t octets[PACKET_ROOM];

	world = world_new(&p);
	world_map(&world, "tcp *:8080 > G:80 fwd=7");
	syn.ends = ends('C', 40000, 'H', 8080, NAT_IPV4);
	pkt.data = octets;
	pkt.len = packet_build(&syn, octets);
	nat_packet(&world.nat, &pkt, world.now);
	assert_int_equal(pkt.reason, NAT_WHY_OPENED);
	assert_int_equal(pkt.flow, 0);
}

static void flow_is_shown(void **state)
{
	static const char text[] = "flow 0 tcp 198.51.100.7:40000 > 203.0.113.1:8080 => 198.51.100.7:40000 > 192.168.122.50:80 "
				   "SYN_SENT unanswered 230 s left forward web sent 1 packets 40 octets, "
				   "answered 0 packets 0 octets";
	char buf[SHOW_LINE_OCTETS];

	(void)state;
	flow_open();
	flow_line(buf, sizeof(buf));
	assert_string_equal(buf, text);
	check_cuts(flow_line, text);
	world_free(&world);
}

/* A report reads the clock once; the worker goes on writing meanwhile. */
static void flow_used_after_now(void **state)
{
	char buf[SHOW_LINE_OCTETS];

	(void)state;
	flow_open();
	show_flow(buf, sizeof(buf), &world.nat, 0, world.now - NAT_SEC(2), name);
	assert_non_null(strstr(buf, " 242 s left"));
	world_free(&world);
}

/* What the worker is just writing may be anything. */
static void torn_flow_is_text(void **state)
{
	char buf[SHOW_LINE_OCTETS];

	(void)state;
	flow_open();
	memset(buf, 'x', sizeof(buf));
	world.nat.flows.flow[0].tcp = 15;
	show_flow(buf, sizeof(buf), &world.nat, 0, world.now, name);
	assert_string_equal(buf, "flow 0 ");
	world.nat.flows.flow[0].idle = 15;
	show_flow(buf, sizeof(buf), &world.nat, 0, world.now, name);
	assert_string_equal(buf, "flow 0 ");
	world_free(&world);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(lines); i++)
		unit_add(lines[i].what, line_is_shown, &lines[i]);
	unit_add("the widest line fits", widest_line_fits, NULL);
	unit_add("a flow of the table", flow_is_shown, NULL);
	unit_add("a flow used after the report began has its whole limit left", flow_used_after_now, NULL);
	unit_add("a flow that is just being written is still text", torn_flow_is_text, NULL);
	return unit_run("show");
}
