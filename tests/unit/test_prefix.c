/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefix: NPTv6, RFC 6296, alone and on the engine; one-to-one on random addresses, test_masq.c has more of it. */
#include "nat/prefix.h"

#include <arpa/inet.h>

#include "nat/csum.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

static struct nat_addr v6(const char *text)
{
	struct nat_addr a;

	if (inet_pton(AF_INET6, text, a.octet) != 1)
		abort();
	return a;
}

static struct out_rule rule_of(const char *inside, const char *outside, uint8_t bits)
{
	return (struct out_rule){ .family = NAT_IPV6, .kind = OUT_NPTV6, .bits = bits, .oif = OUTSIDE, .near = BRIDGE,
				  .inside = v6(inside), .outside = v6(outside) };
}

static const struct vector {
	const char *name, *inside, *outside;
	uint8_t bits;
	const char *in, *out;		/* out NULL: it has none */
} vectors[] = {
	{ "R17_rfc_6296_3_5", "fd01:203:405::", "2001:db8:1::", 48, "fd01:203:405:1::1234", "2001:db8:1:d550::1234" },
	{ "R17_shorter_than_48", "fd00::", "2001:db8::", 32, "fd00:0:7:1::5", "2001:db8:7:cf48::5" },
	{ "R17_longer_than_48", "fd01:203:405:1::", "2001:db8:1:2::", 64, "fd01:203:405:1::1234", "2001:db8:1:2:d54e::1234" },
	{ "R17_first_word_of_the_identifier_is_ffff", "fd01:203:405:1::", "2001:db8:1:2::", 64,
	  "fd01:203:405:1:ffff::1234", "2001:db8:1:2:ffff:d54e:0:1234" },
	{ "R17_no_word_to_adjust", "fd01:203:405:1::", "2001:db8:1:2::", 64, "fd01:203:405:1:ffff:ffff:ffff:ffff", NULL },
	{ "R17_subnet_ffff", "fd01:203:405::", "2001:db8:1::", 48, "fd01:203:405:ffff::1", NULL },
	{ "R17_ffff_is_written_as_0", "fd01:203:405::", "2001:db8:1::", 48, "fd01:203:405:2ab0::1", "2001:db8:1:0::1" },
	{ "R17_bits_within_a_word", "fd01:203:405:10::", "2001:db8:1:20::", 60, "fd01:203:405:1f::1", NULL },
};

static uint16_t sum_of(const struct nat_addr *a)
{
	uint16_t s = csum_fold(csum_add_plain(0, a->octet, 16));

	return s == 0xffff ? 0 : s;
}

static void test_vector(void **state)
{
	const struct vector *v = *state;
	struct out_rule r = rule_of(v->inside, v->outside, v->bits);
	struct nat_addr in = v6(v->in), out, back;

	if (!v->out && v->bits != 60) {
		assert_false(prefix_out(&r, &in, &out));
		return;
	}
	assert_true(prefix_out(&r, &in, &out));
	if (v->out) {
		struct nat_addr want = v6(v->out);

		assert_memory_equal(&out, &want, sizeof(out));
	}
	assert_int_equal(sum_of(&in), sum_of(&out));
	assert_true(prefix_in(&r, &out, &back));
	assert_memory_equal(&in, &back, sizeof(in));
}

/* Whatever the address: there and back is the same, and no sum changes. */
static void test_round_trip(void **state)
{
	struct rng rng = rng_start("prefix", 6296);

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint8_t bits = (uint8_t)(1 + rng_below(&rng, 64));
		struct out_rule r = rule_of("::", "::", bits);
		struct nat_addr in, out, back;
		unsigned word;

		rng_fill(&rng, &in, sizeof(in));
		for (unsigned b = 0; b < bits; b++) {
			r.inside.octet[b / 8] |= (uint8_t)(in.octet[b / 8] & (0x80 >> b % 8));
			r.outside.octet[b / 8] |= (uint8_t)(rng_next(&rng) & (0x80 >> b % 8));
		}
		for (word = 4; word < 8 && rng_below(&rng, 4) == 0; word++)
			memset(in.octet + 2 * word, 0xff, 2);
		if (!prefix_out(&r, &in, &out)) {
			for (word = bits <= 48 ? 3 : 4; word < (bits <= 48 ? 4 : 8); word++)
				assert_int_equal(in.octet[2 * word] & in.octet[2 * word + 1], 0xff);
			continue;
		}
		assert_int_equal(sum_of(&in), sum_of(&out));
		assert_true(prefix_in(&r, &out, &back));
		if (memcmp(&in, &back, sizeof(in)) != 0)
			unit_fail("round %u, %u bits", i, bits);
	}
}

static struct world world_with(const struct out_rule *r)
{
	struct nat_params p = world_params(8);
	struct world w;

	p.max_outs = 4;
	w = world_new(&p);
	assert_int_equal(out_build(nat_spare_out(&w.nat), r, 1, NULL, 0, NULL, 0), OUT_OK);
	world_map(&w, "tcp H:8080 > G:80");
	return w;
}

/* Give @p to the engine; it must become @want, octet for octet. */
static void becomes(struct world *w, uint8_t hook, const struct packet *p, const struct packet *want, bool csum_partial)
{
	static uint8_t d[PACKET_ROOM], e[PACKET_ROOM];
	struct nat_pkt pkt = { .hook = hook, .data = d, .csum_partial = csum_partial,
			       .indev = hook == NAT_PRE ? OUTSIDE : 0, .outdev = hook == NAT_POST ? OUTSIDE : 0 };

	pkt.len = packet_build(p, d);
	nat_packet(&w->nat, &pkt, w->now);
	nat_finish(&pkt);
	assert_string_equal(nat_reason_name(pkt.reason), "PREFIX");
	assert_true(pkt.changed);
	assert_int_equal(packet_build(want, e), pkt.len);
	assert_memory_equal(d, e, pkt.len);
}

#define INSIDE "fd01:203:405:1::1234"
#define SEEN "2001:db8:1:d550::1234"
#define REMOTE "2001:db8:9::9"

static void both_ways(struct world *w, struct packet p)
{
	struct packet want = p;

	p.ends = (struct nat_ends){ v6(INSIDE), v6(REMOTE), wire_port(40000), wire_port(p.proto == NAT_PROTO_ICMPV6 ? 128 : 53) };
	want.ends = p.ends;
	want.ends.src = v6(SEEN);
	want.partial = false;
	becomes(w, NAT_POST, &p, &want, p.partial);
	p.ends = nat_ends_inverse(&want.ends);
	want.ends = p.ends;
	want.ends.dst = v6(INSIDE);
	becomes(w, NAT_PRE, &p, &want, p.partial);
}

static void test_packets(void **state)
{
	struct out_rule r = rule_of("fd01:203:405::", "2001:db8:1::", 48);
	struct world w = world_with(&r);
	static const uint8_t protos[] = { NAT_PROTO_TCP, NAT_PROTO_UDP, NAT_PROTO_ICMPV6, 50, 47 };

	(void)state;
	for (unsigned i = 0; i < COUNT(protos); i++)
		for (uint8_t salt = 0; salt < 20; salt++) {
			struct packet p = { .family = NAT_IPV6, .proto = protos[i], .payload = 100u + salt, .salt = salt,
					    .tcp_flags = salt % 2 ? TCP_F_ACK : TCP_F_SYN, .options = salt % 3,
					    .partial = salt % 4 == 1 && i < 3 };

			both_ways(&w, p);
		}
	assert_int_equal(w.nat.flows.head->used, 0);
	world_free(&w);
}

/* The leading @bits of @prefix, the rest of @a, one bit after the other. */
static struct nat_addr joined(const struct nat_addr *prefix, const struct nat_addr *a, unsigned first, unsigned bits)
{
	struct nat_addr j = *a;

	for (unsigned b = first; b < first + bits; b++) {
		uint8_t bit = (uint8_t)(0x80 >> b % 8);

		j.octet[b / 8] = (uint8_t)((j.octet[b / 8] & ~bit) | (prefix->octet[b / 8] & bit));
	}
	return j;
}

/* One to one, on any addresses: only the prefix changes, the way back is the inverse, and no flow is made. */
static void test_one_to_one(void **state)
{
	static const uint8_t protos[] = { NAT_PROTO_TCP, NAT_PROTO_UDP, NAT_PROTO_UDPLITE, NAT_PROTO_DCCP, NAT_PROTO_SCTP };
	struct rng rng = rng_start("one to one", 1);

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		enum nat_family family = i % 2 ? NAT_IPV4 : NAT_IPV6;
		unsigned first = family == NAT_IPV4 ? 96 : 0, bits = 4 + rng_below(&rng, 125 - first);
		struct out_rule r = { .family = (uint8_t)family, .kind = OUT_ONE_TO_ONE, .bits = (uint8_t)bits, .oif = OUTSIDE, .near = BRIDGE };
		struct nat_addr remote = letter_addr('C', family), zero = letter_addr(family == NAT_IPV4 ? 'C' : 'G', family), in, out;
		struct packet p = { .family = family, .proto = protos[rng_below(&rng, COUNT(protos))], .payload = rng_below(&rng, 50),
				    .salt = (uint8_t)rng_next(&rng), .tcp_flags = TCP_F_ACK }, want;
		struct world w;

		memset(zero.octet + first / 8, 0, 16 - first / 8);
		in = out = zero;
		rng_fill(&rng, in.octet + first / 8, 16 - first / 8);
		rng_fill(&rng, out.octet + first / 8, 16 - first / 8);
		/* none of a link or a group, and inside, outside and the remote told apart by the first four bits */
		in.octet[first / 8] = 0x10 | (in.octet[first / 8] & 7);
		out.octet[first / 8] = 0x30 | (out.octet[first / 8] & 7);
		r.inside = joined(&in, &zero, first, bits);
		r.outside = joined(&out, &zero, first, bits);
		out = joined(&out, &in, first, bits);
		w = world_with(&r);
		p.ends = (struct nat_ends){ in, remote, wire_port(40000), wire_port(53) };
		want = p;
		want.ends.src = out;
		becomes(&w, NAT_POST, &p, &want, false);
		p.ends = nat_ends_inverse(&want.ends);
		want.ends = p.ends;
		want.ends.dst = in;
		becomes(&w, NAT_PRE, &p, &want, false);
		assert_int_equal(w.nat.flows.head->used, 0);
		world_free(&w);
	}
}

static void test_errors(void **state)
{
	struct out_rule r = rule_of("fd01:203:405::", "2001:db8:1::", 48);
	struct world w = world_with(&r);
	struct packet quote = { .family = NAT_IPV6, .proto = NAT_PROTO_UDP, .payload = 40,
				.ends = { v6(SEEN), v6(REMOTE), wire_port(40000), wire_port(53) } };
	struct packet err = { .family = NAT_IPV6, .proto = NAT_PROTO_ICMPV6, .icmp_type = 2, .icmp_rest = 1280, .quote = &quote,
			      .ends = { v6("2001:db8:ff::1"), v6(SEEN), 0, 0 } };
	struct packet want_quote = quote, want = err;

	(void)state;
	want.quote = &want_quote;
	want.ends.dst = want_quote.ends.src = v6(INSIDE);
	becomes(&w, NAT_PRE, &err, &want, false);

	quote.ends = (struct nat_ends){ v6(REMOTE), v6(INSIDE), wire_port(53), wire_port(40000) };
	err.ends = (struct nat_ends){ v6(INSIDE), v6(REMOTE), 0, 0 };
	want_quote.ends = quote.ends;
	want_quote.ends.dst = want.ends.src = v6(SEEN);
	want.ends.dst = v6(REMOTE);
	becomes(&w, NAT_POST, &err, &want, false);
	world_free(&w);
}

static void test_unmappable(void **state)
{
	struct out_rule r = rule_of("fd01:203:405::", "2001:db8:1::", 48);
	struct world w = world_with(&r);
	static uint8_t d[PACKET_ROOM];
	struct packet p = { .family = NAT_IPV6, .proto = NAT_PROTO_UDP, .payload = 4,
			    .ends = { v6("fd01:203:405:ffff::1"), v6(REMOTE), 1, 2 } };
	struct nat_pkt pkt = { .hook = NAT_POST, .data = d, .outdev = OUTSIDE };

	(void)state;
	pkt.len = packet_build(&p, d);
	nat_packet(&w.nat, &pkt, w.now);
	assert_string_equal(nat_reason_name(pkt.reason), "PREFIX_UNMAPPABLE");
	pkt.outdev = BRIDGE;
	nat_packet(&w.nat, &pkt, w.now);
	assert_string_equal(nat_reason_name(pkt.reason), "NO_FLOW");
	world_free(&w);
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(vectors); i++)
		unit_add(vectors[i].name, test_vector, &vectors[i]);
	unit_add("R17_there_and_back", test_round_trip, NULL);
	unit_add("R17_every_protocol_both_ways", test_packets, NULL);
	unit_add("R13_R17_one_to_one_there_and_back", test_one_to_one, NULL);
	unit_add("R17_errors_with_their_quotes", test_errors, NULL);
	unit_add("R17_unmappable_is_dropped", test_unmappable, NULL);
	return unit_run("prefix");
}
