/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reject: what the sender of a packet hears, octet for octet, and who hears nothing. */
#include "nfq/reject.h"

#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

enum { NOTHING = 255, MTU = 1400 };

static const struct row {
	const char *what;
	uint8_t proto;			/* NAT_PROTO_ICMP stands for ping of the family */
	uint8_t flags;			/* of the segment */
	uint32_t seq, ack, payload;	/* of it */
	uint8_t answer_flags;		/* NOTHING: no answer */
	uint32_t answer_seq, answer_ack;
	uint8_t code4, code6;		/* of the ICMP error */
	enum reject_how how;
} rows[] = {
	{ "SYN: acknowledged with the RST",  NAT_PROTO_TCP, TCP_F_SYN, 0xffffffff, 0, 0, TCP_F_RST | TCP_F_ACK, 0, 0, 0, 0, REJECT_AS_CLOSED },
	{ "SYN with data",                   NAT_PROTO_TCP, TCP_F_SYN, 100, 0, 500, TCP_F_RST | TCP_F_ACK, 0, 601, 0, 0, REJECT_AS_CLOSED },
	{ "ACK: the RST comes from there",   NAT_PROTO_TCP, TCP_F_ACK, 100, 777, 40, TCP_F_RST, 777, 0, 0, 0, REJECT_AS_CLOSED },
	{ "FIN without ACK",                 NAT_PROTO_TCP, TCP_F_FIN, 100, 0, 0, TCP_F_RST | TCP_F_ACK, 0, 101, 0, 0, REJECT_AS_CLOSED },
	{ "RST: nothing",                    NAT_PROTO_TCP, TCP_F_RST, 100, 0, 0, NOTHING, 0, 0, 0, 0, REJECT_AS_CLOSED },
	{ "UDP: port unreachable",           NAT_PROTO_UDP, 0, 0, 0, 5, 0, 0, 0, 3, 4, REJECT_AS_CLOSED },
	{ "UDP, larger than what is quoted", NAT_PROTO_UDP, 0, 0, 0, 900, 0, 0, 0, 3, 4, REJECT_AS_CLOSED },
	{ "ping: host unreachable",          NAT_PROTO_ICMP, 0, 0, 0, 56, 0, 0, 0, 1, 3, REJECT_AS_CLOSED },
	{ "R76_no_way_out_tcp",              NAT_PROTO_TCP, TCP_F_SYN, 100, 0, 0, 0, 0, 0, 1, 3, REJECT_UNREACHABLE },
	{ "R76_no_way_out_udp",              NAT_PROTO_UDP, 0, 0, 0, 5, 0, 0, 0, 1, 3, REJECT_UNREACHABLE },
	{ "R76_no_way_out_ping",             NAT_PROTO_ICMP, 0, 0, 0, 56, 0, 0, 0, 1, 3, REJECT_UNREACHABLE },
	{ "R4_hops_end_here_tcp",            NAT_PROTO_TCP, TCP_F_SYN, 100, 0, 0, 0, 0, 0, 0, 0, REJECT_EXPIRED },
	{ "R4_hops_end_here_udp",            NAT_PROTO_UDP, 0, 0, 0, 5, 0, 0, 0, 0, 0, REJECT_EXPIRED },
	{ "R4_hops_end_here_gre",            NAT_PROTO_GRE, 0, 0, 0, 50, 0, 0, 0, 0, 0, REJECT_EXPIRED },
	{ "R4_too_big_udp",                  NAT_PROTO_UDP, 0, 0, 0, 1450, 0, 0, 0, 4, 0, REJECT_TOO_BIG },
	{ "R4_too_big_ping",                 NAT_PROTO_ICMP, 0, 0, 0, 1450, 0, 0, 0, 4, 0, REJECT_TOO_BIG },
};

static struct packet packet_of(const struct row *r, enum nat_family family)
{
	struct packet p = {
		.family = family, .proto = r->proto, .tcp_flags = r->flags, .seq = r->seq, .ack = r->ack, .payload = r->payload,
		.ends = { letter_addr('C', family), letter_addr('H', family), wire_port(40000), wire_port(8080) },
	};

	if (r->proto == NAT_PROTO_ICMP) {
		p.proto = family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6;
		p.ends.dport = wire_port(family == NAT_IPV4 ? 8 : 128);
	}
	return p;
}

/* What the answer must be, built by other code. */
static uint32_t wanted(const struct row *r, const struct packet *in, uint8_t *d)
{
	bool v4 = in->family == NAT_IPV4;
	struct packet p = {
		.family = in->family, .proto = NAT_PROTO_TCP, .tcp_flags = r->answer_flags, .seq = r->answer_seq,
		.ack = r->answer_ack, .ends = nat_ends_inverse(&in->ends),
	};

	if (r->proto != NAT_PROTO_TCP || r->how != REJECT_AS_CLOSED) {
		p.proto = v4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6;
		p.icmp_type = r->how == REJECT_EXPIRED ? (v4 ? 11 : 3) : r->how == REJECT_TOO_BIG ? (v4 ? 3 : 2) : v4 ? 3 : 1;
		p.icmp_rest = r->how == REJECT_TOO_BIG ? MTU : 0;
		p.icmp_code = v4 ? r->code4 : r->code6;
		p.quote = in;
		p.quote_octets = REJECT_QUOTE;
	}
	return packet_build(&p, d);
}

static void answer_is_right(void **state)
{
	static uint8_t in[PACKET_ROOM], want[PACKET_ROOM], got[REJECT_OCTETS];
	const struct row *r = *state;

	for (unsigned f = NAT_IPV4; f <= NAT_IPV6; f += 2) {
		struct packet p = packet_of(r, f);
		uint32_t octets = packet_build(&p, in), l4 = f == NAT_IPV4 ? 20 : 40, want_octets;
		uint8_t *head = unit_exact(in, octets < REJECT_QUOTE ? octets : REJECT_QUOTE);
		enum nat_family family;
		struct nat_addr dst;
		size_t len = reject_build(head, octets, r->how, MTU, got, &dst, &family);

		free(head);
		if (r->answer_flags == NOTHING) {
			assert_int_equal(len, 0);
			continue;
		}
		want_octets = wanted(r, &p, want);
		assert_int_equal(family, f);
		assert_memory_equal(dst.octet, p.ends.src.octet, 16);
		assert_int_equal(len, want_octets);
		if (r->proto == NAT_PROTO_TCP)		/* window and urgent pointer: naught, the builder has others */
			memcpy(want + l4 + 14, got + l4 + 14, 6);
		assert_memory_equal(got + l4, want + l4, len - l4);
		assert_memory_equal(got + (f == NAT_IPV4 ? 12 : 8), want + (f == NAT_IPV4 ? 12 : 8), f == NAT_IPV4 ? 8 : 32);
	}
}

/* Whatever the octets are, no step outside: the sanitizer watches. */
static void any_octets(void **state)
{
	struct rng rng = rng_start("reject", 5);
	uint8_t got[REJECT_OCTETS], octets[REJECT_QUOTE], in[PACKET_ROOM];

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		const struct row *r = &rows[rng_below(&rng, COUNT(rows))];
		struct packet p = packet_of(r, rng_below(&rng, 2) ? NAT_IPV4 : NAT_IPV6);
		uint32_t len = packet_build(&p, in);
		enum nat_family family;
		struct nat_addr dst;
		uint8_t *head;

		memcpy(octets, in, sizeof(octets));
		for (unsigned n = rng_below(&rng, 4); n; n--)
			octets[rng_below(&rng, 60)] = (uint8_t)rng_next(&rng);
		len = rng_below(&rng, (len < REJECT_QUOTE ? len : REJECT_QUOTE) + 1);
		head = unit_exact(octets, len);
		assert_true(reject_build(head, len, (enum reject_how)rng_below(&rng, REJECT_HOWS), MTU, got, &dst, &family) <= REJECT_OCTETS);
		free(head);
	}
}

/* R67, RFC 7112 5: a first fragment of IPv6 that ends within the headers; any other packet gets no such answer. */
static void R67_cut_header_chain(void **state)
{
	static uint8_t in[PACKET_ROOM];
	uint8_t got[REJECT_OCTETS];
	enum nat_family family;
	struct nat_addr dst;

	(void)state;
	for (unsigned f = NAT_IPV4; f <= NAT_IPV6; f += 2) {
		struct packet p = packet_of(&rows[0], f);
		uint32_t len = packet_build(&p, in);

		assert_int_equal(reject_build(in, len, REJECT_CHAIN, 0, got, &dst, &family), 0);
		if (f == NAT_IPV4) {
			wire_put16(in + 6, 0x2000);
			assert_int_equal(reject_build(in, 28, REJECT_CHAIN, 0, got, &dst, &family), 0);
			continue;
		}
		memmove(in + 48, in + 40, 8);
		memset(in + 40, 0, 8);
		in[40] = in[6];
		in[6] = NAT_PROTO_FRAGMENT;
		in[43] = 1;			/* more follow */
		wire_put16(in + 4, 16);
		len = (uint32_t)reject_build(in, 56, REJECT_CHAIN, 0, got, &dst, &family);
		assert_int_equal(len, 40 + 8 + 56);
		assert_int_equal(got[40], 4);
		assert_int_equal(got[41], 3);
		assert_memory_equal(got + 48, in, 56);
		assert_memory_equal(dst.octet, p.ends.src.octet, 16);
		assert_true(naive_good(got, len));
		in[43] = 8;			/* not the first */
		assert_int_equal(reject_build(in, 56, REJECT_CHAIN, 0, got, &dst, &family), 0);
	}
}

/* What was rewritten is quoted as it came; what lies behind the quote is not touched, wherever it is. */
static void R4_too_big_as_it_came(void **state)
{
	(void)state;
	for (uint32_t exts = 0; exts <= 16; exts++) {
		struct packet out = { .family = NAT_IPV6, .proto = NAT_PROTO_UDP, .payload = 1300, .options = exts,
				      .ends = { letter_addr('C', NAT_IPV6), letter_addr('G', NAT_IPV6), wire_port(40000), wire_port(80) } };
		struct packet in = out;
		uint8_t *head = malloc(REJECT_QUOTE);	/* by itself, for the sanitizer */
		static uint8_t is[PACKET_ROOM], was[PACKET_ROOM];
		struct nat_pkt p = { .data = is, .changed = true };
		uint32_t octets;

		assert_non_null(head);
		in.ends.dst = letter_addr('H', NAT_IPV6);
		in.ends.dport = wire_port(8080);
		p.len = packet_build(&out, is);
		assert_int_equal(packet_build(&in, was), p.len);
		assert_int_equal(pkt_parse(&p), NAT_WHY_UNDECIDED);
		p.before = in.ends;
		octets = reject_head(&p, head);
		assert_int_equal(octets, p.view.l4 + 8 <= REJECT_QUOTE ? REJECT_QUOTE : 0);
		if (octets) {
			wire_put16(head + p.view.l4 + 6, wire_get16(was + p.view.l4 + 6));	/* its checksum may be any */
			assert_memory_equal(head, was, octets);
		}
		free(head);
	}
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].what, answer_is_right, &rows[i]);
	unit_add("R67_cut_header_chain", R67_cut_header_chain, NULL);
	unit_add("R4_too_big_as_it_came", R4_too_big_as_it_came, NULL);
	unit_add("any octets", any_octets, NULL);
	return unit_run("reject");
}
