/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * masquerade on the whole engine, each row named by the rule it shows. The
 * language is that of script.h; guests G and F go out as H (or K).
 */
#include "tests/unit/script.h"

#define OUT_HANDSHAKE                                                     \
	"post G:15000>C:80 S seq=100 -> OPENED H:15000>C:80\n"              \
	"pre C:80>H:15000 SA seq=700 ack=101 -> TRANSLATED C:80>G:15000\n"  \
	"post G:15000>C:80 A seq=101 ack=701 -> TRANSLATED H:15000>C:80\n"  \
	"state ESTABLISHED\nidle TCP_ESTABLISHED\n"

static const struct script scripts[] = {
	{ .name = "out_and_back", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\n"
		"pre C:80>H:15000 SA -> TRANSLATED C:80>G:15000\n"
		"fwd C:80>G:15000 SA -> STOPPED\n"
		"post C:80>G:15000 SA -> NO_FLOW\n"
		"post G:15000>C:80 A len=1400 -> TRANSLATED H:15000>C:80\nflows 1\nopened 1\nmappings 1" },
	{ .name = "R51_echo_out_and_back", .protos = "i", .outs = "masq H", .steps =
		"post G:77>C -> OPENED H:77>C\npre C>H:77 -> TRANSLATED C>G:77\n"
		"post F:77>C -> OPENED H:$A>C\npre C>H:$A -> TRANSLATED C>F:77\npre C>H:78 -> NO_FORWARD\nflows 2" },
	{ .name = "host_only_is_masqueraded_where_it_says", .protos = "tu", .outs = "masq H", .steps =
		"post C:1>D:80 S -> NO_FLOW\npost G:15000>C:80 S to=9 -> NO_FLOW\npost G:1>F:2 S -> NO_FLOW\nflows 0" },
	{ .name = "partial_checksums_are_finished", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S partial -> OPENED H:15000>C:80\npre C:80>H:15000 SA partial -> TRANSLATED C:80>G:15000\n"
		"post G:15000>C:80 A partial gso -> TRANSLATED H:15000>C:80" },
	{ .name = "R15_wrong_checksum_stays_wrong", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S bad -> OPENED H:15000>C:80\npre C:80>H:15000 SA bad -> TRANSLATED C:80>G:15000" },

	/* --- C. mappings and ports --- */
	{ .name = "R18_same_outside_port_for_every_destination", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost F:15000>C:80 S -> OPENED H:$A>C:80\n"
		"post F:15000>D:81 S -> OPENED H:$A>D:81\npost G:15000>D:80 S -> OPENED H:15000>D:80\n"
		"pre D:81>H:$A SA -> TRANSLATED D:81>F:15000\nflows 4\nmappings 2" },
	{ .name = "R18_echo_identifier_too", .protos = "i", .outs = "masq H", .steps =
		"post G:5>C -> OPENED H:5>C\npost F:5>C -> OPENED H:$A>C\npost F:5>D -> OPENED H:$A>D\nmappings 2" },
	{ .name = "R18_even_where_only_the_destination_differs", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost F:15000>D:80 S -> OPENED H:$A>D:80\n"
		"post F:15000>C:81 S -> OPENED H:$A>C:81" },
	{ .name = "R19_port_preserved_when_free", .protos = "tu", .outs = "masq H", .steps =
		"post G:1024>C:80 S -> OPENED H:1024>C:80\npost G:61000>C:80 S -> OPENED H:61000>C:80\n"
		"post G:700>C:80 S -> OPENED H:700>C:80" },
	{ .name = "R19_class_of_well_known_ports", .protos = "tu", .outs = "masq H ports=1000-1003 ports=1024-1030", .steps =
		"post G:53>C:80 S -> OPENED H:$A>C:80\npost G:54>C:80 S -> OPENED H:$B>C:80\npost G:55>C:80 S -> OPENED H:$C>C:80\n"
		"post G:56>C:80 S -> OPENED H:$D>C:80\npost G:57>C:80 S -> NO_OUTSIDE_PORT\n"
		"post G:15000>C:80 S -> OPENED H:$E>C:80\nmappings 5" },
	{ .name = "R19_parity_of_udp", .protos = "u", .outs = "masq H ports=2000-2003", .steps =
		"post G:7001>C:80 -> OPENED H:$A>C:80\npost G:7003>C:80 -> OPENED H:$B>C:80\n"
		"post F:2001>C:80 -> OPENED H:$C>C:80\npost F:2000>D:80 -> OPENED H:$D>D:80\npost F:7000>D:80 -> NO_OUTSIDE_PORT" },
	{ .name = "R21_no_port_is_shared", .protos = "tu", .outs = "masq H ports=2000-2001", .steps =
		"post G:2000>C:80 S -> OPENED H:2000>C:80\npost F:2000>D:80 S -> OPENED H:2001>D:80\n"
		"post F:2002>R:80 S -> NO_OUTSIDE_PORT\npost G:2000>R:80 S -> OPENED H:2000>R:80\nmappings 2\nflows 3" },
	{ .name = "R22_blocked_ports_are_not_given_out", .protos = "tu", .outs = "masq H ports=2000-2003", .steps =
		"block 2000\nblock 2002\npost G:2000>C:80 S -> OPENED H:$A>C:80\npost G:2001>C:80 S -> OPENED H:$B>C:80" },
	{ .name = "R22_all_blocked", .protos = "tu", .outs = "masq H ports=2000-2003", .steps =
		"block 2000\nblock 2001\nblock 2002\nblock 2003\npost G:2000>C:80 S -> NO_OUTSIDE_PORT\nunblock 2003\n"
		"post G:2000>C:80 S -> OPENED H:2003>C:80" },
	{ .name = "R22_outside_the_hosts_own_range", .protos = "tu", .outs = "masq H", .steps =
		"post G:40000>C:80 S -> OPENED H:$A>C:80\npost G:32768>C:80 S -> OPENED H:$B>C:80\npost G:60999>C:80 S -> OPENED H:$C>C:80" },
	{ .name = "R23_forward_and_masquerade_of_one_guest", .protos = "tu", .outs = "masq H", .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\npost G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\n"
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre C:80>H:15000 SA -> TRANSLATED C:80>G:15000\n"
		"flows 2" },
	{ .name = "R24_exhausted_pool_leaks_nothing", .protos = "tu", .outs = "masq H ports=2000-2000", .steps =
		"post G:2000>C:80 S -> OPENED H:2000>C:80\npost F:1>C:80 S -> NO_OUTSIDE_PORT\npost F:1>C:80 S -> NO_OUTSIDE_PORT" },
	{ .name = "R24_tcp_without_state", .protos = "t", .outs = "masq H", .steps =
		"post G:15000>C:80 R -> TCP_NO_FLOW\npost G:15000>C:80 FA -> TCP_NO_FLOW\npost G:15000>C:80 A -> TCP_NO_FLOW\n"
		"post G:15000>C:80 SF -> TCP_FLAGS\npost G:15000>C:80 SA -> TCP_NO_FLOW\nflows 0" },
	{ .name = "R24_answer_to_no_request", .protos = "i", .outs = "masq H", .steps =
		"post G>C:77 -> PRIVATE_SOURCE\npost G>C:77 to=9 -> NO_FLOW" },
	{ .name = "R24_errors_about_nothing", .protos = "tu", .outs = "masq H", .steps =
		"post err G>C C:1>G:2 -> PRIVATE_SOURCE\npost err G>C G:1>C:2 -> PRIVATE_SOURCE\n"
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost err G>C G:15000>C:80 -> PRIVATE_SOURCE" },
	{ .name = "R24_multicast_and_truncated", .protos = "tu", .outs = "masq H", .steps =
		"post G:1>M:2 S to=2 -> PRIVATE_SOURCE\npost G:1>C:2 S trunc -> TRUNCATED" },
	{ .name = "R24_no_outside_address", .protos = "tu", .outs = "masq -", .steps =
		"post G:15000>C:80 S -> NO_OUTSIDE_ADDR\nflows 0" },
	{ .name = "R25_address_changes", .protos = "t", .outs = "masq H", .steps =
		OUT_HANDSHAKE "outs masq K\nsweep\nended FORWARD\nflows 0\nmappings 0\npost G:15000>C:80 A -> TCP_NO_FLOW\n"
		"post G:15000>C:80 S -> OPENED K:15000>C:80\npre C:80>K:15000 SA -> TRANSLATED C:80>G:15000\npre C:80>H:15000 SA -> NO_FORWARD" },
	{ .name = "R25_new_flows_do_not_wait_for_the_sweep", .protos = "u", .outs = "masq H", .steps =
		"post G:15000>C:80 -> OPENED H:15000>C:80\nouts masq K\npost G:15000>D:80 -> OPENED K:15000>D:80\n"
		"post G:15000>C:80 -> FORWARD_ENDED\npost G:15000>C:80 -> OPENED K:15000>C:80" },
	{ .name = "R18_R25_an_address_comes_back", .protos = "u", .outs = "masq H", .steps =
		"post G:15000>C:80 -> OPENED H:15000>C:80\nouts masq K\nsweep\npost G:15000>C:80 -> OPENED K:15000>C:80\n"
		"outs masq HK\nsweep\nflows 1\npost G:15000>C:80 -> TRANSLATED K:15000>C:80\npost G:15000>D:80 -> OPENED K:15000>D:80\nmappings 2" },
	{ .name = "R25_leaves_by_another_device", .protos = "tu", .outs = "masq H; masq K dev=3", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost G:15000>C:80 S to=3 -> OPENED K:15000>C:80\nended FORWARD\nflows 1" },
	{ .name = "R31_no_pick_up_unless_told", .protos = "t", .outs = "masq H pick", .steps =
		"post G:15000>C:80 A -> PICKED_UP H:15000>C:80\nstate PICKED_UP\npost F:15000>C:80 R -> TCP_NO_FLOW\n"
		"pre C:80>H:15000 A -> TRANSLATED C:80>G:15000\nstate ESTABLISHED" },
	{ .name = "R18_R21_R84_R85_protocols_with_ports", .protos = "sdl", .outs = "masq H ports=2000-2002", .steps =
		"post G:2000>C:80 chunk=1 -> OPENED H:2000>C:80\npost F:2000>C:80 chunk=1 -> OPENED H:$A>C:80\n"
		"post F:2000>D:80 chunk=1 -> OPENED H:$A>D:80\npre C:80>H:2000 -> TRANSLATED C:80>G:2000\n"
		"pre C:80>H:$A -> TRANSLATED C:80>F:2000\nmappings 2\nblock 2001\nblock 2002\npost F:7>C:80 chunk=1 -> NO_OUTSIDE_PORT\n"
		"pre C:80>H:2002 chunk=1 -> NO_FORWARD" },
	{ .name = "R37_udp_port_is_not_reused_at_once", .protos = "u", .outs = "masq H ports=2000-2000", .steps =
		"post G:2000>C:80 -> OPENED H:2000>C:80\nwait 301\nexpire 1\nmappings 1\nflows 0\npost F:2000>C:80 -> NO_OUTSIDE_PORT\n"
		"wait 119\nexpire 0\npost F:2000>C:80 -> NO_OUTSIDE_PORT\nwait 2\npost F:2000>C:80 -> OPENED H:2000>C:80\nmappings 1" },
	{ .name = "R37_but_by_its_own_guest", .protos = "u", .outs = "masq H ports=2000-2001", .steps =
		"post G:7000>C:80 -> OPENED H:2000>C:80\nwait 301\nexpire 1\npost G:7000>D:80 -> OPENED H:2000>D:80\nmappings 1" },
	{ .name = "R37_expires", .protos = "u", .outs = "masq H", .steps =
		"post G:7000>C:80 -> OPENED H:7000>C:80\nwait 301\nexpire 1\nmappings 1\nwait 121\nexpire 1\nmappings 0" },
	{ .name = "R45_tcp_port_is_free_with_its_flow", .protos = "t", .outs = "masq H ports=2000-2000", .steps =
		"post G:2000>C:80 S -> OPENED H:2000>C:80\npost G:2000>C:80 R -> TRANSLATED H:2000>C:80\nwait 200\n"
		"post F:2000>C:80 S -> NO_OUTSIDE_PORT\nwait 41\nexpire 1\npost F:2000>C:80 S -> OPENED H:2000>C:80" },
	{ .name = "R79_limit_of_one_guest", .protos = "tu", .outs = "masq H max=2", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost G:15001>C:80 S -> OPENED H:15001>C:80\n"
		"post G:15002>C:80 S -> MAPPING_LIMIT\npost G:15000>D:80 S -> OPENED H:15000>D:80\npost F:15002>C:80 S -> OPENED H:15002>C:80" },
	{ .name = "R79_room_for_mappings", .protos = "tu", .outs = "masq H", .max_mappings = 2, .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost G:15001>C:80 S -> OPENED H:15001>C:80\npost F:15002>C:80 S -> MAPPINGS_FULL" },
	{ .name = "R90_exceptions", .protos = "tu", .outs = "masq H except=D", .steps =
		"post G:15000>D:80 S -> NO_FLOW\npost G:15000>C:80 S -> OPENED H:15000>C:80\npre D:1>G:80 S -> NO_FORWARD" },
	{ .name = "R90_exception_begins_under_a_flow", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>D:80 S -> OPENED H:15000>D:80\nouts masq H except=D\npost G:15000>D:80 S -> FORWARD_ENDED\npost G:15000>D:80 S -> NO_FLOW" },

	/* --- D. filtering --- */
	{ .name = "R29_address_dependent_by_default", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre C:81>H:15000 S -> OPENED C:81>G:15000\n"
		"post G:15000>C:81 SA -> TRANSLATED H:15000>C:81\npre D:80>H:15000 S -> FILTERED\npre C:80>H:15001 S -> NO_FORWARD\nflows 2" },
	{ .name = "R29_address_forgotten_with_its_last_flow", .protos = "u", .outs = "masq H", .steps =
		"post G:15000>C:80 -> OPENED H:15000>C:80\npost G:15000>D:80 -> OPENED H:15000>D:80\nwait 200\n"
		"post G:15000>D:80 -> TRANSLATED H:15000>D:80\nwait 101\nexpire 1\npre C:81>H:15000 -> FILTERED\npre D:81>H:15000 -> OPENED D:81>G:15000" },
	{ .name = "R29_endpoint_independent", .protos = "tu", .outs = "masq H filter=endpoint", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre D:1>H:15000 S -> OPENED D:1>G:15000\npre D:1>H:15001 S -> NO_FORWARD" },
	{ .name = "R29_address_and_port", .protos = "tu", .outs = "masq H filter=both", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre C:81>H:15000 S -> FILTERED\npre C:80>H:15000 SA -> TRANSLATED C:80>G:15000" },
	{ .name = "R29_a_stranger_opens_tcp_with_syn_only", .protos = "t", .outs = "masq H filter=endpoint", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre D:1>H:15000 A -> FILTERED\npre D:1>H:15000 R -> FILTERED" },
	{ .name = "R29_invited_flow_holds_the_mapping", .protos = "u", .outs = "masq H filter=endpoint", .steps =
		"post G:15000>C:80 -> OPENED H:15000>C:80\nwait 200\npre D:1>H:15000 -> OPENED D:1>G:15000\nwait 101\nexpire 1\n"
		"post G:15000>D:1 -> TRANSLATED H:15000>D:1\nmappings 1\npost G:15000>C:9 -> OPENED H:15000>C:9" },
	{ .name = "R30_unsolicited_goes_to_the_host", .protos = "tu", .outs = "masq H", .steps =
		"pre C:80>H:15000 S -> NO_FORWARD\npre C:80>H:15000 SA -> NO_FORWARD\nflows 0" },
	{ .name = "R39_simultaneous_open", .protos = "t", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre C:80>H:15000 S -> TRANSLATED C:80>G:15000\nstate SYN_BOTH\n"
		"post G:15000>C:80 SA -> TRANSLATED H:15000>C:80\npre C:80>H:15000 SA -> TRANSLATED C:80>G:15000\n"
		"post G:15000>C:80 A -> TRANSLATED H:15000>C:80\nstate ESTABLISHED" },
	{ .name = "R34_unanswered_syn_ends", .protos = "t", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\nwait 200\npost G:15000>C:80 S -> TRANSLATED H:15000>C:80\nwait 41\n"
		"pre C:80>H:15000 SA -> NO_FORWARD" },
	{ .name = "R42_reopened", .protos = "t", .outs = "masq H", .steps =
		OUT_HANDSHAKE "post G:15000>C:80 FA -> TRANSLATED H:15000>C:80\npre C:80>H:15000 FA -> TRANSLATED C:80>G:15000\nstate CLOSING\n"
		"post G:15000>C:80 S -> TRANSLATED H:15000>C:80\nstate SYN_SENT\nmappings 1" },
	{ .name = "R83_inside_source_from_outside", .protos = "tu", .outs = "masq H", .steps =
		"pre G:1>H:80 S dev=2 -> SPOOFED\npre G:1>D:80 S dev=2 -> SPOOFED\npre C:1>G:80 S -> HIDDEN\npre err C>G G:1>C:2 -> HIDDEN\nflows 0" },

	/* --- G. errors --- */
	{ .name = "R54_error_from_outside", .protos = "tu", .outs = "masq H", .steps =
		"post F:15000>D:80 S -> OPENED H:15000>D:80\npost G:15000>C:80 S -> OPENED H:$A>C:80\n"
		"pre err R>H H:$A>C:80 ptb rest=1280 -> ERROR R>G G:15000>C:80\npre err C>H H:$A>C:80 -> ERROR C>G G:15000>C:80\n"
		"pre err R>H H:$A>C:80 ttl quote=48 -> ERROR R>G G:15000>C:80\npost err R>G G:15000>C:80 ttl -> DONE\n"
		"pre err R>K H:$A>C:80 -> ERROR_MISFIT\npre err R>H H:$A>C:81 -> ERROR_NO_FLOW\nflows 2" },
	{ .name = "R54_error_about_an_echo", .protos = "i", .outs = "masq H", .steps =
		"post F:7>C -> OPENED H:7>C\npost G:7>C -> OPENED H:$A>C\npre err R>H H:$A>C ttl -> ERROR R>G G:7>C" },
	{ .name = "R55_error_from_inside", .protos = "tu", .outs = "masq H", .steps =
		"post F:15000>D:80 S -> OPENED H:15000>D:80\npost G:15000>C:80 S -> OPENED H:$A>C:80\n"
		"post err G>C C:80>G:15000 -> ERROR H>C C:80>H:$A\npost err X>C C:80>G:15000 ttl -> ERROR H>C C:80>H:$A\n"
		"post err B>C C:80>G:15000 ptb rest=1400 -> ERROR H>C C:80>H:$A\npre err G>C C:80>G:15000 -> LATER\n"
		"post err G>D C:80>G:15000 -> ERROR_MISFIT" },
	{ .name = "R57_errors_change_nothing", .protos = "u", .outs = "masq H", .steps =
		"post G:15000>C:80 -> OPENED H:15000>C:80\nwait 200\npre err R>H H:15000>C:80 ttl -> ERROR R>G G:15000>C:80\nwait 101\nexpire 1" },
	{ .name = "R4_what_this_host_says_to_its_guest", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\nout err B>G G:15000>C:80 ptb -> DONE\npost err B>G G:15000>C:80 ptb -> DONE\n"
		"out err H>H H:15000>C:80 -> ERROR H>G G:15000>C:80" },
	{ .name = "R55_errors_of_invited_flows", .protos = "tu", .outs = "masq H filter=endpoint", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre D:1>H:15000 S -> OPENED D:1>G:15000\n"
		"post err G>D D:1>G:15000 -> ERROR H>D D:1>H:15000\npre err R>H H:15000>D:1 -> ERROR R>G G:15000>D:1" },

	/* --- K. hairpin of dynamic mappings --- */
	{ .name = "R75_guest_calls_the_mapping_of_another", .protos = "tu", .outs = "masq H filter=endpoint", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\n"
		"pre F:6000>H:15000 S -> OPENED F:6000>G:15000\nfwd F:6000>G:15000 S -> STOPPED H:6000>G:15000\n"
		"post H:6000>G:15000 S -> NO_FLOW\npre G:15000>H:6000 SA -> TRANSLATED G:15000>F:6000\n"
		"post G:15000>F:6000 SA -> TRANSLATED H:15000>F:6000\nmappings 2\nflows 2" },
	{ .name = "R75_under_the_outside_port_of_the_caller", .protos = "tu", .outs = "masq H filter=endpoint", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost F:15000>C:80 S -> OPENED H:$A>C:80\n"
		"pre F:15000>H:15000 S -> OPENED F:$A>G:15000\nfwd F:$A>G:15000 S -> STOPPED H:$A>G:15000\n"
		"pre G:15000>H:$A SA -> TRANSLATED G:15000>F:$A\npost G:15000>F:$A SA -> TRANSLATED H:15000>F:15000\nmappings 2" },
	{ .name = "R75_filtered_like_everybody", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npre F:6000>H:15000 S -> FILTERED\nflows 1\n"
		"pre G:15000>H:7000 S -> NO_FORWARD" },
	{ .name = "R75_a_guest_calls_itself", .protos = "u", .outs = "masq H filter=endpoint", .steps =
		"post G:15000>C:80 -> OPENED H:15000>C:80\npre G:15001>H:15000 -> OPENED G:15001>G:15000\n"
		"pre G:15000>H:15000 -> NO_SOURCE_PORT\nflows 2" },

	/* --- L, N --- */
	{ .name = "R76_full_table", .protos = "t", .outs = "masq H", .max_flows = 2, .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\npost G:15001>C:80 S -> OPENED H:15001>C:80\n"
		"post G:15002>C:80 S -> OPENED H:15002>C:80\nended ROOM\nmappings 2\nflows 2" },
	{ .name = "R87_rule_removed", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\nouts masq K dev=9\nsweep\nflows 0\npost G:15000>C:80 S -> NO_FLOW" },
	{ .name = "R87_reload_keeps_flows", .protos = "tu", .outs = "masq H", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\nouts masq K dev=9; masq H max=5\nsweep\nflows 1\n"
		"post G:15000>C:80 S -> TRANSLATED H:15000>C:80\npre C:80>H:15000 SA -> TRANSLATED C:80>G:15000" },
	{ .name = "R88_a_dead_writer_loses_no_mapping", .protos = "tu", .outs = "masq H filter=endpoint", .steps =
		"post F:15000>C:80 S -> OPENED H:15000>C:80\npost G:15000>C:80 S -> OPENED H:$A>C:80\n"
		"pre D:1>H:$A S -> OPENED D:1>G:15000\npre F:6000>H:$A S -> OPENED F:6000>G:15000\npre C:1>H:8080 S -> OPENED C:1>G:80\n"
		"mappings 3\ndie\nmappings 3\nflows 5\n"
		"pre C:80>H:$A SA -> TRANSLATED C:80>G:15000\npost G:15000>D:1 SA -> TRANSLATED H:$A>D:1\n"
		"fwd F:6000>G:15000 S -> STOPPED H:6000>G:15000\npost G:80>C:1 SA -> TRANSLATED H:8080>C:1" },
	{ .name = "firewall_respected", .protos = "tu", .outs = "masq H respect", .steps =
		"post G:15000>C:80 S -> OPENED H:15000>C:80\nfwd C:80>G:15000 SA -> RESPECTED" },

	/* --- one to one --- */
	{ .name = "one_to_one", .protos = "tu", .outs = "one G K; masq H", .steps =
		"post G:40000>C:80 S -> PREFIX K:40000>C:80\npre C:80>K:40000 SA -> PREFIX C:80>G:40000\n"
		"pre D:1>K:22 S -> PREFIX D:1>G:22\npre D:1>H:22 S -> NO_FORWARD\npost F:15000>C:80 S -> OPENED H:15000>C:80\n"
		"post G:1>C:80 S partial -> PREFIX K:1>C:80\nflows 1" },
	{ .name = "one_to_one_echo_and_errors", .protos = "i", .outs = "one G K", .steps =
		"post G:7>C -> PREFIX K:7>C\npre C>K:7 -> PREFIX C>G:7\npre C:9>K -> OPENED C:9>G\npre D:9>K -> OPENED D:9>G", .map =
		"icmp * > G" },
	{ .name = "one_to_one_errors", .protos = "tu", .outs = "one G K", .steps =
		"pre err R>K K:15000>C:80 ttl -> PREFIX R>G G:15000>C:80\npost err G>C C:80>G:15000 -> PREFIX K>C C:80>K:15000\nflows 0" },
	{ .name = "one_to_one_forward_goes_first", .protos = "tu", .outs = "one G K", .steps =
		"pre C:1>K:2222 S -> OPENED C:1>F:22\npre C:1>K:2223 S -> PREFIX C:1>G:2223\npost F:22>C:1 SA -> TRANSLATED K:2222>C:1" },
};

/* Last. PREFIX_UNMAPPABLE is seen in test_prefix.c: an address of a letter always fits. */
static void every_outbound_reason_was_seen(void **state)
{
	(void)state;
	for (unsigned r = 0; r < NAT_REASONS; r++)
		if (script_is_outbound(r) && !script_seen[r] && r != NAT_WHY_PREFIX_UNMAPPABLE)
			unit_fail("never seen: %s", nat_reason_name(r));
}

/* A guest is suspended for hours: what it opened to the outside waits for it, as what came in does (decision 7). */
static void R36_suspended_guests_mappings_stand_still(void **state)
{
	static uint8_t buf[PACKET_ROOM];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		struct nat_params params = world_params(16);
		struct packet p = { .family = f, .proto = NAT_PROTO_UDP };
		struct world w;

		params.max_outs = 8;
		params.max_mappings = params.max_peers = 16;
		w = world_new(&params);
		outs_swap(&w, "udp *:8080 > G:80", "masq H");
		for (unsigned guest = 0; guest < 2; guest++)
			for (unsigned back = 0; back < 2; back++) {
				struct nat_pkt pkt = { .data = buf, .hook = back ? NAT_PRE : NAT_POST, .indev = back ? OUTSIDE : 0, .outdev = OUTSIDE };

				p.ends = (struct nat_ends){ letter_addr("GF"[guest], f), letter_addr('C', f), wire_port((uint16_t)(15000 + guest)), wire_port(80) };
				if (back)
					p.ends = (struct nat_ends){ letter_addr('C', f), letter_addr('H', f), wire_port(80), wire_port((uint16_t)(15000 + guest)) };
				pkt.len = packet_build(&p, buf);
				nat_packet(&w.nat, &pkt, w.now);
				assert_true(pkt.changed);
			}
		w.now += NAT_SEC(200);
		outs_swap(&w, "udp *:8080 > G:80 frozen", "masq H");
		while (!nat_sweep(&w.nat, w.now, 3))
			;
		w.now += NAT_SEC(86400);
		nat_expire(&w.nat, w.now, 100);
		assert_int_equal(w.nat.flows.head->used, 1);
		outs_swap(&w, "udp *:8080 > G:80", "masq H");
		while (!nat_sweep(&w.nat, w.now, 3))
			;
		w.now += NAT_SEC(90);
		nat_expire(&w.nat, w.now, 100);
		assert_int_equal(w.nat.flows.head->used, 1);
		w.now += NAT_SEC(20);
		nat_expire(&w.nat, w.now, 100);
		assert_int_equal(w.nat.flows.head->used, 0);
		assert_null(nat_check(&w.nat));
		world_free(&w);
	}
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(scripts); i++)
		unit_add(scripts[i].name, script_run, &scripts[i]);
	unit_add("R36_suspended_guests_mappings_stand_still", R36_suspended_guests_mappings_stand_still, NULL);
	unit_add("every_outbound_reason_was_seen", every_outbound_reason_was_seen, NULL);
	return unit_run("masq");
}
