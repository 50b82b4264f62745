/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proto: scenarios of the protocols beside TCP, UDP and ping, in the language of script.h. */
#include "nat/proto.h"

#include "nat/crc32c.h"
#include "nat/sctp.h"
#include "tests/unit/fragments.h"
#include "tests/unit/script.h"

#define MAP "sctp *:8080 > G:80; dccp *:8080 > G:80; lite *:8080 > G:80; gre * > G; tcp *:1-60999 > F:1 rest; tcp *:22 > G:22; " \
	    "udp *:53 > G:53; udp *:1-60999 > F:1 rest"

#define ASSOCIATION                                                             \
	"pre C:40000>H:8080 chunk=1 -> OPENED C:40000>G:80\nstate INIT\n"       \
	"post G:80>C:40000 chunk=2 -> TRANSLATED H:8080>C:40000\n"              \
	"pre C:40000>H:8080 chunk=10 -> TRANSLATED C:40000>G:80\nstate ECHO_ORIG\n" \
	"post G:80>C:40000 chunk=11 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED\nidle TCP_ESTABLISHED\n"

static const struct script scripts[] = {
	{ .name = "R84_association", .protos = "s", .map = MAP, .steps = ASSOCIATION
		"fwd C:40000>G:80 -> STOPPED\npre C:40000>H:8080 len=1 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 len=1400 -> TRANSLATED C:40000>G:80\npost G:80>C:40000 len=60000 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 chunk=7 -> TRANSLATED C:40000>G:80\nstate SHUTDOWN\n"
		"post G:80>C:40000 chunk=8 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 chunk=14 -> TRANSLATED C:40000>G:80\nstate CLOSED\nidle TCP_CLOSING\n"
		"pre C:40000>H:8080 chunk=1 -> TRANSLATED C:40000>G:80\nstate INIT\nidle TCP_OPENING" },
	{ .name = "R84_both_sides_begin", .protos = "s", .map = MAP, .steps =
		"pre C:40000>H:8080 chunk=1 -> OPENED C:40000>G:80\npost G:80>C:40000 chunk=1 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 chunk=2 -> TRANSLATED C:40000>G:80\n"
		"post G:80>C:40000 chunk=10 -> TRANSLATED H:8080>C:40000\nstate ECHO_REPLY\n"
		"post G:80>C:40000 chunk=11 -> TRANSLATED H:8080>C:40000\nstate ECHO_REPLY\n"
		"pre C:40000>H:8080 chunk=11 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED" },
	{ .name = "R38_nobody_opens_an_association_alone", .protos = "s", .map = MAP, .steps =
		"pre C:40000>H:8080 chunk=1 -> OPENED C:40000>G:80\npre C:40000>H:8080 chunk=10 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 chunk=11 -> TRANSLATED C:40000>G:80\npre C:40000>H:8080 -> TRANSLATED C:40000>G:80\n"
		"state ECHO_ORIG\nidle TCP_OPENING" },
	{ .name = "R34_init_repeated_keeps_nothing_open", .protos = "s", .map = MAP, .steps =
		"pre C:40000>H:8080 chunk=1 -> OPENED C:40000>G:80\nwait 120\n"
		"pre C:40000>H:8080 chunk=1 -> TRANSLATED C:40000>G:80\nwait 121\nexpire 1" },
	{ .name = "R31_association_is_picked_up", .protos = "s", .map = MAP, .steps =
		"pre C:40000>H:8080 -> PICKED_UP C:40000>G:80\nstate PICKED_UP\n"
		"post G:80>C:40000 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED" },
	{ .name = "R31_an_ending_is_not_picked_up", .protos = "s", .map = MAP, .steps =
		"pre C:40000>H:8080 chunk=6 -> SCTP_NO_FLOW\npre C:40000>H:8080 chunk=14 -> SCTP_NO_FLOW\n"
		"pre C:40000>H:8080 chunk=2 -> SCTP_NO_FLOW\npre C:40000>H:8080 chunk=11 -> SCTP_NO_FLOW\nflows 0" },
	{ .name = "R44_abort_that_the_guest_does_not_believe", .protos = "s", .map = MAP, .steps = ASSOCIATION
		"pre C:40000>H:8080 chunk=6 -> TRANSLATED C:40000>G:80\nstate CLOSED\n"
		"post G:80>C:40000 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED\n"
		"post G:80>C:40000 chunk=6 -> TRANSLATED H:8080>C:40000\nstate CLOSED\n"
		"post G:80>C:40000 chunk=1 -> SCTP_STATE" },
	{ .name = "R84_hairpin", .protos = "s", .map = MAP, .steps =
		"pre F:1>H:8080 chunk=1 -> OPENED F:$s>G:80\nfwd F:$s>G:80 chunk=1 -> STOPPED H:$s>G:80\n"
		"pre G:80>H:$s chunk=2 -> TRANSLATED G:80>F:$s\npost G:80>F:$s chunk=2 -> TRANSLATED H:8080>F:1" },
	{ .name = "R15_wrong_crc_stays_wrong", .protos = "s", .map = MAP, .steps =
		"pre C:40000>H:8080 chunk=1 bad -> OPENED C:40000>G:80\npost G:80>C:40000 chunk=2 bad -> TRANSLATED H:8080>C:40000" },
	{ .name = "R5_unfinished_crc_is_written", .protos = "s", .map = MAP, .steps =
		"pre C:40000>H:8080 chunk=1 partial -> OPENED C:40000>G:80\npost G:80>C:40000 chunk=2 partial -> TRANSLATED H:8080>C:40000" },
	{ .name = "R52_errors_about_an_association", .protos = "s", .map = MAP, .steps = ASSOCIATION
		"pre err R>H H:8080>C:40000 -> ERROR R>G G:80>C:40000\npost err G>C C:40000>G:80 -> ERROR H>C C:40000>H:8080\n"
		"pre err R>H H:8080>C:40000 quote=48 -> ERROR R>G G:80>C:40000" },

	{ .name = "R85_udplite", .protos = "l", .map = MAP, .steps =
		"pre C:40000>H:8080 -> OPENED C:40000>G:80\nidle UDP_OPENING\npost G:80>C:40000 -> TRANSLATED H:8080>C:40000\nidle UDP\n"
		"pre C:40000>H:8080 len=1 -> TRANSLATED C:40000>G:80\npre C:40000>H:8080 len=1400 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 bad -> TRANSLATED C:40000>G:80\npre C:40000>H:8080 partial -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 partial -> TRANSLATED C:40000>G:80\npre C:40000>H:8080 partial -> TRANSLATED C:40000>G:80\n"
		"pre F:1>H:8080 -> OPENED F:$s>G:80\npre C:40000>H:8081 -> NO_FORWARD" },
	{ .name = "R85_dccp", .protos = "d", .map = MAP, .steps =
		"pre C:40000>H:8080 -> OPENED C:40000>G:80\nidle TCP_OPENING\n"
		"post G:80>C:40000 chunk=1 -> TRANSLATED H:8080>C:40000\nidle TCP_ESTABLISHED\n"
		"pre C:40000>H:8080 chunk=3 len=100 -> TRANSLATED C:40000>G:80\npre C:40000>H:8080 chunk=3 len=101 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 chunk=3 len=102 bad -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 chunk=7 -> TRANSLATED C:40000>G:80\nidle TCP_CLOSING" },
	{ .name = "R85_dccp_every_turn", .protos = "d", .map = MAP, .steps =
		"pre C:40000>H:8080 -> OPENED C:40000>G:80\npre C:40000>H:8080 chunk=1 -> TRANSLATED C:40000>G:80\nidle TCP_OPENING\n"
		"post G:80>C:40000 chunk=1 -> TRANSLATED H:8080>C:40000\nidle TCP_ESTABLISHED\n"
		"pre C:40000>H:8080 chunk=3 -> TRANSLATED C:40000>G:80\nidle TCP_ESTABLISHED\n"
		"post G:80>C:40000 chunk=3 -> TRANSLATED H:8080>C:40000\nidle TCP_ESTABLISHED\n"
		"post G:80>C:40000 chunk=7 -> TRANSLATED H:8080>C:40000\nidle TCP_CLOSING\n"
		"pre C:40000>H:8080 chunk=3 -> TRANSLATED C:40000>G:80\nidle TCP_CLOSING\n"
		"post G:80>C:40000 chunk=3 -> TRANSLATED H:8080>C:40000\nidle TCP_CLOSING\n"
		"pre C:40000>H:8080 chunk=7 -> TRANSLATED C:40000>G:80\nidle TCP_CLOSING\n"
		"post G:80>C:40000 chunk=7 -> TRANSLATED H:8080>C:40000\nidle TCP_CLOSING" },
	{ .name = "R85_dccp_given_up", .protos = "d", .map = MAP, .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npre C:1>H:8080 chunk=7 -> TRANSLATED C:1>G:80\nidle TCP_CLOSING" },
	{ .name = "R85_dccp_refused", .protos = "d", .map = MAP, .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npost G:80>C:1 chunk=7 -> TRANSLATED H:8080>C:1\nidle TCP_CLOSING" },
	{ .name = "R32_udp_every_turn", .protos = "u", .map = MAP, .steps =
		"pre C:1>H:53 -> OPENED C:1>G:53\nidle UDP_OPENING\npre C:1>H:53 -> TRANSLATED C:1>G:53\nidle UDP_OPENING\n"
		"post G:53>C:1 -> TRANSLATED H:53>C:1\nidle UDP\npre C:1>H:53 -> TRANSLATED C:1>G:53\nidle UDP\n"
		"post G:53>C:1 -> TRANSLATED H:53>C:1\nidle UDP\n"
		/* with options no packet is plain: the same by the long way */
		"pre C:1>H:53 opt=4 -> TRANSLATED C:1>G:53\nidle UDP\npost G:53>C:1 opt=4 -> TRANSLATED H:53>C:1\nidle UDP" },
	{ .name = "R32_whole_protocol_every_turn", .protos = "g", .map = MAP, .steps =
		"pre C>H -> OPENED C>G\nidle UDP_OPENING\npre C>H -> TRANSLATED C>G\nidle UDP_OPENING\n"
		"post G>C -> TRANSLATED H>C\nidle OTHER\npre C>H -> TRANSLATED C>G\nidle OTHER\n"
		"post G>C -> TRANSLATED H>C\nidle OTHER" },

	{ .name = "R26_whole_protocol", .protos = "g", .map = MAP, .steps =
		"pre C>H -> OPENED C>G\nidle UDP_OPENING\nfwd C>G -> STOPPED\npost G>C -> TRANSLATED H>C\nidle OTHER\n"
		"wait 599\npre C>H len=1400 -> TRANSLATED C>G\nwait 599\npost G>C len=0 -> TRANSLATED H>C\nwait 600.1\nexpire 1" },
	{ .name = "R26_one_guest_for_each_remote", .protos = "g", .map = "gre H > G; gre K > G", .steps =
		"pre C>H -> OPENED C>G\npre C>K -> NO_SOURCE_PORT\npre D>K -> OPENED D>G\npost G>D -> TRANSLATED K>D\nflows 2" },
	{ .name = "R26_hairpin_without_ports", .protos = "g", .map = MAP, .steps =
		"pre F>H -> OPENED F>G\nfwd F>G -> STOPPED H>G\npre G>H -> TRANSLATED G>F\npost G>F -> TRANSLATED H>F" },
	{ .name = "R26_a_guest_that_calls_itself_is_refused", .protos = "g", .map = MAP, .steps = "pre G>H -> NO_SOURCE_PORT\nflows 0" },
	{ .name = "R52_errors_about_a_whole_protocol", .protos = "g", .map = MAP, .steps =
		"pre C>H -> OPENED C>G\npre err R>H H>C -> ERROR R>G G>C\npost err G>C C>G -> ERROR H>C C>H" },
	{ .name = "R27_a_protocol_is_not_another", .protos = "g", .map = "tcp *:47 > G:47; udp *:47 > G:47", .steps = "pre C>H -> NO_FORWARD" },

	/* DMZ: what no other row wants */
	{ .name = "R27_every_row_beats_the_rest", .protos = "t", .map = MAP, .steps =
		"pre C:1>H:22 S -> OPENED C:1>G:22\npre C:1>H:23 S -> OPENED C:1>F:23\npre C:1>K:60999 S -> OPENED C:1>F:60999\n"
		"pre C:1>H:61000 S -> NO_FORWARD\nout H:1>H:23 S -> NO_FORWARD\nout H:1>H:22 S -> OPENED H:1>G:22" },
	{ .name = "R27_a_range_beats_the_rest_of_an_address", .protos = "u",
	  .map = "udp *:50-60 > G:50; udp H:1-60999 > F:1 rest; udp *:1-60999 > G:1 rest", .steps =
		"pre C:1>H:53 -> OPENED C:1>G:53\npre C:1>H:61 -> OPENED C:1>F:61\npre C:1>K:61 -> OPENED C:1>G:61" },
};

/* R84: fragments whose CRC covers the ports: the first waits for the last, whatever comes when. */
static void R64_sctp_every_order(void **state)
{
	static struct pieces s;
	static uint8_t whole[4096], want[4096], got[4096];
	static const uint8_t orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2)
		for (unsigned o = 0; o < 6; o++) {
			struct nat_params params = world_params(16);
			struct world w = world_new(&params);
			struct packet p = { .family = f, .proto = NAT_PROTO_SCTP, .payload = 90, .salt = 2,
					    .ends = { letter_addr('C', f), letter_addr('H', f), wire_port(4000), wire_port(8080) } };
			uint32_t len = packet_build(&p, whole);

			world_map(&w, MAP);
			pieces_cut(&s, whole, len, 40, o);
			assert_int_equal(s.n, 3);
			for (unsigned i = 0; i < 3; i++)
				pieces_give(&w, &s, orders[o][i], NAT_PRE, OUTSIDE);
			for (unsigned i = 0; i < 3; i++)
				assert_int_equal(s.piece[i].times, 1);
			p.ends.dst = letter_addr('G', f);
			p.ends.dport = wire_port(80);
			packet_build(&p, want);
			assert_int_equal(pieces_join(&s, got), len);
			if (f == 4)
				memcpy(want + 4, got + 4, 8);
			assert_memory_equal(got, want, len);
			world_free(&w);
		}
}

static void R84_crc_by_difference(void **state)
{
	struct rng r = rng_start("crc", 84);
	uint8_t a[2000], b[2000], d[8];

	(void)state;
	assert_int_equal(~crc32c_add(CRC32C_BEGIN, (const uint8_t *)"123456789", 9), 0xe3069283u);	/* RFC 3720 B.4 and others */
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t n = 1 + rng_below(&r, 8), len = n + rng_below(&r, 1990);

		rng_fill(&r, a, len);
		memcpy(b, a, len);
		rng_fill(&r, b, n);
		for (uint32_t k = 0; k < n; k++)
			d[k] = a[k] ^ b[k];
		assert_int_equal(crc32c_add(CRC32C_BEGIN, a, len) ^ crc32c_add(CRC32C_BEGIN, b, len), crc32c_difference(d, n, len - n));
	}
	/* every power of the table, up to the longest message */
	for (unsigned k = 0; k < 17; k++) {
		static uint8_t zeros[1 << 16];
		uint32_t c = crc32c_add(0, (const uint8_t *)"x", 1);

		c = crc32c_add(c, zeros, k == 16 ? 1 << 16 : 1u << k);
		assert_int_equal(c, crc32c_difference((const uint8_t *)"x", 1, 1u << k));
	}
}

/* RFC 9260 6.10, 8.5.1, and what is no chunk at all. */
static void R84_chunks(void **state)
{
	static const struct { const char *what; uint8_t octets[24]; uint32_t len; enum sctp_event ev; } rows[] = {
		{ "header alone", { 0 }, 12, SCTP_EV_BAD },
		{ "chunk header cut off", { [12] = 1 }, 15, SCTP_EV_BAD },
		{ "length 0", { [12] = 0 }, 16, SCTP_EV_BAD },
		{ "length 3", { [15] = 3 }, 16, SCTP_EV_BAD },
		{ "INIT", { [12] = 1, [15] = 4 }, 16, SCTP_EV_INIT },
		{ "INIT with a tag", { [4] = 9, [12] = 1, [15] = 4 }, 16, SCTP_EV_BAD },
		{ "INIT and DATA", { [12] = 1, [15] = 4, [19] = 4 }, 20, SCTP_EV_BAD },
		{ "DATA and INIT", { [15] = 4, [16] = 1, [19] = 4 }, 20, SCTP_EV_BAD },
		{ "INIT ACK and DATA", { [12] = 2, [15] = 4, [19] = 4 }, 20, SCTP_EV_BAD },
		{ "SHUTDOWN COMPLETE and DATA", { [12] = 14, [15] = 4, [19] = 4 }, 20, SCTP_EV_BAD },
		{ "COOKIE ECHO and DATA", { [12] = 10, [15] = 4, [19] = 4 }, 20, SCTP_EV_ECHO },
		{ "COOKIE ACK, then DATA", { [12] = 11, [15] = 4, [19] = 4 }, 20, SCTP_EV_COOKIE_ACK },
		{ "SACK, then SHUTDOWN", { [12] = 3, [15] = 5, [20] = 7, [23] = 4 }, 24, SCTP_EV_DATA },
		{ "DATA, then ABORT", { [15] = 4, [16] = 6, [19] = 4 }, 20, SCTP_EV_ABORT },
		{ "DATA longer than what is there", { [14] = 5 }, 16, SCTP_EV_DATA },
		{ "a chunk of the future", { [12] = 0xc0, [15] = 4 }, 16, SCTP_EV_DATA },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		uint8_t *h = unit_exact(rows[i].octets, rows[i].len);
		enum sctp_event ev = sctp_event_of(h, rows[i].len);

		if (ev != rows[i].ev && !(rows[i].ev == SCTP_EV_DATA && ev == SCTP_EV_SHUTDOWN))
			unit_fail("%s: event %d", rows[i].what, ev);
		free(h);
	}
}

/* Rules that hold for the whole table, whatever the rows say. */
static void R84_table_rules(void **state)
{
	(void)state;
	for (unsigned s = 0; s < SCTP_STATES; s++)
		for (unsigned d = 0; d < NAT_DIRS; d++)
			for (unsigned e = 0; e < SCTP_EVENTS; e++) {
				enum sctp_state n = sctp_next(s, d, e);

				assert_true(n == SCTP_NO || (n > SCTP_NONE && n < SCTP_STATES));
				assert_true(s != SCTP_NONE || d == NAT_ORIG || n == SCTP_NO);
				assert_true(s == SCTP_NONE || e != SCTP_EV_ABORT || n == SCTP_CLOSED);
				/* R38: open only by what the guest's side said, or by an ack of what it said */
				if (n == SCTP_ESTABLISHED && s != SCTP_ESTABLISHED && d == NAT_ORIG)
					assert_true(s == SCTP_ECHO_REPLY);
			}
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(scripts); i++)
		unit_add(scripts[i].name, script_run, &scripts[i]);
	unit_add("R64_sctp_every_order", R64_sctp_every_order, NULL);
	unit_add("R84_crc_by_difference", R84_crc_by_difference, NULL);
	unit_add("R84_chunks", R84_chunks, NULL);
	unit_add("R84_table_rules", R84_table_rules, NULL);
	return unit_run("proto");
}
