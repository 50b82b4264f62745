/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest: what the engine does for forwards whose guests come and go: rows
 * without a guest, suspended guests, another life of a guest, full NAT. The
 * language is that of script.h.
 */
#include "nat/nat.h"

#include "tests/unit/script.h"

#define BOTH(listen, to) "tcp " listen " > " to "; udp " listen " > " to
#define TO_G BOTH("*:8080", "G:80")
#define TO_G_FROZEN BOTH("*:8080", "G:80 frozen")
#define TO_G_AGAIN BOTH("*:8080", "G:80 life=1")
#define HOST BOTH("*:8080", "G:80 host")

#define ESTABLISHED                                                             \
	"pre C:40000>H:8080 S seq=100 -> OPENED C:40000>G:80\n"                 \
	"post G:80>C:40000 SA seq=700 ack=101 -> TRANSLATED H:8080>C:40000\n"   \
	"pre C:40000>H:8080 A seq=101 ack=701 -> TRANSLATED C:40000>G:80\n"

static const struct script scripts[] = {
	/* --- rows without a guest --- */
	{ .name = "reject", .protos = "tu", .map = BOTH("*:8080", "G:80 reject"), .steps =
		"pre C:1>H:8080 S -> REJECTED\nout H:1>H:8080 S -> REJECTED\npre C:1>H:8080 A -> REJECTED\n"
		"pre C:1>H:8081 S -> NO_FORWARD\nflows 0" },
	{ .name = "drop", .protos = "tu", .map = BOTH("*:8080", "G:80 drop"), .steps =
		"pre C:1>H:8080 S -> DISCARDED\nout H:1>H:8080 S -> DISCARDED\nflows 0" },
	{ .name = "hold", .protos = "tu", .map = BOTH("*:8080", "G:80 hold"), .steps =
		"pre C:1>H:8080 S -> HELD\nmap " TO_G "\npre C:1>H:8080 S -> OPENED C:1>G:80" },
	{ .name = "reject_echo", .protos = "i", .map = "icmp * > G reject", .steps = "pre C:77>H -> REJECTED\nflows 0" },
	{ .name = "a_rst_is_never_rejected", .protos = "t", .map = "tcp *:8080 > G:80 reject", .steps =
		"pre C:1>H:8080 R -> TCP_NO_FLOW\npre C:1>H:8080 SF -> TCP_FLAGS\nflows 0" },
	{ .name = "who_is_not_allowed_hears_nothing", .protos = "tu", .map = BOTH("*:8080", "G:80 reject allow=D"), .steps =
		"pre C:1>H:8080 S -> NOT_ALLOWED\npre D:1>H:8080 S -> REJECTED" },
	{ .name = "an_address_without_a_guest_hides_all_addresses", .protos = "tu",
	  .map = BOTH("*:80", "G:80") "; " BOTH("H:80", "G:80 reject"), .steps =
		"pre C:1>H:80 S -> REJECTED\npre C:1>K:80 S -> OPENED C:1>G:80" },
	{ .name = "a_guest_that_goes_takes_its_flows_along", .protos = "tu", .map = TO_G, .steps =
		ESTABLISHED "map " BOTH("*:8080", "G:80 reject") "\nsweep\nflows 0\nended FORWARD\n"
		"pre C:40000>H:8080 A -> REJECTED" },

	/* --- suspended guests --- */
	{ .name = "suspended_timer_stands_still", .protos = "t", .map = TO_G, .steps =
		ESTABLISHED "wait 7000\nmap " TO_G_FROZEN "\nsweep\nidle FROZEN\nwait 100000\nexpire 0\nflows 1\n"
		"map " TO_G "\nsweep\nidle TCP_ESTABLISHED\nwait 430\nexpire 0\nwait 20\nexpire 1\nended IDLE" },
	{ .name = "suspended_timer_stands_still_udp", .protos = "u", .map = TO_G, .steps =
		ESTABLISHED "wait 200\nmap " TO_G_FROZEN "\nsweep\nidle FROZEN\nwait 100000\nexpire 0\n"
		"map " TO_G "\nsweep\nidle UDP\nwait 90\nexpire 0\nwait 20\nexpire 1\nended IDLE" },
	{ .name = "suspended_and_used", .protos = "tu", .map = TO_G, .steps =
		ESTABLISHED "wait 250\nmap " TO_G_FROZEN "\nsweep\npre C:40000>H:8080 A seq=101 ack=701 -> TRANSLATED C:40000>G:80\n"
		"idle FROZEN\nwait 9000\nmap " TO_G "\nsweep\nwait 290\nexpire 0\n"
		"post G:80>C:40000 A seq=701 ack=101 -> TRANSLATED H:8080>C:40000\nflows 1" },
	{ .name = "suspended_and_closing", .protos = "t", .map = TO_G, .steps =
		ESTABLISHED "map " TO_G_FROZEN "\nsweep\npre C:40000>H:8080 FA seq=101 ack=701 -> TRANSLATED C:40000>G:80\n"
		"idle FROZEN\nwait 9000\nexpire 0\nmap " TO_G "\nsweep\nidle TCP_FIN\nwait 230\nexpire 0\nwait 20\nexpire 1" },
	{ .name = "suspended_found_by_a_packet_before_the_sweep", .protos = "tu", .map = TO_G, .steps =
		ESTABLISHED "map " TO_G_FROZEN "\npre C:40000>H:8080 A seq=101 ack=701 -> TRANSLATED C:40000>G:80\nidle FROZEN" },
	{ .name = "suspended_strangers_fill_no_table", .protos = "tu", .map = TO_G_FROZEN, .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nmap " TO_G_FROZEN "\nsweep\nwait 310\nexpire 1\nflows 0" },
	{ .name = "suspended_and_gone", .protos = "tu", .map = TO_G, .steps =
		ESTABLISHED "map " TO_G_FROZEN "\nsweep\nmap " BOTH("*:8080", "G:80 reject") "\nsweep\nflows 0\nended FORWARD" },
	{ .name = "suspended_over_two_tables", .protos = "tu", .map = TO_G, .steps =
		ESTABLISHED "map " TO_G_FROZEN "\nsweep\nwait 5000\nmap " TO_G_FROZEN "; tcp *:9 > F:9\nsweep\nidle FROZEN\nflows 1" },

	/* --- another life --- */
	{ .name = "restored_guest_loses_its_flows", .protos = "tu", .map = TO_G, .steps =
		ESTABLISHED "map " TO_G_AGAIN "\nsweep\nflows 0\nended FORWARD\npre C:40001>H:8080 S -> OPENED C:40001>G:80" },
	{ .name = "restored_guest_seen_by_a_packet", .protos = "tu", .map = TO_G, .steps =
		ESTABLISHED "map " TO_G_AGAIN "\npre C:40000>H:8080 A -> FORWARD_ENDED\nflows 0" },
	{ .name = "same_life_in_another_place", .protos = "tu", .map = TO_G_AGAIN, .steps =
		ESTABLISHED "map tcp *:9 > F:9; " TO_G_AGAIN "\nsweep\nflows 1" },

	/* --- full NAT: the guest sees this host --- */
	{ .name = "host_source", .protos = "tu", .map = HOST, .steps =
		"pre C:40000>H:8080 S -> OPENED C:$s>G:80\n"
		"fwd C:$s>G:80 S -> STOPPED B:$s>G:80\n"
		"pre G:80>B:$s SA -> TRANSLATED G:80>C:$s\n"
		"fwd G:80>C:$s SA -> NO_FLOW\n"
		"post G:80>C:$s SA -> TRANSLATED H:8080>C:40000\n"
		"pre C:40000>H:8080 A -> TRANSLATED C:$s>G:80\nflows 1" },
	{ .name = "host_source_local", .protos = "tu", .map = HOST, .steps =
		"out H:1>H:8080 S -> OPENED B:$s>G:80\nin G:80>B:$s SA -> TRANSLATED H:8080>H:1\nflows 1" },
	{ .name = "host_source_of_the_guest_itself", .protos = "tu", .map = HOST, .steps =
		"pre G:1>H:8080 S -> OPENED G:$s>G:80\nfwd G:$s>G:80 S -> STOPPED B:$s>G:80" },
	{ .name = "host_source_echo", .protos = "i", .map = "icmp * > G host", .steps =
		"pre C:77>H -> OPENED C:77>G\nfwd C:77>G -> STOPPED B:77>G\npre G>B:77 -> TRANSLATED G>C:77\n"
		"post G>C:77 -> TRANSLATED H>C:77" },
	{ .name = "host_source_without_an_address", .protos = "tu", .map = BOTH("*:8080", "G:80 host near=-"), .steps =
		"pre C:1>H:8080 S -> NO_SOURCE_ADDR\nflows 0" },

	/* --- a network that lets nothing out: its answers pass FORWARD, too, and only they do --- */
	{ .name = "isolated", .protos = "tu", .map = BOTH("*:8080", "G:80 host enclosed"), .steps =
		"pre C:40000>H:8080 S -> OPENED C:$s>G:80\nfwd C:$s>G:80 S -> STOPPED B:$s>G:80\n"
		"pre G:80>B:$s SA -> TRANSLATED G:80>C:$s\nfwd G:80>C:$s SA -> STOPPED\n"
		"post G:80>C:$s SA -> TRANSLATED H:8080>C:40000\n"
		"fwd G:80>D:$s SA -> NO_FLOW\nfwd G:81>C:$s SA -> NO_FLOW\nfwd G:80>C:1 SA -> NO_FLOW\nflows 1" },
	{ .name = "isolated_with_a_way_of_its_own", .protos = "tu", .map = BOTH("*:8080", "G:80 enclosed"), .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\nfwd C:40000>G:80 S -> STOPPED\n"
		"fwd G:80>C:40000 SA -> STOPPED\npost G:80>C:40000 SA -> TRANSLATED H:8080>C:40000\n"
		"fwd G:80>D:40000 SA -> NO_FLOW\nflows 1" },
	{ .name = "isolated_firewall_respect", .protos = "tu", .map = BOTH("*:8080", "G:80 enclosed respect"), .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\nfwd C:40000>G:80 S -> RESPECTED\nfwd G:80>C:40000 SA -> RESPECTED" },
	{ .name = "isolated_echo", .protos = "i", .map = "icmp * > G host enclosed", .steps =
		"pre C:77>H -> OPENED C:77>G\nfwd C:77>G -> STOPPED B:77>G\npre G>B:77 -> TRANSLATED G>C:77\n"
		"fwd G>C:77 -> STOPPED\npost G>C:77 -> TRANSLATED H>C:77" },
	{ .name = "R55_R54_isolated_errors", .protos = "tu", .map = BOTH("*:8080", "G:80 host enclosed"), .steps =
		"pre C:40000>H:8080 S -> OPENED C:$s>G:80\npre err G>B B:$s>G:80 -> ERROR G>C C:40000>H:8080\n"
		"fwd err G>C C:40000>H:8080 -> STOPPED\npost err G>C C:40000>H:8080 -> ERROR H>C C:40000>H:8080\n"
		"pre err R>H H:8080>C:40000 -> ERROR R>G G:80>B:$s\nfwd err R>G G:80>B:$s -> STOPPED\n"
		"post err R>G G:80>B:$s -> DONE" },
	{ .name = "R55_R54_isolated_errors_with_a_way_of_its_own", .protos = "tu", .map = BOTH("*:8080", "G:80 enclosed"), .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nfwd err G>C C:1>G:80 -> STOPPED\n"
		"post err G>C C:1>G:80 -> ERROR H>C C:1>H:8080\n"
		"pre err R>H H:8080>C:1 ptb rest=1400 -> ERROR R>G G:80>C:1\nfwd err R>G G:80>C:1 ptb rest=1400 -> STOPPED" },
	/* to somebody else, about something else: the guest is not let out by what it quotes, nobody let in */
	{ .name = "R53_isolated_errors_of_no_flow", .protos = "tu", .map = BOTH("*:8080", "G:80 enclosed"), .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nfwd err G>D C:1>G:80 -> ERROR_MISFIT\nfwd err G>C G:80>C:1 -> ERROR_MISFIT\n"
		"fwd err R>G C:1>G:80 -> ERROR_MISFIT\nfwd err R>G H:8080>C:1 -> ERROR_MISFIT\n"
		"fwd err G>C C:2>G:80 -> ERROR_NO_FLOW\nfwd err G>D D:1>G:80 -> ERROR_NO_FLOW" },
	{ .name = "isolated_errors_firewall_respect", .protos = "tu", .map = BOTH("*:8080", "G:80 enclosed respect"), .steps =
		"pre C:1>H:8080 S -> OPENED C:1>G:80\nfwd err G>C C:1>G:80 -> RESPECTED" },
	{ .name = "isolated_no_more", .protos = "tu", .map = BOTH("*:8080", "G:80 enclosed"), .steps =
		"pre C:40000>H:8080 S -> OPENED C:40000>G:80\nmap " TO_G "\nfwd G:80>C:40000 SA -> NO_FLOW\n"
		"map " BOTH("*:8080", "G:80 enclosed life=1") "\nfwd G:80>C:40000 SA -> FORWARD_ENDED\nflows 0" },
};

int main(void)
{
	for (size_t i = 0; i < COUNT(scripts); i++)
		unit_add(scripts[i].name, script_run, &scripts[i]);
	return unit_run("guest");
}
