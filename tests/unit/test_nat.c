/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat: whole-engine scenarios, each named by the rule it shows. The language
 * is that of script.h; every packet is compared octet by octet with one that
 * was built from the expected ends. test_error.c has the ICMP errors.
 */
#include "nat/nat.h"

#include "nat/tcp.h"
#include "tests/unit/script.h"

#define HANDSHAKE                                                               \
	"pre C:40000>H:8080 S seq=100 -> OPENED C:40000>G:80\n"                 \
	"post G:80>C:40000 SA seq=700 ack=101 -> TRANSLATED H:8080>C:40000\n"   \
	"pre C:40000>H:8080 A seq=101 ack=701 -> TRANSLATED C:40000>G:80\n"     \
	"state ESTABLISHED\nidle TCP_ESTABLISHED\n"

static const struct script scripts[] = {
	/* --- forwards --- */
	{ .name = "R27_in_and_back", .protos = "tu", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\n"
		"fwd C:40000>G:80 S -> STOPPED\n"
		"post C:40000>G:80 S -> NO_FLOW\n"
		"post G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 A len=1400 -> TRANSLATED C:40000>G:80\n"
		"fwd C:40000>G:80 A -> STOPPED\n"
		"flows 1\nopened 1" },
	{ .name = "R51_echo_in_and_back", .protos = "i", .steps =
		"pre C:77>H -> OPENED C:77>G\n"
		"fwd C:77>G -> STOPPED\n"
		"post G>C:77 -> TRANSLATED H>C:77\n"
		"pre C:78>H -> OPENED C:78>G\n"
		"pre D:77>H -> OPENED D:77>G\n"
		"post G>D:77 -> TRANSLATED H>D:77\n"
		"flows 3\nidle ICMP" },
	{ .name = "R51_answers_to_the_hosts_own_pings_are_its_own", .protos = "i", .steps =
		"pre C>H:77 -> NO_FORWARD\nflows 0" },
	{ .name = "R27_any_source_any_port", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\n"
		"pre C:65535>H:8080 S -> OPENED C:65535>G:80\n"
		"pre D:1>H:8080 S -> OPENED D:1>G:80\n"
		"pre C:1>K:8080 S -> OPENED C:$s>G:80\n"
		"flows 4" },
	{ .name = "R27_port_range_shifts_by_offset", .protos = "tu", .steps =
		"pre C:1>H:5000 S -> OPENED C:1>G:6000\n"
		"pre C:1>H:5003 S -> OPENED C:1>G:6003\n"
		"pre C:1>H:5009 S -> OPENED C:1>G:6009\n"
		"post G:6003>C:1 SA -> TRANSLATED H:5003>C:1\n"
		"pre C:1>H:4999 S -> NO_FORWARD\n"
		"pre C:1>H:5010 S -> NO_FORWARD\nflows 3" },
	{ .name = "R27_neighbouring_ports_are_not_forwarded", .protos = "tu", .steps =
		"pre C:1>H:8079 S -> NO_FORWARD\npre C:1>H:8081 S -> NO_FORWARD\npre C:1>H:0 S -> NO_FORWARD\nflows 0" },
	{ .name = "R27_whole_range_of_ports", .protos = "tu", .map = "tcp *:0-65535 > G:0; udp *:0-65535 > G:0", .steps =
		"pre C:1>H:65535 S -> OPENED C:1>G:65535\npre C:1>H:0 S -> OPENED C:1>G:0" },
	{ .name = "R27_address_beats_any_address", .protos = "tu",
	  .map = "tcp *:8080 > F:1; tcp H:8080 > G:2; udp *:8080 > F:1; udp H:8080 > G:2", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:2\npre C:1>K:8080 S -> OPENED C:1>F:1" },
	{ .name = "R27_address_beats_device_beats_any", .protos = "tu",
	  .map = "tcp *:80 > G:1; tcp *:80 > G:2 dev=2; tcp H:80 > G:3; tcp H:80 > G:4 dev=2;"
		 "udp *:80 > G:1; udp *:80 > G:2 dev=2; udp H:80 > G:3; udp H:80 > G:4 dev=2", .steps =
		"pre C:1>H:80 S dev=2 -> OPENED C:1>G:4\n"
		"pre C:2>H:80 S dev=3 -> OPENED C:2>G:3\n"
		"pre C:3>K:80 S dev=2 -> OPENED C:3>G:2\n"
		"pre C:4>K:80 S dev=3 -> OPENED C:4>G:1\n" },
	{ .name = "R27_narrow_range_inside_a_wide_one", .protos = "tu",
	  .map = "tcp *:1000-2000 > F:1000; tcp H:1500 > G:80; udp *:1000-2000 > F:1000; udp H:1500 > G:80", .steps =
		"pre C:1>H:1499 S -> OPENED C:1>F:1499\n"
		"pre C:1>H:1500 S -> OPENED C:1>G:80\n"
		"pre C:1>K:1500 S -> OPENED C:1>F:1500\n"
		"pre C:1>H:1501 S -> OPENED C:1>F:1501\n" },
	{ .name = "device_must_match", .protos = "tu", .map = "tcp *:80 > G:80 dev=7; udp *:80 > G:80 dev=7", .steps =
		"pre C:1>H:80 S dev=2 -> NO_FORWARD\npre C:1>H:80 S dev=7 -> OPENED C:1>G:80\n"
		"out H:1>H:80 S -> NO_FORWARD" },
	{ .name = "tcp_forward_is_not_udp", .protos = "u", .map = "tcp *:80 > G:80", .steps = "pre C:1>H:80 -> NO_FORWARD" },
	{ .name = "udp_forward_is_not_tcp", .protos = "t", .map = "udp *:80 > G:80", .steps = "pre C:1>H:80 S -> NO_FORWARD" },
	{ .name = "allow_list", .protos = "tu", .map = "tcp *:80 > G:80 allow=CF; udp *:80 > G:80 allow=CF", .steps =
		"pre D:1>H:80 S -> NOT_ALLOWED\npre C:1>H:80 S -> OPENED C:1>G:80\n"
		"pre F:1>H:80 S -> OPENED F:$s>G:80\nflows 2" },
	{ .name = "allow_list_icmp", .protos = "i", .map = "icmp * > G allow=C", .steps =
		"pre D:1>H -> NOT_ALLOWED\npre C:1>H -> OPENED C:1>G\nflows 1" },
	{ .name = "R83_guests_source_from_elsewhere", .protos = "tu",
	  .map = "tcp *:80 > G:80 inside; udp *:80 > G:80 inside", .steps =
		"pre F:1>H:80 S dev=2 -> SPOOFED\npre B:1>H:80 S dev=2 -> SPOOFED\npre G:1>H:80 S dev=6 -> SPOOFED\nflows 0\n"
		"pre F:1>H:80 S -> OPENED F:$s>G:80\npre C:1>H:80 S -> OPENED C:1>G:80\nout B:1>H:80 S -> OPENED B:1>G:80" },
	{ .name = "R83_not_known_whose_prefix_it_is", .protos = "tu",
	  .map = "tcp *:80 > G:80 inside oif=0; tcp *:81 > G:80; udp *:80 > G:80 inside oif=0; udp *:81 > G:80", .steps =
		"pre F:1>H:80 S dev=2 -> OPENED F:1>G:80\npre F:2>H:81 S dev=2 -> OPENED F:2>G:80" },
	{ .name = "R83_echo", .protos = "i", .map = "icmp * > G inside", .steps =
		"pre F:1>H dev=2 -> SPOOFED\npre F:1>H -> OPENED F:1>G\npre C:2>H -> OPENED C:2>G" },
	{ .name = "no_guest_and_what_its_callers_hear", .protos = "tu",		/* test_guest.c has more */
	  .map = "tcp *:80 > G:1 reject; tcp *:81 > G:1 drop; tcp *:82 > G:1 hold;"
		 "udp *:80 > G:1 reject; udp *:81 > G:1 drop; udp *:82 > G:1 hold", .steps =
		"pre C:1>H:80 S -> REJECTED\npre C:1>H:81 S -> DISCARDED\npre C:1>H:82 S -> HELD\nflows 0" },
	{ .name = "firewall_respected", .protos = "tu", .map = "tcp *:80 > G:80 respect; udp *:80 > G:80 respect", .steps =
		"pre C:1>H:80 S -> OPENED C:1>G:80\nfwd C:1>G:80 S -> RESPECTED" },
	{ .name = "R30_unmatched_goes_to_the_host", .protos = "t", .steps =
		"pre C:1>H:22 S -> NO_FORWARD\npre C:1>H:22 A -> NO_FORWARD\npre C:1>H:22 R -> NO_FORWARD\n"
		"pre C:1>H:22 SF -> NO_FORWARD\nflows 0" },
	{ .name = "R30_guest_opens_nothing", .protos = "tu", .steps =
		"pre G:80>C:40000 SA -> NO_FORWARD\npost G:80>C:40000 SA -> NO_FLOW\n"
		"fwd G:80>C:40000 SA -> NO_FLOW\nin G:80>H:40000 SA -> NO_FLOW\nflows 0" },
	{ .name = "forward_hook_of_a_stranger", .protos = "tu", .steps =
		"fwd C:40000>G:80 S -> NO_FLOW\npre C:40000>H:8080 S -> OPENED C:40000>G:80\n"
		"fwd D:40000>G:80 S -> NO_FLOW\nfwd C:40001>G:80 S -> NO_FLOW\nfwd C:40000>G:81 S -> NO_FLOW\n"
		"fwd C:40000>F:80 S -> NO_FLOW\nfwd C:40000>H:8080 S -> NO_FLOW" },
	{ .name = "post_of_a_stranger", .protos = "tu", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\n"
		"post G:80>D:40000 R -> NO_FLOW\npost G:81>C:40000 A -> NO_FLOW\npost F:80>C:40000 A -> NO_FLOW\n"
		"post C:40000>H:8080 A -> NO_FLOW\nin C:40000>H:8080 A -> NO_FLOW\nin G:80>C:40000 A -> NO_FLOW" },
	{ .name = "answers_wait_for_postrouting", .protos = "tu", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\npre G:80>C:40000 SA -> LATER\n"
		"out G:80>C:40000 SA -> LATER\n"
		"post G:80>C:40000 SA -> TRANSLATED H:8080>C:40000" },
	{ .name = "R12_local_scope", .protos = "tu", .map = "tcp *:80 > G:80; udp *:80 > G:80", .steps =
		"pre l:1>H:80 S -> LOCAL_SCOPE\npre C:1>l:80 S -> LOCAL_SCOPE\npre C:1>M:80 S -> LOCAL_SCOPE\nflows 0" },

	/* --- R4: what the host will say of a first packet, it cannot say right later --- */
	{ .name = "R4_hops_end_at_this_host", .protos = "tu", .steps =
		"pre C:1>H:8080 S ttl=1 -> TTL_OVER\nflows 0\npre C:1>H:8080 S ttl=2 -> OPENED C:1>G:80\n"
		"pre C:1>H:8080 S ttl=1 -> TTL_OVER\npost G:80>C:1 SA ttl=1 -> TRANSLATED H:8080>C:1\n"
		"pre C:1>H:8080 A ttl=1 -> TRANSLATED C:1>G:80\npre C:1>H:9 S ttl=1 -> NO_FORWARD" },
	{ .name = "R4_hops_of_a_ping_end_at_this_host", .protos = "i", .steps =
		"pre C:77>H ttl=1 -> TTL_OVER\nflows 0\npre C:77>H ttl=2 -> OPENED C:77>G" },
	{ .name = "R4_hops_do_not_end_on_the_way_to_itself", .protos = "tu", .map = "tcp *:8080 > G:80 oif=1; udp *:8080 > G:80 oif=1", .steps =
		"pre C:1>H:8080 S ttl=1 -> OPENED C:1>G:80\nout H:2>H:8080 S ttl=1 -> OPENED H:2>G:80" },

	/* --- R31: the flows are lost, and the guest speaks before the client does --- */
	{ .name = "R31_guest_speaks_first", .protos = "t", .map = "tcp H:8080-8089 > G:80", .steps =
		"post G:82>C:40000 A -> PICKED_UP H:8082>C:40000\nstate PICKED_UP\npost G:82>C:40000 A -> TRANSLATED H:8082>C:40000\n"
		"state PICKED_UP\nidle TCP_PICKED_UP\npre C:40000>H:8082 A -> TRANSLATED C:40000>G:82\nstate PICKED_UP\n"
		"post G:82>C:40000 A -> TRANSLATED H:8082>C:40000\nstate ESTABLISHED\nidle TCP_ESTABLISHED" },
	{ .name = "R31_guest_speaks_first_and_ends", .protos = "t", .map = "tcp H:8080 > G:80", .steps =
		"post G:80>C:40000 FA -> PICKED_UP H:8080>C:40000\npost G:80>C:40000 FA -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\npost G:80>C:40000 FA -> TRANSLATED H:8080>C:40000\nidle TCP_FIN" },
	{ .name = "R34_guest_alone_keeps_nothing_open", .protos = "t", .map = "tcp H:8080 > G:80", .steps =
		"post G:80>C:40000 A -> PICKED_UP H:8080>C:40000\nwait 200\npost G:80>C:40000 A -> TRANSLATED H:8080>C:40000\n"
		"wait 101\nexpire 1\nflows 0" },
	{ .name = "R31_guests_rst_and_syn_pick_up_nothing", .protos = "t", .map = "tcp H:8080 > G:80", .steps =
		"post G:80>C:1 R -> NO_FLOW\npost G:80>C:1 RA -> NO_FLOW\npost G:80>C:1 SA -> NO_FLOW\npost G:80>C:1 SF -> NO_FLOW\n"
		"post G:81>C:1 A -> NO_FLOW\npost F:80>C:1 A -> NO_FLOW\npost G:80>F:1 A -> NO_FLOW\nflows 0" },
	{ .name = "R12_guests_own_connection_from_a_published_port", .protos = "t", .map = "tcp H:8080 > G:80", .steps =
		"post G:80>C:1 S -> NO_FLOW\npost G:80>C:1 A -> NO_FLOW\npost G:80>C:1 FA -> NO_FLOW\nflows 0\n"
		"post G:80>C:2 A -> PICKED_UP H:8080>C:2" },
	{ .name = "R12_client_that_reaches_the_guest_without_us", .protos = "t", .map = "tcp H:8080 > G:80", .steps =
		"post G:80>C:1 SA -> NO_FLOW\npost G:80>C:1 A -> NO_FLOW\npost G:80>C:1 FA -> NO_FLOW\nflows 0" },
	{ .name = "R31_two_addresses_are_possible", .protos = "t", .map = "tcp H:8080 > G:80; tcp K:8080 > G:80", .steps =
		"post G:80>C:1 A -> UNPLACED\nflows 0\npre C:1>K:8080 A -> PICKED_UP C:1>G:80\npost G:80>C:1 A -> TRANSLATED K:8080>C:1" },
	{ .name = "R31_address_of_the_host_is_not_known", .protos = "t", .map = "tcp *:8080 > G:80", .steps =
		"post G:80>C:1 A -> UNPLACED\nflows 0\npre C:1>H:8080 A -> PICKED_UP C:1>G:80\npost G:80>C:1 A -> TRANSLATED H:8080>C:1" },
	{ .name = "R23_port_of_ours_is_not_the_clients", .protos = "t", .map = "tcp H:8080 > G:80", .steps =
		"post G:80>C:61005 A -> UNPLACED\nflows 0" },
	{ .name = "R31_only_whom_the_forward_lets_in", .protos = "t", .map = "tcp H:8080 > G:80 allow=D", .steps =
		"post G:80>C:1 A -> NO_FLOW\npost G:80>D:1 A -> PICKED_UP H:8080>D:1" },
	{ .name = "R31_more_special_row_leads_elsewhere", .protos = "t", .map = "tcp H:8080 > G:80 dev=2; tcp H:8080 > F:80", .steps =
		"post F:80>C:1 A -> NO_FLOW\npost G:80>C:1 A -> PICKED_UP H:8080>C:1" },
	{ .name = "R31_not_by_what_nobody_else_wants", .protos = "t", .map = "tcp *:1-65535 > G:1 rest", .steps =
		"post G:80>C:1 A -> NO_FLOW\nflows 0" },

	/* --- R61: nothing else changes; the script compares all octets --- */
	{ .name = "R61_headers_and_options_untouched", .protos = "tu", .steps =
		"pre C:1>H:8080 S opt=4 -> OPENED C:1>G:80\npre C:1>H:8080 S opt=0 len=1 -> TRANSLATED C:1>G:80\n"
		"pre C:1>H:8080 S len=0 -> TRANSLATED C:1>G:80\npost G:80>C:1 SA opt=8 len=3 -> TRANSLATED H:8080>C:1\n"
		"pre C:1>H:8080 A len=65000 -> TRANSLATED C:1>G:80\npost G:80>C:1 A len=64999 -> TRANSLATED H:8080>C:1\n"
		"pre C:1>H:8080 APU -> TRANSLATED C:1>G:80" },
	{ .name = "R61_echo_with_options", .protos = "i", .steps =
		"pre C:77>H opt=4 -> OPENED C:77>G\npost G>C:77 opt=16 len=1401 -> TRANSLATED H>C:77" },

	/* --- checksums --- */
	{ .name = "R14_udp_without_checksum", .protos = "u", .steps =
		"pre C:1>H:8080 nocsum -> OPENED C:1>G:80\npost G:80>C:1 nocsum -> TRANSLATED H:8080>C:1" },
	{ .name = "R15_wrong_stays_wrong", .protos = "tu", .steps =
		"pre C:1>H:8080 S bad -> OPENED C:1>G:80\npost G:80>C:1 SA bad -> TRANSLATED H:8080>C:1" },
	{ .name = "R5_unfinished_checksum_is_finished", .protos = "tu", .steps =
		"pre C:1>H:8080 S partial -> OPENED C:1>G:80\n"
		"pre C:1>H:8080 S partial len=1401 -> TRANSLATED C:1>G:80\n"
		"post G:80>C:1 SA partial len=0 -> TRANSLATED H:8080>C:1\n"
		"post G:80>C:1 SA partial opt=4 len=1399 -> TRANSLATED H:8080>C:1" },
	{ .name = "R5_unfinished_and_untouched_stays_so", .protos = "tu", .steps =
		"pre C:1>H:9 S partial -> NO_FORWARD\npre C:1>H:8080 S -> OPENED C:1>G:80\nfwd C:1>G:80 S partial -> STOPPED" },
	{ .name = "R6_aggregate_at_prerouting_is_finished", .protos = "t", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\npre C:1>H:8080 A partial gso len=60001 -> TRANSLATED C:1>G:80\n"
		"out H:1>H:8080 S -> OPENED H:1>G:80\nout H:1>H:8080 A partial gso len=60000 -> TRANSLATED H:1>G:80\n"
		"in G:80>H:1 A partial gso len=60000 -> TRANSLATED H:8080>H:1" },
	{ .name = "R6_aggregate_at_postrouting_is_left_to_the_kernel", .protos = "t", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\npost G:80>C:1 A partial gso len=60000 -> TRANSLATED H:8080>C:1" },
	{ .name = "R6_aggregate_with_a_full_checksum", .protos = "t", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\npost G:80>C:1 A gso len=60000 -> TRANSLATED H:8080>C:1" },
	{ .name = "R6_udp_aggregate_is_finished", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npost G:80>C:1 partial gso len=20000 -> TRANSLATED H:8080>C:1" },
	{ .name = "R7_truncated_is_never_written_back", .protos = "tu", .steps =
		"pre C:1>H:8080 S trunc -> TRUNCATED\nflows 0\npre C:1>H:8080 S -> OPENED C:1>G:80\n"
		"pre C:1>H:8080 A trunc -> TRUNCATED\npost G:80>C:1 A trunc -> TRUNCATED\nfwd C:1>G:80 A trunc -> TRUNCATED\n"
		"pre C:1>H:22 A trunc -> NO_FORWARD" },

	{ .name = "R7_headers_alone_ask_for_the_whole", .protos = "t", .steps =
		"pre C:1>H:8080 S head -> HEADERS_ONLY\nflows 0\npre C:1>H:8080 S -> OPENED C:1>G:80\n"
		"pre C:1>H:8080 A head -> HEADERS_ONLY" },

	/* --- R75: hairpin --- */
	{ .name = "R75_other_guest", .protos = "tu", .steps =
		"pre F:40000>H:8080 S -> OPENED F:$s>G:80\n"
		"fwd F:$s>G:80 S -> STOPPED H:$s>G:80\n"
		"post H:$s>G:80 S -> NO_FLOW\n"
		"pre G:80>H:$s SA -> TRANSLATED G:80>F:$s\n"
		"fwd G:80>F:$s SA -> NO_FLOW\n"
		"post G:80>F:$s SA -> TRANSLATED H:8080>F:40000\n"
		"pre F:40000>H:8080 A -> TRANSLATED F:$s>G:80\n"
		"fwd F:$s>G:80 A -> STOPPED H:$s>G:80\nflows 1" },
	{ .name = "R75_same_guest", .protos = "tu", .steps =
		"pre G:40000>H:8080 S -> OPENED G:$s>G:80\n"
		"fwd G:$s>G:80 S -> STOPPED H:$s>G:80\n"
		"pre G:80>H:$s SA -> TRANSLATED G:80>G:$s\n"
		"post G:80>G:$s SA -> TRANSLATED H:8080>G:40000\n"
		"pre G:40000>H:8080 A -> TRANSLATED G:$s>G:80\nflows 1" },
	{ .name = "R75_same_guest_same_port", .protos = "tu", .steps =
		"pre G:80>H:8080 S -> OPENED G:$s>G:80\nfwd G:$s>G:80 S -> STOPPED H:$s>G:80\n"
		"pre G:80>H:$s SA -> TRANSLATED G:80>G:$s\npost G:80>G:$s SA -> TRANSLATED H:8080>G:80" },
	{ .name = "R75_by_the_bridges_address", .protos = "tu", .steps =
		"pre F:40000>B:8080 S -> OPENED F:$s>G:80\nfwd F:$s>G:80 S -> STOPPED B:$s>G:80\n"
		"pre G:80>B:$s SA -> TRANSLATED G:80>F:$s\npost G:80>F:$s SA -> TRANSLATED B:8080>F:40000" },
	{ .name = "R75_same_guest_never_gets_its_own_port", .protos = "tu", .source_lo = 61000, .source_hi = 61000,
	  .map = "tcp *:8080 > G:61000; tcp *:8081 > G:80; udp *:8080 > G:61000; udp *:8081 > G:80", .steps =
		"pre G:1>H:8080 S -> NO_SOURCE_PORT\npre F:1>H:8080 S -> OPENED F:$s>G:61000\n"
		"pre G:1>H:8081 S -> OPENED G:$s>G:80\nflows 2" },
	{ .name = "R75_echo", .protos = "i", .steps =
		"pre F:77>H -> OPENED F:77>G\nfwd F:77>G -> STOPPED H:77>G\npre G>H:77 -> TRANSLATED G>F:77\n"
		"post G>F:77 -> TRANSLATED H>F:77\n"
		"pre G:77>H -> OPENED G:$i>G\nfwd G:$i>G -> STOPPED H:$i>G\npre G>H:$i -> TRANSLATED G>G:$i\n"
		"post G>G:$i -> TRANSLATED H>G:77" },
	{ .name = "R75_two_guests_same_port", .protos = "tu", .steps =
		"pre F:40000>H:8080 S -> OPENED F:$a>G:80\npre X:40000>H:8080 S -> OPENED X:$b>G:80\n"
		"pre G:80>H:$b SA -> TRANSLATED G:80>X:$b\npre G:80>H:$a SA -> TRANSLATED G:80>F:$a\n"
		"post G:80>X:$b SA -> TRANSLATED H:8080>X:40000\npost G:80>F:$a SA -> TRANSLATED H:8080>F:40000" },
	{ .name = "R75_guest_on_another_bridge_is_no_hairpin", .protos = "tu", .steps =
		"pre X:40000>H:8080 S dev=6 -> OPENED X:40000>G:80\npost G:80>X:40000 SA -> TRANSLATED H:8080>X:40000" },
	{ .name = "R75_answers_never_leave_half_translated", .protos = "tu", .steps =
		"pre F:40000>H:8080 S -> OPENED F:$s>G:80\npre G:80>F:$s SA -> NO_FLOW\nin G:80>H:$s SA -> NO_FLOW" },
	{ .name = "R75_unfinished_checksums", .protos = "tu", .steps =
		"pre F:40000>H:8080 S partial -> OPENED F:$s>G:80\nfwd F:$s>G:80 S -> STOPPED H:$s>G:80\n"
		"pre G:80>H:$s SA partial len=77 -> TRANSLATED G:80>F:$s\npost G:80>F:$s SA -> TRANSLATED H:8080>F:40000" },

	/* --- this host as the initiator --- */
	{ .name = "local_by_its_own_address", .protos = "tu", .steps =
		"out H:40000>H:8080 S -> OPENED H:40000>G:80\npost H:40000>G:80 S -> NO_FLOW\n"
		"pre G:80>H:40000 SA -> LATER\nin G:80>H:40000 SA -> TRANSLATED H:8080>H:40000\n"
		"out H:40000>H:8080 A -> TRANSLATED H:40000>G:80\npost G:80>H:40000 A -> NO_FLOW" },
	{ .name = "local_by_another_of_its_addresses", .protos = "tu", .steps =
		"out K:40000>H:8080 S -> OPENED K:40000>G:80\nin G:80>K:40000 SA -> TRANSLATED H:8080>K:40000" },
	{ .name = "local_by_loopback", .protos = "tu", .steps =
		"out L:40000>L:8080 S partial -> OPENED B:$s>G:80\npre G:80>B:$s SA -> LATER\n"
		"in G:80>B:$s SA -> TRANSLATED L:8080>L:40000\nout L:40000>L:8080 A -> TRANSLATED B:$s>G:80\nflows 1" },
	{ .name = "local_echo", .protos = "i", .steps =
		"out H:77>H -> OPENED H:77>G\npre G>H:77 -> LATER\nin G>H:77 -> TRANSLATED H>H:77\n"
		"out L:78>L -> OPENED B:78>G\nin G>B:78 -> TRANSLATED L>L:78" },
	{ .name = "local_loopback_needs_an_address_near_the_guest", .protos = "tu",
	  .map = "tcp *:80 > G:80 near=-; udp *:80 > G:80 near=-", .steps =
		"out L:1>L:80 S -> NO_SOURCE_ADDR\nflows 0\nout H:1>H:80 S -> OPENED H:1>G:80" },
	{ .name = "local_and_outside_do_not_meet", .protos = "tu", .steps =
		"out H:40000>H:8080 S -> OPENED H:40000>G:80\nin G:80>H:40001 SA -> NO_FLOW\n"
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\nin G:80>C:40000 SA -> NO_FLOW" },
	{ .name = "R83_strangers_with_our_source_do_not_meet_local_flows", .protos = "tu", .steps =
		"out H:1>H:8080 S -> OPENED H:1>G:80\npre H:1>H:8080 R -> NO_FLOW\nfwd H:1>G:80 S -> NO_FLOW\n"
		"out L:1>L:8080 S -> OPENED B:$s>G:80\npre L:1>L:8080 R -> NO_FLOW\nfwd B:$s>G:80 S -> NO_FLOW\n"
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nout C:1>H:8080 R -> NO_FLOW\nin G:80>H:1 SA -> TRANSLATED H:8080>H:1" },
	{ .name = "loopback_before_prerouting_is_not_ours", .protos = "tu",
	  .map = "tcp *:80 > G:80; udp *:80 > G:80", .steps = "out H:1>C:443 S -> NO_FORWARD\nflows 0" },

	/* --- R23: one guest socket by two ways --- */
	{ .name = "R23_clash_takes_another_source_port", .protos = "tu",
	  .map = "tcp *:8080 > G:80; tcp *:8081 > G:80; udp *:8080 > G:80; udp *:8081 > G:80", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\n"
		"pre C:40000>H:8081 S -> OPENED C:$s>G:80\n"
		"fwd C:$s>G:80 S -> STOPPED\n"
		"post G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\n"
		"post G:80>C:$s SA -> TRANSLATED H:8081>C:40000\n"
		"pre C:40000>H:8081 A -> TRANSLATED C:$s>G:80\nflows 2" },
	{ .name = "R23_clash_of_echo_identifiers", .protos = "i", .steps =
		"pre C:77>H -> OPENED C:77>G\npre C:77>K -> OPENED C:$i>G\npost G>C:$i -> TRANSLATED K>C:77\n"
		"post G>C:77 -> TRANSLATED H>C:77" },
	{ .name = "R23_hosts_own_clash", .protos = "tu",
	  .map = "tcp *:8080 > G:80; tcp *:8081 > G:80; udp *:8080 > G:80; udp *:8081 > G:80", .steps =
		"out H:40000>H:8080 S -> OPENED H:40000>G:80\nout H:40000>H:8081 S -> OPENED H:$s>G:80\n"
		"in G:80>H:$s SA -> TRANSLATED H:8081>H:40000\nin G:80>H:40000 SA -> TRANSLATED H:8080>H:40000" },
	{ .name = "R21_no_free_port_is_refused", .protos = "tu", .source_lo = 61000, .source_hi = 61000,
	  .map = "tcp *:8080-8083 > G:80; tcp *:9000 > G:80; tcp *:9001 > G:80;"
		 "udp *:8080-8083 > G:80; udp *:9000 > G:80; udp *:9001 > G:80", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\npre C:40000>H:9000 S -> OPENED C:$s>G:80\n"
		"pre C:40000>H:9001 S -> NO_SOURCE_PORT\nflows 2\npre C:40001>H:9001 S -> OPENED C:40001>G:80\n"
		"pre F:1>H:8080 S -> OPENED F:$s>G:80\npre X:1>H:8080 S -> NO_SOURCE_PORT" },

	/* --- TCP --- */
	{ .name = "R38_handshake_and_close", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 FA -> TRANSLATED C:40000>G:80\nstate FIN_ORIG\nidle TCP_FIN\n"
		"post G:80>C:40000 FA -> TRANSLATED H:8080>C:40000\nstate CLOSING\nidle TCP_CLOSING\n"
		"pre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\nwait 239.9\n"
		"pre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\nwait 240.1\n"
		"post G:80>C:40000 A -> UNPLACED\nended IDLE\nflows 0" },
	{ .name = "R38_half_open_never_lasts_long", .protos = "t", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\npost G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\n"
		"post G:80>C:40000 A -> TRANSLATED H:8080>C:40000\nstate SYN_RECV\nidle TCP_OPENING\nwait 240.1\nexpire 1" },
	{ .name = "R38_picked_up_and_opened_by_strangers_never_lasts_long", .protos = "t", .steps =
		"pre C:40000>H:8080 A -> PICKED_UP C:40000>G:80\npre C:40000>H:8080 S -> TRANSLATED C:40000>G:80\n"
		"post G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\nstate SYN_RECV\nidle TCP_OPENING" },
	{ .name = "R39_simultaneous_open", .protos = "t", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\npost G:80>C:40000 S -> TRANSLATED H:8080>C:40000\n"
		"state SYN_BOTH\npre C:40000>H:8080 SA -> TRANSLATED C:40000>G:80\n"
		"post G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\npre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\n"
		"state ESTABLISHED" },
	{ .name = "R40_lost_and_repeated_segments", .protos = "t", .steps = HANDSHAKE
		"post G:80>C:40000 SA seq=700 ack=101 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED\n"
		"pre C:40000>H:8080 A seq=101 ack=701 len=500 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 A seq=1 ack=1 len=500 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\nidle TCP_ESTABLISHED\n"
		"wait 7439\npost G:80>C:40000 A -> TRANSLATED H:8080>C:40000\nwait 7439\n"
		"pre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\nwait 7440.1\nexpire 1" },
	{ .name = "R41_half_closed_still_sends", .protos = "t", .steps = HANDSHAKE
		"post G:80>C:40000 FA -> TRANSLATED H:8080>C:40000\nstate FIN_REPLY\nwait 239\n"
		"pre C:40000>H:8080 A len=1400 -> TRANSLATED C:40000>G:80\nwait 239\n"
		"pre C:40000>H:8080 A len=1400 -> TRANSLATED C:40000>G:80\nstate FIN_REPLY" },
	{ .name = "R42_syn_after_close_is_a_new_flow", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 FA -> TRANSLATED C:40000>G:80\npost G:80>C:40000 FA -> TRANSLATED H:8080>C:40000\n"
		"wait 239\npre C:40000>H:8080 S -> TRANSLATED C:40000>G:80\nstate SYN_SENT\nidle TCP_OPENING\nopened 2\nflows 1\n"
		"wait 239\npost G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\npre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\n"
		"state ESTABLISHED\nwait 1000\npre C:40000>H:8080 A -> TRANSLATED C:40000>G:80" },
	{ .name = "R42_guest_cannot_reopen", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 R seq=101 -> TRANSLATED C:40000>G:80\nstate RESET\n"
		"post G:80>C:40000 S -> TCP_STATE\nstate RESET" },
	{ .name = "R43_syn_in_an_open_flow", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 S seq=9000 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\n"
		"post G:80>C:40000 A seq=701 ack=101 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 R seq=101 -> TRANSLATED C:40000>G:80\nstate RESET\n"
		"pre C:40000>H:8080 S seq=9000 -> TRANSLATED C:40000>G:80\nstate SYN_SENT\nopened 2" },
	{ .name = "R43_challenge_in_syn_sent", .protos = "t", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\npost G:80>C:40000 A -> TRANSLATED H:8080>C:40000\nstate SYN_SENT\n"
		"pre C:40000>H:8080 R -> TRANSLATED C:40000>G:80\nstate RESET" },
	{ .name = "R46_no_segment_is_dropped_for_its_number", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 A seq=101 ack=701 len=1400 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 A seq=101 ack=701 len=1400 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 A seq=3000000101 ack=701 len=9 -> TRANSLATED C:40000>G:80\n"
		"pre C:40000>H:8080 A seq=1 ack=9 len=9 -> TRANSLATED C:40000>G:80\n"
		"post G:80>C:40000 A seq=4000000000 ack=4000000000 len=9 -> TRANSLATED H:8080>C:40000\n"
		"post G:80>C:40000 A seq=1 ack=1 len=9 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED\nidle TCP_ESTABLISHED" },
	{ .name = "R44_exact_reset_of_the_initiator", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 R seq=101 -> TRANSLATED C:40000>G:80\nstate RESET\nidle TCP_CLOSING" },
	{ .name = "R44_exact_reset_of_the_guest", .protos = "t", .steps = HANDSHAKE
		"post G:80>C:40000 RA seq=701 ack=101 -> TRANSLATED H:8080>C:40000\nstate RESET" },
	{ .name = "R44_guessed_reset_only_shortens", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 R seq=102 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\nidle TCP_DOUBT\nwait 299\n"
		"pre C:40000>H:8080 A seq=101 ack=701 -> TRANSLATED C:40000>G:80\nidle TCP_ESTABLISHED\n"
		"post G:80>C:40000 R seq=700 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED\nidle TCP_DOUBT\nwait 300.1\nexpire 1" },
	{ .name = "R33_guessed_resets_keep_nothing_open", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 R seq=9 -> TRANSLATED C:40000>G:80\nwait 150\npre C:40000>H:8080 R seq=9 -> TRANSLATED C:40000>G:80\n"
		"wait 149\npre C:40000>H:8080 R seq=9 -> TRANSLATED C:40000>G:80\nwait 2\nexpire 1" },
	{ .name = "R44_highest_acknowledgement_counts", .protos = "t", .steps = HANDSHAKE
		"post G:80>C:40000 A ack=5101 -> TRANSLATED H:8080>C:40000\npost G:80>C:40000 A ack=3000 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 R seq=3000 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\n"
		"pre C:40000>H:8080 R seq=5101 -> TRANSLATED C:40000>G:80\nstate RESET" },
	{ .name = "R44_reset_before_any_acknowledgement", .protos = "t", .steps =
		"pre C:40000>H:8080 A ack=1 -> PICKED_UP C:40000>G:80\npost G:80>C:40000 A ack=0 -> TRANSLATED H:8080>C:40000\n"
		"state ESTABLISHED\npost G:80>C:40000 R seq=0 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED\n"
		"post G:80>C:40000 R seq=1 -> TRANSLATED H:8080>C:40000\nstate RESET" },
	{ .name = "R44_what_a_reset_acknowledges_is_not_believed", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 RA seq=9 ack=9999 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\n"
		"post G:80>C:40000 R seq=9999 -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED" },
	{ .name = "R42_the_new_flow_has_numbers_of_its_own", .protos = "t", .steps = HANDSHAKE
		"post G:80>C:40000 A seq=701 ack=5000 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 R seq=5000 -> TRANSLATED C:40000>G:80\nstate RESET\n"
		"pre C:40000>H:8080 S seq=100 -> TRANSLATED C:40000>G:80\n"
		"post G:80>C:40000 SA seq=700 ack=101 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 A seq=101 ack=701 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\n"
		"pre C:40000>H:8080 R seq=5000 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\n"
		"pre C:40000>H:8080 R seq=101 -> TRANSLATED C:40000>G:80\nstate RESET" },
	{ .name = "R44_any_reset_while_closing", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 FA -> TRANSLATED C:40000>G:80\npost G:80>C:40000 R seq=5 -> TRANSLATED H:8080>C:40000\nstate RESET" },
	{ .name = "R45_reset_flow_lives_on_and_goes", .protos = "t", .steps = HANDSHAKE
		"pre C:40000>H:8080 R seq=101 -> TRANSLATED C:40000>G:80\nwait 200\n"
		"pre C:40000>H:8080 R seq=101 -> TRANSLATED C:40000>G:80\npost G:80>C:40000 A -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\nwait 39\npost G:80>C:40000 A -> TRANSLATED H:8080>C:40000\n"
		"wait 1.1\nexpire 1\nflows 0" },
	{ .name = "R50_sequence_numbers_wrap", .protos = "t", .steps =
		"pre C:40000>H:8080 S seq=0xfffffff0 -> OPENED C:40000>G:80\n"
		"post G:80>C:40000 SA seq=0xffffffff ack=0xfffffff1 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 A seq=0xfffffff1 ack=0 len=64 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\n"
		"post G:80>C:40000 A seq=0 ack=0x31 -> TRANSLATED H:8080>C:40000\n"
		"post G:80>C:40000 A seq=0 ack=0xfffffff1 -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 R seq=0xfffffff1 -> TRANSLATED C:40000>G:80\nstate ESTABLISHED\n"
		"pre C:40000>H:8080 R seq=0x31 -> TRANSLATED C:40000>G:80\nstate RESET" },
	{ .name = "R48_impossible_flags", .protos = "t", .steps =
		"pre C:1>H:8080 SF -> TCP_FLAGS\npre C:1>H:8080 SR -> TCP_FLAGS\npre C:1>H:8080 FR -> TCP_FLAGS\n"
		"pre C:1>H:8080 F -> TCP_FLAGS\npre C:1>H:8080 FPU -> TCP_FLAGS\npre C:1>H:8080 seq=0 -> TCP_FLAGS\n"
		"pre C:1>H:8080 FSRPAU -> TCP_FLAGS\nflows 0\n" HANDSHAKE
		"pre C:40000>H:8080 SF -> TCP_FLAGS\npost G:80>C:40000 FPU -> TCP_FLAGS\nstate ESTABLISHED" },
	{ .name = "R31_picked_up_in_mid_stream", .protos = "t", .steps =
		"pre C:40000>H:8080 A len=1000 -> PICKED_UP C:40000>G:80\nstate PICKED_UP\nidle TCP_PICKED_UP\n"
		"post G:80>C:40000 A -> TRANSLATED H:8080>C:40000\nstate ESTABLISHED\nidle TCP_ESTABLISHED" },
	{ .name = "R31_picked_up_with_a_fin", .protos = "t", .steps =
		"pre C:40000>H:8080 FA -> PICKED_UP C:40000>G:80\nstate FIN_ORIG" },
	{ .name = "R31_never_picked_up", .protos = "t", .steps =
		"pre C:40000>H:8080 R -> TCP_NO_FLOW\npre C:40000>H:8080 RA -> TCP_NO_FLOW\npre C:40000>H:8080 SA -> TCP_NO_FLOW\n"
		"post G:80>C:40000 A -> UNPLACED\nout H:1>H:8080 R -> TCP_NO_FLOW\nflows 0" },
	{ .name = "R31_picked_up_by_a_hairpin_and_locally", .protos = "t", .steps =
		"pre F:40000>H:8080 A -> PICKED_UP F:$s>G:80\nout H:40000>H:8080 A -> PICKED_UP H:40000>G:80" },

	/* --- time --- */
	{ .name = "R34_unanswered_syn_does_not_renew", .protos = "t", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\nwait 100\npre C:40000>H:8080 S -> TRANSLATED C:40000>G:80\n"
		"wait 100\npre C:40000>H:8080 S -> TRANSLATED C:40000>G:80\nwait 39\npre C:40000>H:8080 S -> TRANSLATED C:40000>G:80\n"
		"wait 1.1\npost G:80>C:40000 SA -> NO_FLOW\nflows 0" },
	{ .name = "R34_unanswered_pick_up_does_not_renew", .protos = "t", .steps =
		"pre C:40000>H:8080 A -> PICKED_UP C:40000>G:80\nwait 200\npre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\n"
		"wait 100.1\npost G:80>C:40000 A -> UNPLACED\nflows 0" },
	{ .name = "R33_outbound_refreshes", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\nidle UDP_OPENING\nwait 299\npost G:80>C:1 -> TRANSLATED H:8080>C:1\nidle UDP\n"
		"wait 299\npost G:80>C:1 -> TRANSLATED H:8080>C:1\nwait 299\npost G:80>C:1 -> TRANSLATED H:8080>C:1" },
	{ .name = "R33_inbound_refreshes_too", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\nwait 299\npre C:1>H:8080 -> TRANSLATED C:1>G:80\nwait 299\n"
		"pre C:1>H:8080 -> TRANSLATED C:1>G:80\nopened 1" },
	{ .name = "R33_packets_of_no_flow_refresh_nothing", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\nwait 200\npre G:80>C:1 -> LATER\nfwd C:1>G:80 -> STOPPED\n"
		"post G:80>C:1 trunc -> TRUNCATED\nwait 100.1\nexpire 1" },
	{ .name = "R36_expired_is_not_found", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\nwait 300.1\nfwd C:1>G:80 -> NO_FLOW\nended IDLE\nflows 0" },
	{ .name = "R36_expired_begins_anew", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npost G:80>C:1 -> TRANSLATED H:8080>C:1\nwait 300.1\n"
		"pre C:1>H:8080 -> OPENED C:1>G:80\nidle UDP_OPENING\nopened 2\nflows 1" },
	{ .name = "R32_not_before_its_time", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\nwait 299.99\nexpire 0\npost G:80>C:1 -> TRANSLATED H:8080>C:1" },
	{ .name = "R32_icmp_60_seconds", .protos = "i", .steps =
		"pre C:1>H -> OPENED C:1>G\nwait 59.9\nexpire 0\npost G>C:1 -> TRANSLATED H>C:1\nwait 60.1\nexpire 1" },
	{ .name = "R36_expiry_is_bounded", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npre C:2>H:8080 -> OPENED C:2>G:80\nwait 30\n"
		"pre C:1>H:8080 -> TRANSLATED C:1>G:80\nwait 308\nexpire 2" },
	{ .name = "R35_time_stands_still_and_jumps", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\nwait 0\npost G:80>C:1 -> TRANSLATED H:8080>C:1\nwait 60000000\nexpire 1" },

	/* The host slept: the clock has gone on, all at once, and every flow is as old as if nobody had sent. */
	{ .name = "R35_host_sleeps_an_hour", .protos = "t", .steps = HANDSHAKE
		"wait 3600\npost G:80>C:40000 A -> TRANSLATED H:8080>C:40000\npre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\n"
		"idle TCP_ESTABLISHED\nopened 1\nwait 7439\nexpire 0\npre C:40000>H:8080 A -> TRANSLATED C:40000>G:80" },
	{ .name = "R35_host_sleeps_a_night", .protos = "t", .steps = HANDSHAKE
		"wait 28800\npre C:40000>H:8080 A -> PICKED_UP C:40000>G:80\npost G:80>C:40000 A -> TRANSLATED H:8080>C:40000\n"
		"idle TCP_ESTABLISHED\nopened 2\nflows 1" },
	{ .name = "R35_host_sleeps_and_datagrams", .protos = "u", .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npost G:80>C:1 -> TRANSLATED H:8080>C:1\npre C:2>H:8080 -> OPENED C:2>G:80\n"
		"wait 3600\npost G:80>C:1 -> NO_FLOW\npre C:1>H:8080 -> OPENED C:1>G:80\npost G:80>C:1 -> TRANSLATED H:8080>C:1\n"
		"expire 1\nopened 3\nflows 1" },

	/* --- R76: a full table --- */
	{ .name = "R76_unanswered_go_first_oldest_first", .protos = "u", .max_flows = 3, .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npost G:80>C:1 -> TRANSLATED H:8080>C:1\nwait 1\n"
		"pre C:2>H:8080 -> OPENED C:2>G:80\nwait 1\npre C:3>H:8080 -> OPENED C:3>G:80\nwait 1\n"
		"pre C:4>H:8080 -> OPENED C:4>G:80\nflows 3\npost G:80>C:2 -> NO_FLOW\n"
		"post G:80>C:3 -> TRANSLATED H:8080>C:3\npost G:80>C:1 -> TRANSLATED H:8080>C:1" },
	{ .name = "R76_answered_are_never_evicted", .protos = "u", .max_flows = 2, .steps =
		"pre C:1>H:8080 -> OPENED C:1>G:80\npost G:80>C:1 -> TRANSLATED H:8080>C:1\n"
		"pre C:2>H:8080 -> OPENED C:2>G:80\npost G:80>C:2 -> TRANSLATED H:8080>C:2\n"
		"pre C:3>H:8080 -> TABLE_FULL\nflows 2\npre C:1>H:8080 -> TRANSLATED C:1>G:80\nwait 300.1\n"
		"pre C:3>H:8080 -> OPENED C:3>G:80\nended IDLE\nopened 3" },
	{ .name = "R76_established_stays_opening_goes", .protos = "t", .max_flows = 2, .steps = HANDSHAKE
		"wait 5\npre C:2>H:8080 S -> OPENED C:2>G:80\npost G:80>C:2 SA -> TRANSLATED H:8080>C:2\n"
		"pre C:3>H:8080 S -> OPENED C:3>G:80\nflows 2\npost G:80>C:2 SA -> NO_FLOW\n"
		"pre C:40000>H:8080 A -> TRANSLATED C:40000>G:80" },
	{ .name = "R76_opening_goes_before_closing", .protos = "t", .max_flows = 2, .steps = HANDSHAKE
		"pre C:40000>H:8080 R seq=101 -> TRANSLATED C:40000>G:80\nwait 5\npre C:2>H:8080 S -> OPENED C:2>G:80\n"
		"pre C:3>H:8080 S -> OPENED C:3>G:80\npre C:40000>H:8080 A -> TRANSLATED C:40000>G:80\n"
		"pre C:3>H:8080 R -> TRANSLATED C:3>G:80\nwait 1\n"
		"pre C:4>H:8080 S -> OPENED C:4>G:80\npre C:40000>H:8080 R -> TCP_NO_FLOW" },
	{ .name = "R76_half_closed_stays", .protos = "t", .max_flows = 1, .steps = HANDSHAKE
		"pre C:40000>H:8080 FA -> TRANSLATED C:40000>G:80\npre C:2>H:8080 S -> TABLE_FULL" },
	{ .name = "R76_expired_goes_first", .protos = "t", .max_flows = 2, .steps = HANDSHAKE
		"wait 7300\npre C:2>H:8080 S -> OPENED C:2>G:80\nwait 141\npre C:3>H:8080 S -> OPENED C:3>G:80\nended IDLE\n"
		"pre C:2>H:8080 S -> TRANSLATED C:2>G:80" },

	/* --- R87: another table --- */
	{ .name = "R87_same_forward_same_flow", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nmap tcp *:8080 > G:80; udp *:8080 > G:80; tcp *:1 > F:1\n"
		"pre C:1>H:8080 A -> TRANSLATED C:1>G:80\npost G:80>C:1 A -> TRANSLATED H:8080>C:1\nsweep\nflows 1\nopened 1" },
	{ .name = "R87_wider_range_same_target", .protos = "tu", .steps =
		"pre C:1>H:5003 S -> OPENED C:1>G:6003\nmap tcp H:5001-5100 > G:6001; udp H:5001-5100 > G:6001\nsweep\nflows 1\n"
		"post G:6003>C:1 A -> TRANSLATED H:5003>C:1" },
	{ .name = "R87_removed_forward_ends_at_once", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nmap tcp *:1 > G:1\npre C:1>H:8080 A -> FORWARD_ENDED\nended FORWARD\n"
		"flows 0\npre C:1>H:8080 A -> NO_FORWARD" },
	{ .name = "R87_removed_forward_ends_for_the_guest", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nmap tcp *:1 > G:1\npost G:80>C:1 A -> FORWARD_ENDED\nflows 0" },
	{ .name = "R87_removed_forward_is_swept", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\npre C:1>H:5000 S -> OPENED C:1>G:6000\nmap tcp *:8080 > G:80; udp *:8080 > G:80\n"
		"flows 2\nsweep\nended FORWARD\nflows 1\npre C:1>H:8080 S -> TRANSLATED C:1>G:80" },
	{ .name = "R87_moved_target_ends_the_flow", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nmap tcp *:8080 > F:80; udp *:8080 > F:80\n"
		"pre C:1>H:8080 S -> FORWARD_ENDED\nended FORWARD\npre C:1>H:8080 S -> OPENED C:1>F:80" },
	{ .name = "R87_moved_port_ends_the_flow", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nmap tcp *:8080 > G:81; udp *:8080 > G:81\n"
		"fwd C:1>G:80 S -> FORWARD_ENDED\nflows 0" },
	{ .name = "R87_source_no_longer_let_in", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\npre D:1>H:8080 S -> OPENED D:1>G:80\n"
		"map tcp *:8080 > G:80 allow=D; udp *:8080 > G:80 allow=D\nsweep\nflows 1\npre D:1>H:8080 S -> TRANSLATED D:1>G:80" },
	{ .name = "R87_echo_moves_with_its_forward", .protos = "i", .steps =
		"pre C:1>H -> OPENED C:1>G\nmap icmp * > G\nsweep\nflows 1\nmap icmp * > F\nsweep\nflows 0\npre C:1>H -> OPENED C:1>F" },
	{ .name = "R87_many_swaps", .protos = "tu", .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nmap tcp *:8080 > G:80; udp *:8080 > G:80\nmap tcp *:8080 > G:80; udp *:8080 > G:80\n"
		"map tcp *:1 > F:1; tcp *:8080 > G:80; udp *:8080 > G:80\npre C:1>H:8080 S -> TRANSLATED C:1>G:80\nopened 1" },
	{ .name = "R87_hairpin_and_local_flows_are_kept", .protos = "tu", .steps =
		"pre F:1>H:8080 S -> OPENED F:$s>G:80\nout L:1>L:8080 S -> OPENED B:$t>G:80\n"
		"map tcp *:8080 > G:80; udp *:8080 > G:80\nsweep\nflows 2\npre G:80>H:$s SA -> TRANSLATED G:80>F:$s\n"
		"in G:80>B:$t SA -> TRANSLATED L:8080>L:1" },
};

/* --- what needs more than a script --- */

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

static void give(struct nat_pkt *p)
{
	nat_packet(&world.nat, p, world.now);
	script_seen[p->reason]++;
	nat_finish(p);
	if (nat_check(&world.nat))
		unit_fail("%s", nat_check(&world.nat));
}

/* R82: what cannot be understood is dropped, changes nothing and opens nothing. */
static const struct broken { const char *name; unsigned family, at; uint16_t value; enum nat_reason why; } broken[] = {
	{ "R82_ip_version", 4, 0, 0x3500, NAT_WHY_IP_VERSION },
	{ "R82_ip_short", 4, 0, 0x4400, NAT_WHY_IP_SHORT },
	{ "R82_ip_length", 4, 2, 1500, NAT_WHY_IP_LENGTH },
	{ "R82_fragment", 4, 6, 0x2000, NAT_WHY_FRAGMENT_BAD },
	{ "R73_ah_is_not_translated", 4, 8, 0x4033, NAT_WHY_OTHER_PROTO },
	{ "R82_l4_short", 4, 2, 30, NAT_WHY_L4_SHORT },
	{ "R82_tcp_offset", 4, 32, 0x4002, NAT_WHY_TCP_OFFSET },
	{ "R82_ipv6_chain", 6, 40, 0x2bff, NAT_WHY_IPV6_CHAIN },
	{ "R73_routing_header", 6, 74, 0x0401, NAT_WHY_ROUTED_HEADER },
	{ "R73_routing_header_type_0", 6, 74, 0x0001, NAT_WHY_ROUTING_TYPE_0 },
};

static void R82_broken(void **state)
{
	const struct broken *b = *state;
	struct packet p = { .family = b->family, .proto = 6, .payload = 5, .tcp_flags = TCP_F_SYN, .options = b->family == 6 ? 3 : 0,
			    .ends = { letter_addr('C', b->family), letter_addr('H', b->family), wire_port(1), wire_port(8080) } };
	uint8_t buf[256], was[256];
	struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf), .indev = OUTSIDE };

	wire_put16(buf + b->at, b->value);
	memcpy(was, buf, sizeof(was));
	for (unsigned h = 0; h < NAT_HOOKS; h++) {
		pkt.hook = (uint8_t)h;
		give(&pkt);
		assert_string_equal(nat_reason_name(pkt.reason), nat_reason_name(b->why));
		assert_false(pkt.changed);
		assert_memory_equal(buf, was, pkt.len);
		assert_int_equal(pkt.flow, NAT_NONE);
	}
	assert_int_equal(world.nat.flows.head->used, 0);
}

static void R82_udp_length(void **state)
{
	struct packet p = { .family = 4, .proto = 17, .payload = 5,
			    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(8080) } };
	uint8_t buf[64];
	struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf) };

	(void)state;
	wire_put16(buf + 24, 14);
	give(&pkt);
	assert_int_equal(pkt.reason, NAT_WHY_UDP_LENGTH);
}

/* Every reason has a name and words; no two are the same. */
static void reasons_are_told_apart(void **state)
{
	(void)state;
	for (unsigned a = 0; a < NAT_REASONS; a++) {
		assert_true(strlen(nat_reason_words(a)) > 5);
		for (unsigned b = 0; b < a; b++) {
			assert_string_not_equal(nat_reason_name(a), nat_reason_name(b));
			assert_string_not_equal(nat_reason_words(a), nat_reason_words(b));
		}
	}
	assert_int_equal(nat_reason_verdict(NAT_WHY_STOPPED), NAT_STOP);
	assert_int_equal(nat_reason_verdict(NAT_WHY_FRAGMENT_HELD), NAT_HOLD);
	assert_int_equal(nat_reason_verdict(NAT_WHY_HEADERS_ONLY), NAT_WHOLE);
	assert_int_equal(nat_reason_verdict(NAT_WHY_NO_FORWARD), NAT_ACCEPT);
}

/* Of ICMP errors, one of each reason; test_error.c has the rest. */
static const struct script errors_in_short = { .name = "R52_errors_in_short", .protos = "tu", .steps =
	"pre C:1>H:8080 S -> OPENED C:1>G:80\n"
	"pre err R>H H:8080>C:1 -> ERROR R>G G:80>C:1\n"
	"pre err R>H H:8080>C:2 -> ERROR_NO_FLOW\n"
	"pre err R>K H:8080>C:1 -> ERROR_MISFIT\n"
	"pre err R>H H:8080>C:1 bad -> ERROR_CSUM\n"
	"post err H>C C:1>G:80 refuse dev=0 -> ERROR_OF_RULES\n"
	"post err H>G G:80>C:1 -> DONE\n" };

/* Last: the tests above have produced every reason there is; those of fragments, SCTP and limits are seen in test_frag.c, test_hold.c, test_proto.c and test_policy.c. */
static void every_reason_was_seen(void **state)
{
	unsigned missing = 0;

	(void)state;
	for (unsigned r = 0; r < NAT_REASONS; r++)
		if (!script_seen[r] && !script_is_outbound(r) && strncmp(nat_reason_name(r), "FRAGMENT_", 9) != 0 &&
		    strncmp(nat_reason_name(r), "SCTP_", 5) != 0 && strncmp(nat_reason_name(r), "LIMIT_", 6) != 0) {
			print_error("# never seen: %s\n", nat_reason_name(r));
			missing++;
		}
	assert_int_equal(missing, 0);
}

static void in_world(const char *name, CMUnitTestFunction run, const void *row)
{
	unit_add_around(name, run, row, setup, teardown);
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(scripts); i++)
		unit_add(scripts[i].name, script_run, &scripts[i]);
	unit_add(errors_in_short.name, script_run, &errors_in_short);
	for (unsigned i = 0; i < COUNT(broken); i++)
		in_world(broken[i].name, R82_broken, &broken[i]);
	in_world("R82_udp_length", R82_udp_length, NULL);
	unit_add("reasons_are_told_apart", reasons_are_told_apart, NULL);
	unit_add("every_reason_was_seen", every_reason_was_seen, NULL);
	return unit_run("nat");
}
