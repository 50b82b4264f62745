/* SPDX-License-Identifier: GPL-2.0-or-later */
/* error: ICMP errors with the packets they quote, at every hook (R52-R59). Language: script.h. */
#include "nat/csum.h"
#include "nat/nat.h"
#include "nat/tcp.h"
#include "tests/unit/script.h"

#define OUTER "pre C:1>H:8080 S -> OPENED C:1>G:80\n"
#define HAIRPIN "pre F:1>H:8080 S -> OPENED F:$s>G:80\n"
#define LOCAL "out H:1>H:8080 S -> OPENED H:1>G:80\n"
#define LOOP "out L:1>L:8080 S -> OPENED B:$s>G:80\n"

static const struct script scripts[] = {
	/* --- a client from outside --- */
	{ .name = "R54_router_outside_to_the_guest", .protos = "tu", .steps = OUTER
		"pre err R>H H:8080>C:1 -> ERROR R>G G:80>C:1\n"
		"pre err R>H H:8080>C:1 ttl -> ERROR R>G G:80>C:1\n"
		"pre err R>H H:8080>C:1 ptb rest=1400 -> ERROR R>G G:80>C:1\n"
		"pre err R>H H:8080>C:1 param rest=0x14000000 -> ERROR R>G G:80>C:1\n"
		"fwd err R>G G:80>C:1 ptb rest=1400 -> DONE\npost err R>G G:80>C:1 ptb rest=1400 -> DONE" },
	{ .name = "R54_the_client_itself", .protos = "tu", .steps = OUTER
		"pre err C>H H:8080>C:1 -> ERROR C>G G:80>C:1\npost err C>G G:80>C:1 -> DONE" },
	{ .name = "R55_guest_to_the_client", .protos = "tu", .steps = OUTER
		"pre err G>C C:1>G:80 -> LATER\nfwd err G>C C:1>G:80 -> LATER\n"
		"post err G>C C:1>G:80 -> ERROR H>C C:1>H:8080\n"
		"post err G>C C:1>G:80 ptb rest=1280 -> ERROR H>C C:1>H:8080\n"
		"post err H>C C:1>H:8080 -> DONE" },
	{ .name = "R55_router_behind_the_host", .protos = "tu", .steps = OUTER
		"post err X>C C:1>G:80 ttl -> ERROR H>C C:1>H:8080\npost err X>C C:1>G:80 ptb rest=1300 -> ERROR H>C C:1>H:8080" },
	{ .name = "the_hosts_rules_do_not_refuse_what_passes_them", .protos = "tu", .steps = OUTER
		"post err H>C C:1>G:80 refuse dev=0 -> ERROR_OF_RULES\npost err B>C C:1>G:80 refuse dev=0 -> ERROR_OF_RULES\n"
		"post err G>C C:1>G:80 refuse dev=0 -> ERROR H>C C:1>H:8080\npost err X>C C:1>G:80 refuse -> ERROR H>C C:1>H:8080\n"
		"post err H>C C:1>G:80 unreach dev=0 -> ERROR H>C C:1>H:8080\n"
		"post err H>C C:1>G:80 ttl dev=0 -> ERROR H>C C:1>H:8080\npre err R>H H:8080>C:1 refuse -> ERROR R>G G:80>C:1" },
	{ .name = "the_hosts_rules_refuse_if_they_are_respected", .protos = "tu", .map = "tcp *:8080 > G:80 respect; udp *:8080 > G:80 respect",
	  .steps = OUTER "post err H>C C:1>G:80 refuse dev=0 -> ERROR H>C C:1>H:8080" },
	{ .name = "R4_made_by_this_host_after_prerouting", .protos = "tu", .steps = OUTER
		"out err H>C C:1>G:80 ptb rest=1300 -> LATER\npost err H>C C:1>G:80 ptb rest=1300 -> ERROR H>C C:1>H:8080\n"
		"out err K>C C:1>G:80 ttl -> LATER\npost err K>C C:1>G:80 ttl -> ERROR H>C C:1>H:8080" },
	{ .name = "R4_made_by_this_host_before_postrouting", .protos = "tu", .steps = OUTER
		"out err B>G G:80>C:1 ptb rest=1300 -> DONE\npost err B>G G:80>C:1 ptb rest=1300 -> DONE" },
	{ .name = "R53_outer_destination_must_fit", .protos = "tu", .steps = OUTER
		"pre err R>K H:8080>C:1 -> ERROR_MISFIT\npost err G>D C:1>G:80 -> ERROR_MISFIT\n"
		"fwd err G>D C:1>G:80 -> ERROR_MISFIT" },
	{ .name = "R52_about_no_flow", .protos = "tu", .steps =
		"pre err R>H H:8080>C:1 -> ERROR_NO_FLOW\npost err G>C C:1>G:80 -> ERROR_NO_FLOW\n" OUTER
		"pre err R>H H:8080>C:2 -> ERROR_NO_FLOW\npre err R>H H:8081>C:1 -> ERROR_NO_FLOW\n"
		"pre err R>H K:8080>C:1 -> ERROR_NO_FLOW\npre err R>H H:8080>D:1 -> ERROR_NO_FLOW\n"
		"post err G>C C:1>G:81 -> ERROR_NO_FLOW\npost err G>C C:1>F:80 -> ERROR_NO_FLOW\nflows 1" },
	{ .name = "R57_never_refreshes", .protos = "u", .steps = OUTER
		"wait 200\npre err R>H H:8080>C:1 -> ERROR R>G G:80>C:1\npost err G>C C:1>G:80 -> ERROR H>C C:1>H:8080\n"
		"wait 100.1\npre err R>H H:8080>C:1 -> ERROR_NO_FLOW\nflows 1\nexpire 1" },
	{ .name = "R57_never_ends_or_changes_state", .protos = "t", .steps = OUTER
		"pre err R>H H:8080>C:1 -> ERROR R>G G:80>C:1\nstate SYN_SENT\npost err G>C C:1>G:80 -> ERROR H>C C:1>H:8080\n"
		"state SYN_SENT\nflows 1\nopened 1" },
	{ .name = "R57_answers_nothing_for_a_full_table", .protos = "u", .max_flows = 1, .steps = OUTER
		"post err G>C C:1>G:80 -> ERROR H>C C:1>H:8080\nwait 1\npre C:2>H:8080 -> OPENED C:2>G:80" },
	{ .name = "R15_wrong_checksum_is_dropped", .protos = "tu", .steps = OUTER
		"pre err R>H H:8080>C:1 bad -> ERROR_CSUM\npost err G>C C:1>G:80 bad -> ERROR_CSUM\n"
		"pre err R>H H:8080>C:9 bad -> ERROR_NO_FLOW" },
	{ .name = "R5_unfinished_checksum", .protos = "tu", .steps = OUTER
		"post err H>C C:1>G:80 partial -> ERROR H>C C:1>H:8080" },
	{ .name = "R7_truncated_error", .protos = "tu", .steps = OUTER "pre err R>H H:8080>C:1 trunc -> ERROR_NO_FLOW" },
	{ .name = "R56_udp_quote_without_checksum", .protos = "u", .steps = OUTER
		"pre err R>H H:8080>C:1 nocsum -> ERROR R>G G:80>C:1\npost err G>C C:1>G:80 nocsum -> ERROR H>C C:1>H:8080" },
	{ .name = "R56_options_and_extension_headers", .protos = "tu", .steps = OUTER
		"pre err R>H H:8080>C:1 opt=4 -> ERROR R>G G:80>C:1\npost err G>C C:1>G:80 opt=4 -> ERROR H>C C:1>H:8080\n"
		"pre err R>H H:8080>C:1 opt=8 -> ERROR R>G G:80>C:1\npost err G>C C:1>G:80 opt=12 -> ERROR H>C C:1>H:8080" },
	{ .name = "R56_largest_quotes", .protos = "tu", .steps = OUTER
		"pre err R>H H:8080>C:1 len=1201 -> ERROR R>G G:80>C:1\npre err R>H H:8080>C:1 len=60000 -> ERROR R>G G:80>C:1" },
	{ .name = "R23_with_another_source_port", .protos = "tu",
	  .map = "tcp *:8080 > G:80; tcp *:8081 > G:80; udp *:8080 > G:80; udp *:8081 > G:80", .steps = OUTER
		"pre C:1>H:8081 S -> OPENED C:$s>G:80\npre err R>H H:8081>C:1 -> ERROR R>G G:80>C:$s\n"
		"post err G>C C:$s>G:80 -> ERROR H>C C:1>H:8081\npost err G>C C:1>G:80 -> ERROR H>C C:1>H:8080" },
	{ .name = "R51_quoted_echo", .protos = "i", .steps =
		"pre C:77>H -> OPENED C:77>G\npre err R>H H>C:77 -> ERROR R>G G>C:77\npost err G>C C:77>G -> ERROR H>C C:77>H\n"
		"pre C:77>K -> OPENED C:$i>G\npre err R>K K>C:77 ttl -> ERROR R>G G>C:$i\npost err G>C C:$i>G -> ERROR K>C C:77>K" },
	{ .name = "R87_removed_forward", .protos = "tu", .steps = OUTER
		"map tcp *:1 > G:1\npre err R>H H:8080>C:1 -> FORWARD_ENDED\nflows 1\nsweep\nflows 0" },

	/* --- R75: hairpin --- */
	{ .name = "R75_initiator_reports", .protos = "tu", .steps = HAIRPIN
		"pre err F>H H:8080>F:1 -> ERROR F>G G:80>H:$s\nfwd err F>G G:80>H:$s -> DONE\n"
		"post err F>G G:80>H:$s -> ERROR H>G G:80>H:$s" },
	{ .name = "R75_router_reports_about_an_answer", .protos = "tu", .steps = HAIRPIN
		"pre err X>H H:8080>F:1 ttl -> ERROR X>G G:80>H:$s\npost err X>G G:80>H:$s -> DONE" },
	{ .name = "R75_guest_reports", .protos = "tu", .steps = HAIRPIN
		"pre err G>H H:$s>G:80 -> ERROR G>F F:1>H:8080\nfwd err G>F F:1>H:8080 -> DONE\n"
		"post err G>F F:1>H:8080 -> ERROR H>F F:1>H:8080" },
	{ .name = "R75_same_guest_reports", .protos = "tu", .steps =
		"pre G:1>H:8080 S -> OPENED G:$s>G:80\npre err G>H H:$s>G:80 -> ERROR G>G G:1>H:8080\n"
		"post err G>G G:1>H:8080 -> ERROR H>G G:1>H:8080\npre err G>H H:8080>G:1 -> ERROR G>G G:80>H:$s\n"
		"post err G>G G:80>H:$s -> ERROR H>G G:80>H:$s" },
	{ .name = "R75_this_host_reports_between_the_hooks", .protos = "tu", .steps = HAIRPIN
		"out err H>F F:$s>G:80 ptb -> LATER\npost err H>F F:$s>G:80 ptb -> ERROR H>F F:1>H:8080\n"
		"out err B>G G:80>F:$s ptb -> DONE\npost err B>G G:80>F:$s ptb -> ERROR B>G G:80>H:$s" },
	{ .name = "R75_misfits", .protos = "tu", .steps = HAIRPIN
		"pre err G>K H:$s>G:80 -> ERROR_MISFIT\npre err F>K H:8080>F:1 -> ERROR_MISFIT" },
	{ .name = "R75_not_delivered_here", .protos = "tu", .steps = HAIRPIN "in err G>H H:$s>G:80 -> NO_FLOW" },
	{ .name = "R75_quoted_echo", .protos = "i", .steps =
		"pre F:7>H -> OPENED F:7>G\npre err G>H H:7>G -> ERROR G>F F:7>H\npre err F>H H>F:7 -> ERROR F>G G>H:7" },

	/* --- this host as the initiator --- */
	{ .name = "local_guest_reports", .protos = "tu", .steps = LOCAL
		"pre err G>H H:1>G:80 -> LATER\nin err G>H H:1>G:80 -> ERROR H>H H:1>H:8080\n"
		"in err X>H H:1>G:80 ttl -> ERROR H>H H:1>H:8080" },
	{ .name = "local_host_reports", .protos = "tu", .steps = LOCAL
		"out err H>H H:8080>H:1 -> ERROR H>G G:80>H:1\npost err H>G G:80>H:1 -> DONE" },
	{ .name = "local_loopback_reports", .protos = "tu", .steps = LOOP
		"pre err G>B B:$s>G:80 -> LATER\nin err G>B B:$s>G:80 ptb rest=1400 -> ERROR L>L L:1>L:8080\n"
		"out err L>L L:8080>L:1 -> ERROR B>G G:80>B:$s" },
	{ .name = "local_misfit", .protos = "tu", .steps = LOCAL "in err G>K H:1>G:80 -> ERROR_MISFIT" },
	{ .name = "local_not_in_postrouting", .protos = "tu", .steps = LOCAL "post err G>H H:1>G:80 -> LATER" },
};

/* --- what needs more than a script: quotes cut off at every length, and broken ones --- */

static struct world world;

static int setup(void **state)
{
	struct nat_params p = world_params(64);

	(void)state;
	world = world_new(&p);
	world_map(&world, SCRIPT_MAP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

static struct packet plain(enum nat_family family, uint8_t proto, char src, uint16_t sport, char dst, uint16_t dport)
{
	return (struct packet){ .family = family, .proto = proto, .tcp_flags = TCP_F_SYN, .payload = 21, .salt = 3,
				.ends = { letter_addr(src, family), letter_addr(dst, family), wire_port(sport), wire_port(dport) } };
}

static struct packet error_of(const struct packet *quote, char src, char dst)
{
	enum nat_family family = quote->family;

	return (struct packet){ .family = family, .proto = family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6,
				.icmp_type = family == NAT_IPV4 ? 3 : 1, .quote = quote, .salt = 9,
				.ends = { letter_addr(src, family), letter_addr(dst, family), 0, 0 } };
}

static enum nat_reason give(uint8_t *data, uint32_t len, enum nat_hook hook)
{
	struct nat_pkt p = { .data = data, .len = len, .hook = (uint8_t)hook, .indev = OUTSIDE };

	nat_packet(&world.nat, &p, world.now);
	nat_finish(&p);
	assert_null(nat_check(&world.nat));
	return p.reason;
}

static void open_flow(enum nat_family family, uint8_t proto)
{
	struct packet p = plain(family, proto, 'C', 1, 'H', 8080);
	uint8_t buf[256];

	assert_int_equal(give(buf, packet_build(&p, buf), NAT_PRE), NAT_WHY_OPENED);
}

/* R56: 8 octets of the quoted transport header are enough; less is no flow; nothing outside is read. */
static void R56_quote_cut_off(enum nat_family family, uint8_t proto, uint32_t options)
{
	struct packet quote = plain(family, proto, 'H', 8080, 'C', 1), want_quote = plain(family, proto, 'G', 80, 'C', 1);
	struct packet err = error_of(&quote, 'R', 'H'), want = error_of(&want_quote, 'R', 'G');
	uint8_t buf[512], want_buf[512];
	uint32_t whole, l4, end;
	uint8_t inner;

	quote.options = want_quote.options = options;
	whole = packet_build(&quote, buf);
	l4 = naive_l4(buf, whole, &inner, &end);
	open_flow(family, proto);
	for (uint32_t cut = 1; cut <= whole; cut++) {
		uint8_t *exact;
		uint32_t len;

		err.quote_octets = want.quote_octets = cut;
		len = packet_build(&err, buf);
		exact = unit_exact(buf, len);
		if (cut < l4 + 8) {
			assert_int_equal(give(exact, len, NAT_PRE), NAT_WHY_ERROR_NO_FLOW);
			assert_memory_equal(exact, buf, len);
		} else {
			assert_int_equal(give(exact, len, NAT_PRE), NAT_WHY_ERROR);
			packet_build(&want, want_buf);
			if (proto != 6 || cut != l4 + 17)	/* half a checksum is left alone */
				assert_memory_equal(exact, want_buf, len);
			assert_true(naive_good(exact, len));
		}
		free(exact);
	}
}

static void R56_cut_off_tcp4(void **s) { (void)s; R56_quote_cut_off(NAT_IPV4, 6, 0); }
static void R56_cut_off_tcp4_options(void **s) { (void)s; R56_quote_cut_off(NAT_IPV4, 6, 40); }
static void R56_cut_off_udp4(void **s) { (void)s; R56_quote_cut_off(NAT_IPV4, 17, 0); }
static void R56_cut_off_tcp6(void **s) { (void)s; R56_quote_cut_off(NAT_IPV6, 6, 0); }
static void R56_cut_off_tcp6_extensions(void **s) { (void)s; R56_quote_cut_off(NAT_IPV6, 6, 5); }
static void R56_cut_off_udp6_extensions(void **s) { (void)s; R56_quote_cut_off(NAT_IPV6, 17, 4); }

/* RFC 4884: what follows a padded quote is left alone and covered by the outer checksum. */
static void R56_extensions_after_the_quote(void **state)
{
	uint8_t buf[512], was[512];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		struct packet quote = plain(f, 17, 'H', 8080, 'C', 1), err;
		uint32_t len, l4, end;
		uint8_t proto;

		open_flow(f, 17);
		quote.payload = 150;
		err = error_of(&quote, 'R', 'H');
		len = packet_build(&err, buf);
		l4 = naive_l4(buf, len, &proto, &end);
		/* the quoted packet says it is shorter: the last octets are no longer its own */
		if (f == 4) {
			wire_put16(buf + l4 + 8 + 2, 128);
			wire_put16(buf + l4 + 8 + 10, 0);
			wire_put16(buf + l4 + 8 + 10, (uint16_t)~naive_sum(0, buf + l4 + 8, 20));
		} else {
			wire_put16(buf + l4 + 8 + 4, 88);
		}
		packet_csum(&err, buf, l4, len - l4);
		memcpy(was, buf, len);
		assert_int_equal(give(buf, len, NAT_PRE), NAT_WHY_ERROR);
		assert_memory_equal(buf + l4 + 8 + 128, was + l4 + 8 + 128, len - (l4 + 8 + 128));
		assert_true(naive_good(buf, len));
	}
}

/* One change in the octets of an error, and what becomes of it; nothing else may change. */
struct broken {
	const char *name;
	unsigned family;
	uint32_t at;			/* from the ICMP header */
	uint16_t value;
	enum nat_reason why;
};

static const struct broken broken[] = {
	{ "R59_redirect4", 4, 0, 0x0501, NAT_WHY_OTHER_PROTO },
	{ "R59_redirect6", 6, 0, 0x8900, NAT_WHY_OTHER_PROTO },
	{ "R56_quote_is_no_ip", 4, 8, 0x2500, NAT_WHY_ERROR_NO_FLOW },
	{ "R56_quote_of_the_other_family_in_4", 4, 8, 0x6000, NAT_WHY_ERROR_NO_FLOW },
	{ "R56_quote_of_the_other_family_in_6", 6, 8, 0x4500, NAT_WHY_ERROR_NO_FLOW },
	{ "R56_quote_header_too_long", 4, 8, 0x4f00, NAT_WHY_ERROR_NO_FLOW },
	{ "R56_quote_later_fragment", 4, 14, 0x0001, NAT_WHY_ERROR_NO_FLOW },
	{ "R58_quote_is_an_error", 4, 16, 0x4001, NAT_WHY_ERROR_NO_FLOW },
	{ "R58_quote_is_an_error6", 6, 14, 0x3a40, NAT_WHY_ERROR_NO_FLOW },
	{ "R56_quote_of_another_protocol", 4, 16, 0x402f, NAT_WHY_ERROR_NO_FLOW },
	{ "R15_quoted_header_checksum", 4, 18, 0x0bad, NAT_WHY_ERROR_CSUM },
	{ "R15_code_changed", 4, 0, 0x0302, NAT_WHY_ERROR_CSUM },
	{ "R15_type_changed6", 6, 0, 0x0200, NAT_WHY_ERROR_CSUM },
	{ "R15_payload_changed6", 6, 60, 0x0bad, NAT_WHY_ERROR_CSUM },
};

static void R56_broken(void **state)
{
	const struct broken *b = *state;
	struct packet quote = plain(b->family, 6, 'H', 8080, 'C', 1), err = error_of(&quote, 'R', 'H');
	uint8_t buf[512], was[512], proto;
	uint32_t len, l4, end;

	open_flow(b->family, 6);
	len = packet_build(&err, buf);
	l4 = naive_l4(buf, len, &proto, &end);
	wire_put16(buf + l4 + b->at, b->value);
	if (b->family == 4 && b->at > 8 && b->at < 18) {	/* what is changed shall be the only mistake */
		wire_put16(buf + l4 + 18, 0);
		wire_put16(buf + l4 + 18, (uint16_t)~naive_sum(0, buf + l4 + 8, 20));
	}
	if (b->why != NAT_WHY_ERROR_CSUM || b->at == 18)
		packet_csum(&err, buf, l4, len - l4);
	memcpy(was, buf, len);
	for (unsigned h = 0; h < NAT_HOOKS; h += NAT_POST) {
		enum nat_reason why = give(buf, len, h);

		if (h == NAT_PRE)
			assert_string_equal(nat_reason_name(why), nat_reason_name(b->why));
		assert_memory_equal(buf, was, len);
	}
}

/* R15: the quoted transport checksum need not be right, and stays as wrong as it was. */
static void R15_quoted_l4_checksum_is_not_verified(void **state)
{
	uint8_t buf[512];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		struct packet quote = plain(f, 6, 'H', 8080, 'C', 1), err;
		uint32_t len, l4, end;
		uint8_t proto;

		open_flow(f, 6);
		quote.bad_csum = true;
		err = error_of(&quote, 'R', 'H');
		len = packet_build(&err, buf);
		assert_int_equal(give(buf, len, NAT_PRE), NAT_WHY_ERROR);
		assert_true(naive_good(buf, len));
		l4 = naive_l4(buf, len, &proto, &end);
		assert_false(naive_good(buf + l4 + 8, len - l4 - 8));
	}
}

/* R82: any octet of an error takes any value; the sanitizer judges. */
static void R82_lies_in_every_octet(void **state)
{
	uint8_t buf[512], copy[512];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		struct packet quote = plain(f, 6, 'H', 8080, 'C', 1), err;
		uint32_t len;

		open_flow(f, 6);
		quote.options = 4;
		err = error_of(&quote, 'R', 'H');
		len = packet_build(&err, buf);
		for (uint32_t at = 0; at < len; at++)
			for (unsigned v = 0; v < 256; v += 5) {
				uint8_t *exact;

				memcpy(copy, buf, len);
				copy[at] = (uint8_t)v;
				exact = unit_exact(copy, len);
				give(exact, len, v % 2 ? NAT_PRE : NAT_POST);
				free(exact);
			}
		assert_int_equal(world.nat.flows.head->used, f == 4 ? 1 : 2);
	}
}

static void in_world(const char *name, CMUnitTestFunction run, const void *row)
{
	unit_add_around(name, run, row, setup, teardown);
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(scripts); i++)
		unit_add(scripts[i].name, script_run, &scripts[i]);
	in_world("R56_cut_off_tcp4", R56_cut_off_tcp4, NULL);
	in_world("R56_cut_off_tcp4_options", R56_cut_off_tcp4_options, NULL);
	in_world("R56_cut_off_udp4", R56_cut_off_udp4, NULL);
	in_world("R56_cut_off_tcp6", R56_cut_off_tcp6, NULL);
	in_world("R56_cut_off_tcp6_extensions", R56_cut_off_tcp6_extensions, NULL);
	in_world("R56_cut_off_udp6_extensions", R56_cut_off_udp6_extensions, NULL);
	in_world("R56_extensions_after_the_quote", R56_extensions_after_the_quote, NULL);
	for (unsigned i = 0; i < COUNT(broken); i++)
		in_world(broken[i].name, R56_broken, &broken[i]);
	in_world("R15_quoted_l4_checksum_is_not_verified", R15_quoted_l4_checksum_is_not_verified, NULL);
	in_world("R82_lies_in_every_octet", R82_lies_in_every_octet, NULL);
	return unit_run("error");
}
