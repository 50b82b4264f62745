/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkt: what the octets say. Valid samples of every kind, then each of them cut
 * off at every length and with lies in every length field; the sanitizer sees
 * whoever reads outside.
 */
#include "nat/pkt.h"

#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

static uint8_t buf[PACKET_ROOM];

struct sample {
	const char *name;
	uint8_t family, proto;
	uint16_t sport, dport;		/* host order; of ICMP queries as in nat/tuple.h */
	uint32_t options, tcp_options, payload;
	uint32_t l4;			/* where the transport header must be found */
	uint8_t icmp_error;		/* type */
};

static const struct sample samples[] = {
	{ "tcp4", 4, 6, 40000, 80, 0, 0, 11, 20, 0 },
	{ "tcp4_no_payload", 4, 6, 1, 65535, 0, 0, 0, 20, 0 },
	{ "tcp4_ip_options", 4, 6, 40000, 80, 12, 0, 5, 32, 0 },
	{ "tcp4_most_ip_options", 4, 6, 40000, 80, 40, 40, 5, 60, 0 },
	{ "tcp4_most_tcp_options", 4, 6, 40000, 80, 0, 40, 5, 20, 0 },
	{ "udp4", 4, 17, 5353, 53, 0, 0, 33, 20, 0 },
	{ "udp4_no_payload", 4, 17, 5353, 53, 0, 0, 0, 20, 0 },
	{ "udp4_ip_options", 4, 17, 5353, 53, 8, 0, 7, 28, 0 },
	{ "R51_echo4", 4, 1, 77, 8, 0, 0, 56, 20, 0 },
	{ "R51_echo4_answer", 4, 1, 8, 77, 0, 0, 56, 20, 0 },
	{ "R51_timestamp", 4, 1, 77, 13, 0, 0, 12, 20, 0 },
	{ "R51_timestamp_answer", 4, 1, 13, 77, 0, 0, 12, 20, 0 },
	{ "R52_unreachable4", 4, 1, 0, 0, 0, 0, 40, 20, 3 },
	{ "R52_source_quench", 4, 1, 0, 0, 0, 0, 40, 20, 4 },
	{ "R52_time_exceeded4", 4, 1, 0, 0, 0, 0, 40, 20, 11 },
	{ "R52_parameter_problem4", 4, 1, 0, 0, 0, 0, 40, 20, 12 },
	{ "tcp6", 6, 6, 40000, 80, 0, 0, 11, 40, 0 },
	{ "tcp6_one_extension", 6, 6, 40000, 80, 1, 0, 11, 48, 0 },
	{ "tcp6_two_extensions", 6, 6, 40000, 80, 2, 12, 11, 72, 0 },
	{ "R72_tcp6_six_extensions", 6, 6, 40000, 80, 6, 0, 3, 112, 0 },
	{ "R72_tcp6_sixteen_extensions", 6, 6, 40000, 80, 16, 0, 3, 232, 0 },
	{ "R69_udp6_atomic_fragment", 6, 17, 5353, 53, 4, 0, 33, 88, 0 },
	{ "udp6", 6, 17, 5353, 53, 0, 0, 33, 40, 0 },
	{ "R51_echo6", 6, 58, 77, 128, 0, 0, 56, 40, 0 },
	{ "R51_echo6_answer", 6, 58, 128, 77, 0, 0, 56, 40, 0 },
	{ "R51_echo6_extensions", 6, 58, 77, 128, 3, 0, 56, 80, 0 },
	{ "R52_unreachable6", 6, 58, 0, 0, 0, 0, 60, 40, 1 },
	{ "R52_too_big", 6, 58, 0, 0, 0, 0, 60, 40, 2 },
	{ "R52_time_exceeded6", 6, 58, 0, 0, 0, 0, 60, 40, 3 },
	{ "R52_parameter_problem6", 6, 58, 0, 0, 0, 0, 60, 40, 4 },
};

static struct packet packet_of(const struct sample *s)
{
	return (struct packet){
		.family = s->family, .proto = s->proto, .options = s->options, .tcp_options = s->tcp_options,
		.payload = s->payload, .icmp_type = s->icmp_error, .tcp_flags = TCP_F_ACK | TCP_F_PSH, .salt = 3,
		.ends = { letter_addr('C', s->family), letter_addr('H', s->family), wire_port(s->sport), wire_port(s->dport) },
	};
}

static void check_view(const struct sample *s, const struct pkt_view *v, uint32_t end)
{
	struct packet p = packet_of(s);
	bool query = !s->icmp_error && (s->proto == 1 || s->proto == 58);

	assert_memory_equal(&v->tuple.ends, &p.ends, sizeof(p.ends));
	assert_int_equal(v->tuple.proto, s->proto);
	assert_int_equal(v->tuple.family, s->family);
	assert_int_equal(v->l4, s->l4);
	assert_int_equal(v->end, end);
	assert_int_equal(v->is_error, s->icmp_error != 0);
	assert_int_equal(v->has_ports, !s->icmp_error);
	assert_int_equal(v->icmp_answer, query && packet_is_answer(&p));
	assert_int_equal(v->icmp_request, query && !packet_is_answer(&p));
	assert_false(v->is_fragment);
}

static void sample_is_understood(void **state)
{
	const struct sample *s = *state;
	struct packet p = packet_of(s);
	uint32_t len = packet_build(&p, buf);
	struct nat_pkt pkt = { .data = buf, .len = len };
	struct pkt_view v;

	assert_int_equal(pkt_parse_ip(buf, len, false, &v), NAT_WHY_UNDECIDED);
	check_view(s, &v, len);
	assert_int_equal(pkt_parse(&pkt), NAT_WHY_UNDECIDED);
	check_view(s, &pkt.view, len);
	assert_int_equal(pkt.tcp_flags, s->proto == 6 ? TCP_F_ACK | TCP_F_PSH : 0);
	assert_memory_equal(&pkt.before, &p.ends, sizeof(p.ends));

	/* Octets behind the IP packet, as short Ethernet frames have them, are not its own. */
	assert_int_equal(pkt_parse_ip(buf, len + 18, false, &v), NAT_WHY_UNDECIDED);
	check_view(s, &v, len);
}

/* pkt_parse() has a shorter way for plain packets: it must find the same, and believe no more. */
static void check_same(struct nat_pkt *p)
{
	struct pkt_view v;
	enum nat_reason slow = pkt_parse_ip(p->data, p->len, p->truncated, &v), fast = pkt_parse(p);

	assert_true(fast == slow || (fast == NAT_WHY_LOCAL_SCOPE && slow == NAT_WHY_UNDECIDED));
	assert_memory_equal(&p->view, &v, sizeof(v));
	assert_true(nat_ends_eq(&p->before, &v.tuple.ends));
	if (fast == NAT_WHY_UNDECIDED) {
		assert_false(nat_addr_is_linklocal(&v.tuple.ends.src, v.tuple.family));
		assert_false(nat_addr_is_linklocal(&v.tuple.ends.dst, v.tuple.family));
		assert_false(nat_addr_is_multicast(&v.tuple.ends.dst, v.tuple.family));
		assert_int_equal(p->tcp_flags, v.tuple.proto == NAT_PROTO_TCP && v.end - v.l4 >= 14 ? p->data[v.l4 + 13] : 0);
	}
}

/* R82: cut off anywhere, whole or quoted: an answer, and no octet read outside. */
static void R82_cut_off_at_every_length(void **state)
{
	const struct sample *s = *state;
	struct packet p = packet_of(s);
	uint32_t len = packet_build(&p, buf);
	struct pkt_view v;

	for (uint32_t cut = 0; cut < len; cut++) {
		uint8_t *exact = unit_exact(buf, cut);
		struct nat_pkt pkt = { .data = exact, .len = cut, .truncated = cut % 2 };

		assert_int_not_equal(pkt_parse_ip(exact, cut, false, &v), NAT_WHY_UNDECIDED);
		/* R56: of a quote, 8 octets of the transport header are enough. */
		assert_int_equal(pkt_parse_ip(exact, cut, true, &v) == NAT_WHY_UNDECIDED, cut >= s->l4 + 8);
		if (cut >= s->l4 + 8)
			check_view(s, &v, cut);
		check_same(&pkt);
		free(exact);
	}
}

/* Every header octet takes every value: nothing is read outside, and what is believed lies inside. */
static void R82_lies_in_every_octet(void **state)
{
	const struct sample *s = *state;
	struct packet p = packet_of(s);
	uint32_t len = packet_build(&p, buf);
	uint8_t *exact = unit_exact(buf, len);
	struct pkt_view v;

	for (uint32_t at = 0; at < s->l4 + 20 && at < len; at++)
		for (unsigned value = 0; value < 256; value++) {
			struct nat_pkt pkt = { .data = exact, .len = len };

			exact[at] = (uint8_t)value;
			for (unsigned quoted = 0; quoted < 2; quoted++)
				if (pkt_parse_ip(exact, len, quoted, &v) == NAT_WHY_UNDECIDED)
					assert_true(v.l4 <= v.end && v.end <= len && (!(v.has_ports || v.is_error) || v.end - v.l4 >= 8));
			check_same(&pkt);
			exact[at] = buf[at];
		}
	free(exact);
}

/* One change to a good packet, and what must be said of it. */
struct lie {
	const char *name;
	const char *sample;
	uint32_t at;			/* octet, from the start */
	uint16_t value;			/* 16 bits there */
	enum nat_reason why;
};

#define FINE NAT_WHY_UNDECIDED
static const struct lie lies[] = {
	{ "version_5", "tcp4", 0, 0x5500, NAT_WHY_IP_VERSION },
	{ "version_0", "tcp4", 0, 0x0500, NAT_WHY_IP_VERSION },
	{ "ihl_4", "tcp4", 0, 0x4400, NAT_WHY_IP_SHORT },
	{ "ihl_0", "tcp4", 0, 0x4000, NAT_WHY_IP_SHORT },
	{ "ihl_behind_the_end", "udp4_no_payload", 0, 0x4f00, NAT_WHY_IP_SHORT },
	{ "ihl_over_tcp", "tcp4_no_payload", 0, 0x4a00, NAT_WHY_L4_SHORT },
	{ "total_length_0", "tcp4", 2, 0, NAT_WHY_IP_LENGTH },
	{ "total_length_shorter_than_header", "tcp4", 2, 19, NAT_WHY_IP_LENGTH },
	{ "total_length_only_header", "tcp4", 2, 20, NAT_WHY_L4_SHORT },
	{ "total_length_cuts_tcp_header", "tcp4", 2, 39, NAT_WHY_L4_SHORT },
	{ "total_length_one_too_long", "tcp4", 2, 52, NAT_WHY_IP_LENGTH },
	{ "total_length_largest", "tcp4", 2, 0xffff, NAT_WHY_IP_LENGTH },
	{ "total_length_shorter_than_packet", "tcp4", 2, 45, FINE },
	{ "R70_fragment_not_in_units_of_8", "udp4", 6, 0x2000, NAT_WHY_FRAGMENT_BAD },
	{ "R65_fragment_later_has_no_ports", "udp4", 6, 0x0001, FINE },
	{ "R70_fragment_behind_65535", "udp4", 6, 0x1fff, NAT_WHY_FRAGMENT_BAD },
	{ "R67_fragment_tcp_offset_1", "tcp4", 6, 0x0001, NAT_WHY_FRAGMENT_TINY },
	{ "dont_fragment_is_no_fragment", "udp4", 6, 0x4000, FINE },
	{ "evil_bit_is_no_fragment", "udp4", 6, 0x8000, FINE },
	{ "R26_gre", "tcp4", 8, 0x402f, FINE },
	{ "protocol_icmpv6_in_ipv4", "tcp4", 8, 0x403a, NAT_WHY_OTHER_PROTO },
	{ "protocol_igmp", "tcp4", 8, 0x4002, NAT_WHY_OTHER_PROTO },
	{ "protocol_hopopts_in_ipv4", "tcp4", 8, 0x4000, NAT_WHY_OTHER_PROTO },
	{ "tcp_offset_0", "tcp4", 32, 0x0010, NAT_WHY_TCP_OFFSET },
	{ "tcp_offset_4", "tcp4", 32, 0x4010, NAT_WHY_TCP_OFFSET },
	{ "tcp_offset_15_behind_the_end", "tcp4", 32, 0xf010, NAT_WHY_TCP_OFFSET },
	{ "tcp_offset_7_takes_the_payload", "tcp4", 32, 0x7010, FINE },
	{ "tcp6_offset_0", "tcp6", 52, 0x0010, NAT_WHY_TCP_OFFSET },
	{ "udp_length_0", "udp4", 24, 0, NAT_WHY_UDP_LENGTH },
	{ "udp_length_7", "udp4", 24, 7, NAT_WHY_UDP_LENGTH },
	{ "udp_length_8", "udp4", 24, 8, FINE },
	{ "udp_length_one_too_long", "udp4", 24, 42, NAT_WHY_UDP_LENGTH },
	{ "udp6_length_0", "udp6", 44, 0, NAT_WHY_UDP_LENGTH },
	{ "udp6_length_one_too_long", "udp6", 44, 42, NAT_WHY_UDP_LENGTH },
	{ "R59_redirect", "R51_echo4", 20, 0x0500, NAT_WHY_OTHER_PROTO },
	{ "address_mask_request", "R51_echo4", 20, 0x1100, NAT_WHY_OTHER_PROTO },
	{ "icmp4_type_255", "R51_echo4", 20, 0xff00, NAT_WHY_OTHER_PROTO },
	{ "R12_neighbour_solicitation", "R51_echo6", 40, 0x8700, NAT_WHY_OTHER_PROTO },
	{ "R12_router_advertisement", "R51_echo6", 40, 0x8600, NAT_WHY_OTHER_PROTO },
	{ "R59_redirect6", "R51_echo6", 40, 0x8900, NAT_WHY_OTHER_PROTO },
	{ "R12_mld", "R51_echo6", 40, 0x8200, NAT_WHY_OTHER_PROTO },
	{ "icmp6_type_0", "R51_echo6", 40, 0x0000, NAT_WHY_OTHER_PROTO },
	{ "icmp6_private_error_type_100", "R51_echo6", 40, 0x6400, NAT_WHY_OTHER_PROTO },
	{ "payload_length_0", "tcp6", 4, 0, NAT_WHY_L4_SHORT },
	{ "payload_length_one_too_long", "tcp6", 4, 32, NAT_WHY_IP_LENGTH },
	{ "payload_length_cuts_tcp", "tcp6", 4, 19, NAT_WHY_L4_SHORT },
	{ "payload_length_cuts_extension", "tcp6_one_extension", 4, 7, NAT_WHY_IPV6_CHAIN },
	{ "payload_length_ends_with_extension", "tcp6_one_extension", 4, 8, NAT_WHY_L4_SHORT },
	{ "extension_longer_than_packet", "tcp6_one_extension", 40, 0x06ff, NAT_WHY_IPV6_CHAIN },
	{ "extension_swallows_tcp", "tcp6_one_extension", 40, 0x0603, NAT_WHY_L4_SHORT },
	{ "next_is_icmpv4", "tcp6", 6, 0x0140, NAT_WHY_OTHER_PROTO },
	{ "R72_no_next_header", "tcp6", 6, 0x3b40, NAT_WHY_OTHER_PROTO },
	{ "R72_esp_ends_the_walk", "tcp6", 6, 0x3240, FINE },
	{ "R73_ah", "tcp6", 6, 0x3340, NAT_WHY_OTHER_PROTO },
	{ "R73_routing_type_4_one_left", "R51_echo6_extensions", 74, 0x0401, NAT_WHY_ROUTED_HEADER },
	{ "R73_routing_type_0_one_left", "R51_echo6_extensions", 74, 0x0001, NAT_WHY_ROUTING_TYPE_0 },
	{ "R73_routing_type_0_none_left", "R51_echo6_extensions", 74, 0x0000, FINE },
	{ "R70_fragment6_not_in_units_of_8", "R69_udp6_atomic_fragment", 82, 0x0001, NAT_WHY_FRAGMENT_BAD },
	{ "R65_fragment6_later_has_no_ports", "R69_udp6_atomic_fragment", 82, 0x0008, FINE },
	{ "R69_reserved_bits_are_no_fragment", "R69_udp6_atomic_fragment", 82, 0x0006, FINE },
};

static uint32_t build(const char *name, uint8_t *out)
{
	for (unsigned i = 0; i < COUNT(samples); i++)
		if (!strcmp(samples[i].name, name)) {
			struct packet p = packet_of(&samples[i]);

			return packet_build(&p, out);
		}
	unit_fail("no sample %s", name);
	return 0;
}

static void lie(void **state)
{
	const struct lie *l = *state;
	uint32_t len = build(l->sample, buf);
	uint8_t *exact;
	struct pkt_view v;

	wire_put16(buf + l->at, l->value);
	exact = unit_exact(buf, len);
	assert_string_equal(l->why == FINE ? "" : nat_reason_name(l->why),
			    pkt_parse_ip(exact, len, false, &v) == FINE ? "" : nat_reason_name(pkt_parse_ip(exact, len, false, &v)));
	free(exact);
}

/* What may be quoted though it could not come by itself. */
static void R56_quotes(void **state)
{
	struct pkt_view v;
	uint32_t len;

	(void)state;
	len = build("udp4", buf);
	wire_put16(buf + 6, 0x2000);
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), FINE);		/* a first fragment has ports */
	assert_true(v.is_fragment);
	wire_put16(buf + 6, 0x2001);
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), NAT_WHY_ERROR_NO_FLOW);	/* a later one has not */

	len = build("R69_udp6_atomic_fragment", buf);
	wire_put16(buf + 82, 1);
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), FINE);
	wire_put16(buf + 82, 8);
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), NAT_WHY_ERROR_NO_FLOW);

	len = build("tcp4", buf);
	wire_put16(buf + 2, 1500);						/* longer than what is quoted */
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), FINE);
	assert_int_equal(v.end, len);
	wire_put16(buf + 2, 30);						/* padded behind its end: RFC 4884 */
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), FINE);
	assert_int_equal(v.end, 30);
	wire_put16(buf + 2, 0);							/* R7: larger than 64 KiB */
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), FINE);
	assert_int_equal(v.end, len);
	buf[32] = 0;								/* data offset: not looked at */
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), FINE);

	len = build("tcp6", buf);
	wire_put16(buf + 4, 0);
	assert_int_equal(pkt_parse_ip(buf, len, true, &v), FINE);
	assert_int_equal(v.end, len);
}

static void R72_seventeen_extensions_are_too_many(void **state)
{
	struct packet p = { .family = NAT_IPV6, .proto = 6, .options = 17,
			    .ends = { letter_addr('C', NAT_IPV6), letter_addr('H', NAT_IPV6), 1, 2 } };
	struct pkt_view v;

	(void)state;
	assert_int_equal(pkt_parse_ip(buf, packet_build(&p, buf), false, &v), NAT_WHY_IPV6_CHAIN);
}

/* R12: never translated, whoever sends it. */
static void R12_local_scope(void **state)
{
	static const char rows[][3] = { "CM", "lH", "Cl", "ll", "lM" };

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++)
		for (unsigned f = 4; f <= 6; f += 2) {
			struct packet p = { .family = f, .proto = 17,
					    .ends = { letter_addr(rows[i][0], f), letter_addr(rows[i][1], f), 1, 2 } };
			struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf) };

			assert_int_equal(pkt_parse(&pkt), NAT_WHY_LOCAL_SCOPE);
			if (f == 4) {
				memset(buf + 16, 0xff, 4);	/* to everybody */
				assert_int_equal(pkt_parse(&pkt), NAT_WHY_LOCAL_SCOPE);
			}
		}
}

/* A mapped address in an IPv6 header stays IPv6 (nat/addr.h). */
static void mapped_address_stays_ipv6(void **state)
{
	struct packet p = { .family = NAT_IPV6, .proto = 17,
			    .ends = { letter_addr('C', NAT_IPV4), letter_addr('H', NAT_IPV4), 1, 2 } };
	struct pkt_view v;

	(void)state;
	assert_int_equal(pkt_parse_ip(buf, packet_build(&p, buf), false, &v), FINE);
	assert_int_equal(v.tuple.family, NAT_IPV6);
}

static void prefixes(void **state)
{
	static const struct { char addr; unsigned family, bits; const char *has, *has_not; } rows[] = {
		{ 'C', 4, 24, "CD", "HGRL" }, { 'C', 4, 32, "C", "D" }, { 'C', 4, 29, "C", "D" }, { 'C', 4, 28, "CD", "H" },
		{ 'C', 4, 0, "CDHGL", "" }, { 'H', 4, 31, "H", "K" }, { 'H', 4, 30, "HK", "C" },
		{ 'C', 6, 64, "CD", "HRL" }, { 'C', 6, 128, "C", "D" }, { 'C', 6, 125, "C", "D" }, { 'C', 6, 124, "CD", "H" },
		{ 'C', 6, 0, "CDHGL", "" }, { 'C', 6, 32, "CDHK", "GL" },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct nat_prefix p = { letter_addr(rows[i].addr, rows[i].family), (uint8_t)rows[i].family,
					(uint8_t)rows[i].bits };
		struct nat_addr a = letter_addr('C', rows[i].family);

		for (const char *c = rows[i].has; *c; c++) {
			a = letter_addr(*c, rows[i].family);
			assert_true(nat_prefix_has(&p, &a, rows[i].family));
			assert_false(nat_prefix_has(&p, &a, 10 - rows[i].family));
		}
		for (const char *c = rows[i].has_not; *c; c++) {
			a = letter_addr(*c, rows[i].family);
			assert_false(nat_prefix_has(&p, &a, rows[i].family));
		}
	}
}

int main(void)
{
	static char names[3][COUNT(samples)][64];

	for (unsigned i = 0; i < COUNT(samples); i++) {
		snprintf(names[1][i], 64, "R82_cut_off_%s", samples[i].name);
		snprintf(names[2][i], 64, "R82_lies_%s", samples[i].name);
		unit_add(samples[i].name, sample_is_understood, &samples[i]);
		unit_add(names[1][i], R82_cut_off_at_every_length, &samples[i]);
		unit_add(names[2][i], R82_lies_in_every_octet, &samples[i]);
	}
	for (unsigned i = 0; i < COUNT(lies); i++)
		unit_add(lies[i].name, lie, &lies[i]);
	unit_add("R56_quotes", R56_quotes, NULL);
	unit_add("R72_seventeen_extensions_are_too_many", R72_seventeen_extensions_are_too_many, NULL);
	unit_add("R12_local_scope", R12_local_scope, NULL);
	unit_add("mapped_address_stays_ipv6", mapped_address_stays_ipv6, NULL);
	unit_add("prefixes", prefixes, NULL);
	return unit_run("pkt");
}
