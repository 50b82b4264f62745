/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ident: datagrams of several guests behind one address are told apart by their receiver (R28). */
#include "nat/ident.h"

#include "tests/unit/fragments.h"
#include "tests/unit/outs.h"

#define TABLE "udp H:8080 > G:80; udp H:9090 > F:90; tcp *:8080 > G:80"

static struct world world;
static struct pieces one, other;
static uint8_t whole[4096], got[PACKET_ROOM];

static void begin(const char *outs)
{
	struct nat_params p = world_params(64);

	p.max_outs = 8;
	p.max_mappings = p.max_peers = 64;
	world = world_new(&p);
	outs_swap(&world, TABLE, outs);
}

static struct nat_ends ends_of(char a, unsigned sport, char b, unsigned dport, unsigned family)
{
	return (struct nat_ends){ letter_addr(a, family), letter_addr(b, family), wire_port((uint16_t)sport), wire_port((uint16_t)dport) };
}

/* One whole packet through one hook; returns it as the engine left it, its octets in @got. */
static struct nat_pkt give(const struct packet *p, uint8_t hook)
{
	struct nat_pkt pkt = { .data = got, .len = packet_build(p, got), .hook = hook, .indev = hook == NAT_PRE ? OUTSIDE : 0,
			       .outdev = hook == NAT_POST ? OUTSIDE : 0 };

	nat_packet(&world.nat, &pkt, world.now);
	nat_finish(&pkt);
	if (pkt.changed)
		assert_true(naive_good(got, pkt.len));
	return pkt;
}

static uint32_t id_of(const uint8_t *d)
{
	return d[0] >> 4 == 4 ? wire_get16(d + 4) : wire_get32(d + 44);
}

/* All pieces have one identification, and together they are the datagram with its new ends. */
static uint32_t joined(const struct pieces *s, const struct packet *want)
{
	static uint8_t a[4096], b[4096];
	uint32_t id = id_of(s->piece[0].octets), len = packet_build(want, b);

	for (unsigned i = 0; i < s->n; i++) {
		assert_int_equal(s->piece[i].times, 1);
		assert_int_equal(id_of(s->piece[i].octets), id);
	}
	assert_int_equal(pieces_join(s, a), len);
	if (want->family == NAT_IPV4)
		memcpy(b + 4, a + 4, 8);
	assert_memory_equal(a, b, len);
	return id;
}

/* Two guests send a datagram each of the same identification; @order: who sends the next piece. */
static void two_guests(const char *outs, bool forwards, unsigned family, const char *order)
{
	struct packet g = { .family = family, .proto = NAT_PROTO_UDP, .payload = 133, .salt = 2 }, f = g;
	unsigned a = 0, b = 0;
	uint32_t len;

	begin(outs);
	g.ends = forwards ? ends_of('G', 80, 'C', 4000, family) : ends_of('G', 5000, 'C', 53, family);
	f.ends = forwards ? ends_of('F', 90, 'C', 4000, family) : ends_of('F', 5001, 'C', 53, family);
	f.salt = 4;
	if (forwards) {
		struct packet call = g;

		call.ends = ends_of('C', 4000, 'H', 8080, family);
		assert_int_equal(give(&call, NAT_PRE).reason, NAT_WHY_OPENED);
		call.ends = ends_of('C', 4000, 'H', 9090, family);
		assert_int_equal(give(&call, NAT_PRE).reason, NAT_WHY_OPENED);
	}
	len = packet_build(&g, whole);
	pieces_cut(&one, whole, len, 40, 77);
	len = packet_build(&f, whole);
	pieces_cut(&other, whole, len, 40, 77);
	for (; *order; order++)
		pieces_give(&world, *order == 'g' ? &one : &other, *order == 'g' ? a++ : b++, NAT_POST, OUTSIDE);
	assert_int_equal(a, one.n);
	assert_int_equal(b, other.n);
	g.ends = forwards ? ends_of('H', 8080, 'C', 4000, family) : ends_of('H', 5000, 'C', 53, family);
	f.ends = forwards ? ends_of('H', 9090, 'C', 4000, family) : ends_of('H', 5001, 'C', 53, family);
	assert_int_not_equal(joined(&one, &g), joined(&other, &f));
	world_free(&world);
}

static void R28_two_guests_with_one_identification(void **state)
{
	static const char *const orders[] = { "gfgfgfgf", "fgfgfgfg", "ggffggff", "gggffffg", "gfffgggf" };

	(void)state;
	for (unsigned i = 0; i < COUNT(orders); i++)
		for (unsigned family = 4; family <= 6; family += 2) {
			two_guests("masq H", false, family, orders[i]);
			two_guests("", true, family, orders[i]);
		}
}

/* As the kernel hands them over where it has put them together: it will cut them up again by what we say. */
static void R28_whole_datagrams_that_may_be_cut_up(void **state)
{
	static bool seen[65536];
	struct packet p = { .family = NAT_IPV4, .proto = NAT_PROTO_UDP, .payload = 4, .ends = ends_of('G', 5000, 'C', 53, 4) };
	struct packet f = p;
	unsigned rising = 0;
	uint32_t last = 0;

	(void)state;
	begin("masq H");
	f.ends = ends_of('F', 5001, 'C', 53, 4);
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 65536; i++) {
		give(i % 2 ? &p : &f, NAT_POST);
		rising += id_of(got) > last;
		last = id_of(got);
		if (seen[last])
			unit_fail("identification %u twice, after %u datagrams", last, i);
		seen[last] = true;
	}
	assert_true(rising > 65000);		/* the whole range was used, one after the other */
	p.salt = 1;				/* DF: atomic, RFC 6864 4.1 */
	packet_build(&p, whole);
	give(&p, NAT_POST);
	assert_int_equal(id_of(got), id_of(whole));
	world_free(&world);
}

/* Another key, another beginning: nobody can tell the next from elsewhere. */
static void R28_begins_where_nobody_knows(void **state)
{
	struct packet p = { .family = NAT_IPV4, .proto = NAT_PROTO_UDP, .ends = ends_of('G', 5000, 'C', 53, 4) };
	uint32_t id[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		begin("masq H");
		world.nat.block->flows.key.k[0] += i > 1;
		p.ends.dst = letter_addr(i == 1 ? 'D' : 'C', 4);
		give(&p, NAT_POST);
		id[i] = id_of(got);
		world_free(&world);
	}
	assert_int_not_equal(id[0], id[1]);
	assert_int_not_equal(id[0], id[2]);
}

/* Only who changes the source changes the identification (R61). */
static void R28_the_guests_own_stays(void **state)
{
	struct packet p = { .family = NAT_IPV4, .proto = NAT_PROTO_UDP, .payload = 4, .ends = ends_of('C', 4000, 'H', 8080, 4) };

	(void)state;
	begin("");
	packet_build(&p, whole);
	assert_int_equal(give(&p, NAT_PRE).reason, NAT_WHY_OPENED);
	assert_int_equal(id_of(got), id_of(whole));
	world_free(&world);
}

/* A first piece that comes twice is called the same both times. */
static void R28_first_piece_again(void **state)
{
	struct packet p = { .proto = NAT_PROTO_UDP, .payload = 133, .salt = 2 };

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2) {
		begin("masq H");
		p.family = family;
		p.ends = ends_of('G', 5000, 'C', 53, family);
		pieces_cut(&one, whole, packet_build(&p, whole), 40, 9);
		other = one;
		pieces_give(&world, &one, 0, NAT_POST, OUTSIDE);
		pieces_give(&world, &one, 1, NAT_POST, OUTSIDE);
		pieces_give(&world, &other, 0, NAT_POST, OUTSIDE);
		pieces_give(&world, &one, 2, NAT_POST, OUTSIDE);
		assert_int_not_equal(id_of(one.piece[0].octets), 9);
		assert_memory_equal(one.piece[0].octets, other.piece[0].octets, one.piece[0].len);
		assert_int_equal(id_of(one.piece[2].octets), id_of(other.piece[0].octets));
		world_free(&world);
	}
}

/* R54: the sender hears of its datagram by the name that it gave it. */
static void R28_errors_quote_the_senders_identification(void **state)
{
	static uint8_t sent[4096], err[4096];

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2) {
		struct packet p = { .family = family, .proto = NAT_PROTO_UDP, .payload = 93, .salt = 2, .ends = ends_of('G', 5000, 'C', 53, family) };
		struct nat_pkt pkt = { .data = err, .hook = NAT_PRE, .indev = OUTSIDE };
		struct packet e = { .family = family, .proto = family == 4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6,
				    .icmp_type = family == 4 ? 3 : 1, .ends = ends_of('R', 0, 'H', 0, family), .quote = &p };
		uint32_t at = family == 4 ? 28 : 48;

		begin("masq H");
		pieces_cut(&one, whole, packet_build(&p, whole), 48, 0x1234);
		memcpy(sent, one.piece[0].octets, one.piece[0].len);
		pieces_give(&world, &one, 0, NAT_POST, OUTSIDE);
		assert_int_not_equal(id_of(one.piece[0].octets), 0x1234);
		/* an error around what left */
		packet_build(&e, err);
		memcpy(err + at, one.piece[0].octets, one.piece[0].len);
		pkt.len = at + one.piece[0].len;
		wire_put16(err + (family == 4 ? 2 : 4), (uint16_t)(pkt.len - (family == 4 ? 0 : 40)));
		if (family == 4) {
			wire_put16(err + 10, 0);
			wire_put16(err + 10, (uint16_t)~naive_sum(0, err, 20));
		}
		packet_csum(&e, err, at - 8, pkt.len - at + 8);
		nat_packet(&world.nat, &pkt, world.now);
		assert_int_equal(pkt.reason, NAT_WHY_ERROR);
		assert_true(naive_good(err, pkt.len));
		assert_int_equal(id_of(err + at), 0x1234);
		assert_memory_equal(err + at, sent, family == 4 ? 20 : 52);
		world_free(&world);
	}
}

/* A segment that may be cut up must come whole: the kernel's rewrites by a mark write no identification. */
static void R28_not_by_headers_alone(void **state)
{
	struct packet p = { .family = NAT_IPV4, .proto = NAT_PROTO_TCP, .tcp_flags = TCP_F_ACK, .payload = 900, .ends = ends_of('G', 80, 'C', 4000, 4) };
	struct nat_pkt pkt = { .data = whole, .outdev = OUTSIDE, .truncated = true, .headers = true };

	(void)state;
	begin("");
	for (unsigned df = 0; df < 2; df++)
		for (unsigned post = 0; post < 2; post++) {
			p.salt = (uint8_t)df;
			pkt.whole = packet_build(&p, whole);
			pkt.len = 100;
			pkt.hook = post ? NAT_POST : NAT_PRE;
			nat_look(&world.nat, &pkt);
			assert_int_equal(mark_is_plain(&pkt), df || !post);
		}
	world_free(&world);
}

int main(void)
{
	unit_add("R28_two_guests_with_one_identification", R28_two_guests_with_one_identification, NULL);
	unit_add("R28_whole_datagrams_that_may_be_cut_up", R28_whole_datagrams_that_may_be_cut_up, NULL);
	unit_add("R28_begins_where_nobody_knows", R28_begins_where_nobody_knows, NULL);
	unit_add("R28_the_guests_own_stays", R28_the_guests_own_stays, NULL);
	unit_add("R28_first_piece_again", R28_first_piece_again, NULL);
	unit_add("R28_errors_quote_the_senders_identification", R28_errors_quote_the_senders_identification, NULL);
	unit_add("R28_not_by_headers_alone", R28_not_by_headers_alone, NULL);
	return unit_run("ident");
}
