/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frag: datagrams in pieces, through every hook that sees them, in every order; and what must not pass. */
#include "nat/frag.h"

#include "tests/unit/fragments.h"

#define TABLE "tcp *:8080 > G:80; udp *:8080 > G:80; udp *:9090 > F:90; icmp * > G; udp *:7000 > G:70 allow=D"

static struct world world;
static struct pieces pieces;

static int setup(void **state)
{
	struct nat_params p = world_params(64);

	(void)state;
	world = world_new(&p);
	world_map(&world, TABLE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

static struct nat_ends ends_of(const char *text, unsigned family)
{
	unsigned sport = 0, dport = 0;
	char a, b;

	if (sscanf(text, "%c:%u>%c:%u", &a, &sport, &b, &dport) != 4)
		abort();
	return (struct nat_ends){ letter_addr(a, family), letter_addr(b, family), wire_port((uint16_t)sport), wire_port((uint16_t)dport) };
}

/* A whole datagram from @text; TCP with SYN. ICMP: the second port is the echo type, as in nat/tuple.h. */
static uint32_t datagram(const char *text, unsigned family, uint8_t proto, uint32_t payload, uint8_t *out)
{
	struct packet p = { .family = family, .proto = proto, .payload = payload, .tcp_flags = TCP_F_SYN, .salt = 2,
			    .ends = ends_of(text, family) };

	if (proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMPV6)
		*(p.ends.dport ? &p.ends.sport : &p.ends.dport) = wire_port(family == 4 ? 8 : 128);
	return packet_build(&p, out);
}

/* Whole packets open the flow; then pieces of another datagram of it are sent the same way. */
static const struct way {
	const char *name;
	const char *open;		/* what opens the flow at PRE, or NULL: the pieces do */
	uint8_t hook;
	const char *from, *to;
	bool reply;
} ways[] = {
	{ "in", NULL, NAT_PRE, "C:4000>H:8080", "C:4000>G:80", false },
	{ "back", "C:4000>H:8080", NAT_POST, "G:80>C:4000", "H:8080>C:4000", true },
	{ "back_left_for_later", "C:4000>H:8080", NAT_PRE, "G:80>C:4000", "G:80>C:4000", true },
	{ "not_forwarded", NULL, NAT_PRE, "C:4000>H:8081", "C:4000>H:8081", false },
	{ "guests_own", NULL, NAT_POST, "G:81>C:4000", "G:81>C:4000", true },
};

static bool next_order(unsigned *order, unsigned n)
{
	unsigned i = n - 1, k = n - 1, t;

	while (i && order[i - 1] > order[i])
		i--;
	if (!i)
		return false;
	while (order[k] < order[i - 1])
		k--;
	t = order[i - 1], order[i - 1] = order[k], order[k] = t;
	for (unsigned a = i, b = n - 1; a < b; a++, b--)
		t = order[a], order[a] = order[b], order[b] = t;
	return true;
}

static void through(const struct way *way, unsigned family, uint8_t proto)
{
	static uint8_t whole[4096], want[4096], got[4096];
	unsigned order[4] = { 0, 1, 2, 3 };
	bool icmp = proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMPV6;
	uint32_t id = 100, len = datagram(icmp ? (way->reply ? "G:0>C:4000" : "C:4000>H:0") : way->from, family, proto, 133, whole);

	do {
		struct nat_pkt open = { .data = want, .indev = OUTSIDE };

		setup(NULL);
		if (way->open) {
			open.len = datagram(icmp ? "C:4000>H:0" : way->open, family, proto, 5, want);
			nat_packet(&world.nat, &open, world.now);
		}
		pieces_cut(&pieces, whole, len, 40, id++);
		assert_int_equal(pieces.n, 4);
		for (unsigned i = 0; i < 4; i++)
			pieces_give(&world, &pieces, order[i], way->hook, way->reply ? BRIDGE : OUTSIDE);
		for (unsigned i = 0; i < 4; i++) {
			if (pieces.piece[i].times != 1)
				unit_fail("IPv%u order %u%u%u%u: piece %u passed %u times", family, order[0], order[1], order[2],
					  order[3], i, pieces.piece[i].times);
			assert_int_equal(nat_reason_verdict(pieces.piece[i].pkt.reason), NAT_ACCEPT);
		}
		datagram(icmp ? (way->reply ? (way->hook == NAT_POST ? "H:0>C:4000" : "G:0>C:4000") : "C:4000>G:0") : way->to, family,
			 proto, 133, want);
		assert_int_equal(pieces_join(&pieces, got), len);
		if (family == 4)		/* the builder's identification and sum are not the cut one's */
			memcpy(want + 4, got + 4, 8);
		assert_memory_equal(got, want, len);
		assert_true(naive_good(got, len));
		teardown(NULL);
	} while (next_order(order, 4));
}

static void R64_every_order(void **state)
{
	const struct way *way = *state;
	bool ports_only = !strcmp(way->name, "not_forwarded") || !strcmp(way->name, "guests_own");

	for (unsigned f = 4; f <= 6; f += 2) {
		through(way, f, NAT_PROTO_UDP);
		through(way, f, NAT_PROTO_TCP);
		if (!ports_only)
			through(way, f, f == 4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6);
	}
}

/* R64, R75: of a hairpin each piece passes PREROUTING, then FORWARD; the answer PREROUTING and POSTROUTING. */
static void R64_hairpin_every_order(void **state)
{
	static uint8_t whole[4096], got[4096];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		unsigned order[4] = { 0, 1, 2, 3 };

		do {
			uint32_t len = datagram("F:4000>H:8080", f, NAT_PROTO_UDP, 133, whole);
			struct nat_addr h = letter_addr('H', f), g = letter_addr('G', f), c = letter_addr('F', f);
			struct nat_ends e;

			setup(NULL);
			pieces_cut(&pieces, whole, len, 40, 7);
			for (unsigned i = 0; i < 4; i++)
				pieces_give(&world, &pieces, order[i], NAT_PRE, BRIDGE);
			for (unsigned i = 0; i < 4; i++)
				pieces_give(&world, &pieces, order[i], NAT_FWD, BRIDGE);
			len = pieces_join(&pieces, got);
			assert_true(naive_good(got, len));
			pieces.piece[0].pkt.len = pieces.piece[0].len;
			assert_int_equal(pkt_parse(&pieces.piece[0].pkt), NAT_WHY_UNDECIDED);
			e = pieces.piece[0].pkt.view.tuple.ends;
			assert_memory_equal(&e.src, &h, 16);
			assert_memory_equal(&e.dst, &g, 16);

			/* the answer, with the port that the engine chose */
			{
				struct packet p = { .family = f, .proto = NAT_PROTO_UDP, .payload = 133, .salt = 4,
						    .ends = nat_ends_inverse(&e) };

				len = packet_build(&p, whole);
			}
			pieces_cut(&pieces, whole, len, 40, 8);
			for (unsigned i = 0; i < 4; i++)
				pieces_give(&world, &pieces, order[i], NAT_PRE, BRIDGE);
			for (unsigned i = 0; i < 4; i++)
				pieces_give(&world, &pieces, order[i], NAT_POST, BRIDGE);
			len = pieces_join(&pieces, got);
			assert_true(naive_good(got, len));
			assert_int_equal(pkt_parse(&pieces.piece[0].pkt), NAT_WHY_UNDECIDED);
			e = pieces.piece[0].pkt.view.tuple.ends;
			assert_memory_equal(&e.src, &h, 16);
			assert_memory_equal(&e.dst, &c, 16);
			assert_int_equal(e.sport, wire_port(8080));
			assert_int_equal(e.dport, wire_port(4000));
			teardown(NULL);
		} while (next_order(order, 4));
	}
}

static void cut(const char *text, unsigned family, uint8_t proto, uint32_t payload, uint32_t size, uint32_t id)
{
	static uint8_t whole[PACKET_ROOM];

	pieces_cut(&pieces, whole, datagram(text, family, proto, payload, whole), size, id);
}

static enum nat_reason give(unsigned i)
{
	return pieces_give(&world, &pieces, i, NAT_PRE, OUTSIDE);
}

/* R65: the pieces of a datagram that is dropped are dropped with it. */
static void R65_pieces_share_the_fate_of_the_first(void **state)
{
	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		cut("C:1>H:7000", f, NAT_PROTO_UDP, 133, 40, 5);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_HELD);
		assert_int_equal(give(0), NAT_WHY_NOT_ALLOWED);
		assert_int_equal(pieces.piece[2].pkt.reason, NAT_WHY_NOT_ALLOWED);
		assert_int_equal(give(1), NAT_WHY_NOT_ALLOWED);
	}
	assert_int_equal(world.nat.flows.head->used, 0);
}

/* R65: what is not the same in every part of the key is another datagram. */
static void R65_every_part_of_the_key_counts(void **state)
{
	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		cut("C:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 5);
		give(0);
		cut("C:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 6);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
		cut("D:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 5);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
		cut("C:1>K:8080", f, NAT_PROTO_UDP, 133, 40, 5);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
		cut("C:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 5);
		assert_int_equal(pieces_give(&world, &pieces, 1, NAT_PRE, 9), NAT_WHY_FRAGMENT_HELD);
		assert_int_equal(give(1), NAT_WHY_TRANSLATED);
	}
	cut("C:1>H:8080", 4, NAT_PROTO_UDP, 133, 40, 0x10005);		/* IPv6 has 32 bits of it */
	cut("C:1>H:8080", 6, NAT_PROTO_UDP, 133, 40, 0x10005);
	assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
}

/* The identification of a datagram that passed whole may be used at once by another, to another guest. */
static void R65_identification_used_again(void **state)
{
	(void)state;
	for (unsigned f = 4; f <= 6; f += 2)
		for (unsigned round = 0; round < 4; round++) {
			cut(round % 2 ? "C:2>H:9090" : "C:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 5);
			for (unsigned i = 4; i--;)
				give(i);
			for (unsigned i = 0; i < 4; i++) {
				struct nat_addr to = letter_addr(round % 2 ? 'F' : 'G', f);

				assert_int_equal(pieces.piece[i].times, 1);
				assert_memory_equal(&pieces.piece[i].pkt.after.dst, &to, 16);
			}
		}
}

/* R32, R36: 30 s for IPv4, 60 s for IPv6; then a late piece finds nothing. */
static void R32_a_datagram_has_its_time(void **state)
{
	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		cut("C:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 5);
		give(0);
		world.now += NAT_SEC(f == 4 ? 29 : 59);
		assert_int_equal(give(1), NAT_WHY_TRANSLATED);
		world.now += NAT_SEC(2);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_HELD);
	}
}

/* R67: the transport header must be whole in the first piece, and nothing may be written over it. */
static void R67_tiny_first_fragments(void **state)
{
	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		cut("C:1>H:8080", f, NAT_PROTO_TCP, 100, 16, 5);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
		assert_int_equal(give(0), NAT_WHY_FRAGMENT_TINY);
		assert_int_equal(pieces.piece[1].pkt.reason, NAT_WHY_FRAGMENT_TINY);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_TINY);
		cut("C:1>H:8080", f, NAT_PROTO_TCP, 100, 8, 6);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_TINY);	/* RFC 3128: offset 8 holds the flags */
		assert_int_equal(give(0), NAT_WHY_FRAGMENT_TINY);
		cut("C:1>H:8080", f, NAT_PROTO_UDP, 100, 8, 7);		/* UDP's header is 8 octets: that is enough */
		assert_int_equal(give(0), NAT_WHY_OPENED);
		assert_int_equal(give(1), NAT_WHY_TRANSLATED);
	}
	assert_int_equal(world.nat.flows.head->used, 2);
}

/* R67, RFC 7112: the chain of IPv6 headers must end in the first piece. */
static void R67_chain_cut_off(void **state)
{
	static uint8_t whole[4096];
	struct packet p = { .family = NAT_IPV6, .proto = NAT_PROTO_UDP, .payload = 100, .options = 2, .ends = ends_of("C:1>H:8080", 6) };
	uint32_t len = packet_build(&p, whole);

	(void)state;
	pieces_cut(&pieces, whole, len, 16, 5);		/* the second extension header ends behind it */
	assert_int_equal(give(0), NAT_WHY_FRAGMENT_TINY);
	assert_int_equal(give(1), NAT_WHY_FRAGMENT_TINY);
	pieces_cut(&pieces, whole, len, 40, 6);
	assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
	assert_int_equal(give(0), NAT_WHY_OPENED);
	assert_int_equal(pieces.piece[1].pkt.reason, NAT_WHY_TRANSLATED);
}

/* R68: a piece that reaches into the first ends the datagram; a second first piece leads nothing elsewhere. */
static void R68_overlaps(void **state)
{
	static uint8_t whole[4096], other[4096];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		uint32_t len = datagram("C:1>H:8080", f, NAT_PROTO_UDP, 133, whole);

		pieces_cut(&pieces, whole, len, 40, 5);
		give(0);
		assert_int_equal(give(1), NAT_WHY_TRANSLATED);
		piece_write(&pieces.piece[2], whole, len, 32, 40, 5);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_OVERLAP);
		assert_int_equal(give(3), NAT_WHY_FRAGMENT_OVERLAP);

		/* held before the first came */
		pieces_cut(&pieces, whole, len, 40, 6);
		piece_write(&pieces.piece[2], whole, len, 32, 40, 6);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_HELD);
		give(0);
		assert_int_equal(pieces.piece[2].pkt.reason, NAT_WHY_FRAGMENT_OVERLAP);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_OVERLAP);

		/* two firsts */
		len = datagram("C:2>H:9090", f, NAT_PROTO_UDP, 133, other);
		pieces_cut(&pieces, whole, len, 40, 7);
		give(0);
		piece_write(&pieces.piece[1], other, len, 0, 40, 7);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_OVERLAP);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_OVERLAP);

		/* but the same one twice is only a duplicate */
		pieces_cut(&pieces, whole, len, 40, 8);
		give(0);
		piece_write(&pieces.piece[1], whole, len, 0, 40, 8);
		assert_int_equal(give(1), NAT_WHY_TRANSLATED);
		assert_int_equal(give(2), NAT_WHY_TRANSLATED);

		/* two ends */
		pieces_cut(&pieces, whole, len, 40, 9);
		give(0);
		give(3);
		piece_write(&pieces.piece[2], whole, len - 8, 120, len - 8 - pieces_header(whole) - 120, 9);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_OVERLAP);
	}
}

/* R66: ports and checksum are in the first piece; of the others nothing changes but the addresses. */
static void R66_only_the_first_piece_has_more_than_addresses_changed(void **state)
{
	static struct pieces was;

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		cut("C:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 5);
		was = pieces;
		for (unsigned i = 0; i < 4; i++) {
			uint32_t head = f == 4 ? 20 : 48;
			bool same;

			give(i);
			assert_int_equal(pieces.piece[i].len, was.piece[i].len);	/* R63: no piece grows */
			same = !memcmp(pieces.piece[i].octets + head, was.piece[i].octets + head, was.piece[i].len - head);
			assert_true(same == (i != 0));
			assert_memory_equal(pieces.piece[i].octets, was.piece[i].octets, f == 4 ? 10 : 8);
		}
	}
}

static void R70_pieces_that_no_sender_makes(void **state)
{
	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		uint32_t at = f == 4 ? 6 : 42, len = f == 4 ? 2 : 4;

		cut("C:1>H:8080", f, NAT_PROTO_UDP, 133, 40, 5);
		pieces.piece[1].len -= 3;			/* not a multiple of 8, and more to come */
		wire_put16(pieces.piece[1].octets + len, (uint16_t)(wire_get16(pieces.piece[1].octets + len) - 3));
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_BAD);
		wire_put16(pieces.piece[3].octets + at, f == 4 ? 0x1fff : 0xfff8);	/* ends behind 65535 */
		assert_int_equal(give(3), NAT_WHY_FRAGMENT_BAD);
		pieces.piece[2].len = f == 4 ? 20 : 48;		/* nothing in it */
		wire_put16(pieces.piece[2].octets + len, f == 4 ? 20 : 8);
		assert_int_equal(give(2), NAT_WHY_FRAGMENT_BAD);
	}
}

/* R70: of one datagram only so many wait; a flood of others pushes the oldest out and leaves whole packets alone. */
static void R70_what_waits_is_bounded(void **state)
{
	uint8_t buf[256];
	struct nat_pkt whole = { .data = buf, .indev = OUTSIDE };
	unsigned held = 0;

	(void)state;
	cut("C:1>H:8080", 4, NAT_PROTO_UDP, 8 * 150, 8, 5);
	for (unsigned i = 1; i < 150; i++)
		held += give(i) == NAT_WHY_FRAGMENT_HELD;
	assert_int_equal(held, FRAG_HELD_MAX);
	assert_int_equal(pieces.piece[149].pkt.reason, NAT_WHY_FRAGMENT_LIMIT);

	for (uint32_t id = 0; id < 20000; id++) {
		cut("D:1>H:8080", 6, NAT_PROTO_UDP, 133, 40, id);
		assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
	}
	whole.len = datagram("D:1>H:8080", 6, NAT_PROTO_UDP, 5, buf);
	nat_packet(&world.nat, &whole, world.now);
	assert_int_equal(whole.reason, NAT_WHY_OPENED);
	assert_int_equal(world.nat.flows.head->used, 1);	/* R70: later pieces open nothing */
}

static void R71_sixty_four_kibibytes(void **state)
{
	(void)state;
	for (unsigned f = 4; f <= 6; f += 2)
		for (unsigned backward = 0; backward < 2; backward++) {
			static uint8_t got[PACKET_ROOM];

			cut("C:1>H:8080", f, NAT_PROTO_UDP, f == 4 ? 65507 : 65527, 552, backward);
			assert_true(pieces.n > 46);
			for (unsigned i = 0; i < pieces.n; i++)
				give(backward ? pieces.n - 1 - i : i);
			for (unsigned i = 0; i < pieces.n; i++)
				assert_int_equal(pieces.piece[i].times, 1);
			assert_true(naive_good(got, pieces_join(&pieces, got)));
		}
	/* R91: every octet was counted for the flow */
	assert_true(world.nat.flows.flow[0].octets[NAT_ORIG] > 2 * 65507u);
}

/* R57, R58: an ICMP error in pieces is not followed. */
static void R58_errors_in_pieces_are_left_alone(void **state)
{
	static uint8_t whole[4096];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		struct packet quote = { .family = f, .proto = NAT_PROTO_UDP, .payload = 100, .ends = ends_of("H:8080>C:1", f) };
		struct packet err = { .family = f, .proto = f == 4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6, .icmp_type = f == 4 ? 3 : 1,
				      .quote = &quote, .ends = ends_of("R:0>H:0", f) };

		pieces_cut(&pieces, whole, packet_build(&err, whole), 80, 5);
		assert_int_equal(give(0), NAT_WHY_ERROR_NO_FLOW);
		assert_int_equal(give(1), NAT_WHY_ERROR_NO_FLOW);
	}
}

/* What was held went with the worker: the next one begins with nothing noted. */
static void R88_recovery_forgets_pieces(void **state)
{
	(void)state;
	cut("C:1>H:8080", 4, NAT_PROTO_UDP, 133, 40, 5);
	give(0);
	nat_recover(&world.nat, world.now);
	assert_int_equal(give(1), NAT_WHY_FRAGMENT_HELD);
}

int main(void)
{
	static char names[COUNT(ways)][64];
#define TEST(name) unit_add_around(#name, name, NULL, setup, teardown)
	for (unsigned i = 0; i < COUNT(ways); i++) {
		snprintf(names[i], sizeof(names[i]), "R64_every_order_%s", ways[i].name);
		unit_add(names[i], R64_every_order, &ways[i]);
	}
	unit_add("R64_hairpin_every_order", R64_hairpin_every_order, NULL);
	TEST(R65_pieces_share_the_fate_of_the_first);
	TEST(R65_every_part_of_the_key_counts);
	TEST(R65_identification_used_again);
	TEST(R32_a_datagram_has_its_time);
	TEST(R67_tiny_first_fragments);
	TEST(R67_chain_cut_off);
	TEST(R68_overlaps);
	TEST(R66_only_the_first_piece_has_more_than_addresses_changed);
	TEST(R70_pieces_that_no_sender_makes);
	TEST(R70_what_waits_is_bounded);
	TEST(R71_sixty_four_kibibytes);
	TEST(R58_errors_in_pieces_are_left_alone);
	TEST(R88_recovery_forgets_pieces);
	return unit_run("frag");
}
