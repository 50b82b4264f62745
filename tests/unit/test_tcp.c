/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp: walks through the table. A walk is a list of steps: '>' or '<' gives
 * the side (initiator, responder), then the segment, then the state it leads
 * to. S SYN, s SYN-ACK, A ACK or data, F FIN, R RST; xx: refused, stays.
 * tests/mutate changes each cell of the table: some row here must fail.
 */
#include "nat/tcp.h"

#include "nat/pkt.h"
#include "tests/unit/unit.h"

static const struct walk { const char *name, *steps; } walks[] = {
	/* opening */
	{ "R38_three_way_handshake",                ">S SS  <s SR  >A ES" },
	{ "R38_syn_ack_alone_is_not_established",   ">S SS  <s SR  <A SR  <s SR" },
	{ "R38_guests_data_before_the_ack",         ">S SS  <s SR  <A SR  >A ES" },
	{ "R38_pick_up_then_syn_needs_an_ack",      ">A PU  >S PU  <s SR  >A ES" },
	{ "R40_syn_again",                          ">S SS  >S SS  <s SR  >A ES" },
	{ "R40_syn_again_after_the_syn_ack",        ">S SS  <s SR  >S SR  <s SR  >A ES" },
	{ "R40_lost_third_ack_syn_ack_again",       ">S SS  <s SR  >A ES  <s ES  >A ES" },
	{ "R40_lost_third_ack_data_completes",      ">S SS  <s SR  >A ES  <A ES" },
	{ "R43_ack_in_syn_sent_is_a_challenge",     ">S SS  <A SS  >R RS" },
	{ "R43_challenged_then_syn_again",          ">S SS  <A SS  >R RS  >S SS  <s SR  >A ES" },
	{ "old_ack_of_the_initiator_in_syn_sent",   ">S SS  >A SS  <s SR" },
	{ "old_syn_ack_of_the_initiator",           ">S SS  >s SS  <s SR" },
	{ "initiator_gives_up_before_an_answer",    ">S SS  >F SS  <s SR" },
	{ "stray_fin_answers_a_syn",                ">S SS  <F SS  <s SR" },
	{ "refused",                                ">S SS  <R RS" },
	{ "initiator_resets_at_once",               ">S SS  >R RS" },
	{ "initiator_sends_syn_ack_in_syn_recv",    ">S SS  <s SR  >s SR  >A ES" },
	{ "guest_sends_a_late_syn",                 ">S SS  <s SR  <S SR  >A ES" },
	{ "reset_before_the_third_ack",             ">S SS  <s SR  >R RS" },
	{ "guest_resets_before_the_third_ack",      ">S SS  <s SR  <R RS" },
	{ "fin_with_the_third_ack",                 ">S SS  <s SR  >F FO" },
	{ "guest_closes_before_the_third_ack",      ">S SS  <s SR  <F FR  >A FR  >F CL" },

	/* simultaneous open */
	{ "R39_simultaneous_open",                  ">S SS  <S SB  >s SR  <s SR  >A ES" },
	{ "R39_simultaneous_open_answer_first",     ">S SS  <S SB  <s SR  >s SR  >A ES" },
	{ "R39_simultaneous_open_syns_again",       ">S SS  <S SB  >S SB  <S SB  >s SR" },
	{ "R39_simultaneous_open_stray_acks",       ">S SS  <S SB  >A SB  <A SB  <s SR" },
	{ "R39_simultaneous_open_stray_fins",       ">S SS  <S SB  >F SB  <F SB  <s SR" },
	{ "R39_simultaneous_open_initiator_resets", ">S SS  <S SB  >R RS" },
	{ "R39_simultaneous_open_guest_resets",     ">S SS  <S SB  <R RS" },

	/* established */
	{ "R40_data_both_ways",                     ">S SS  <s SR  >A ES  >A ES  <A ES" },
	{ "R43_syn_in_an_open_flow",                ">S SS  <s SR  >A ES  >S ES  <A ES" },
	{ "R43_syn_of_the_guest_in_an_open_flow",   ">S SS  <s SR  >A ES  <S ES  >A ES" },
	{ "R43_syn_ack_of_the_initiator",           ">S SS  <s SR  >A ES  >s ES" },
	{ "R44_reset_by_the_initiator",             ">S SS  <s SR  >A ES  >R RS" },
	{ "R44_reset_by_the_guest",                 ">S SS  <s SR  >A ES  <R RS" },

	/* closing */
	{ "R41_initiator_half_closes",              ">S SS  <s SR  >A ES  >F FO  <A FO  <A FO  >A FO" },
	{ "R41_guest_half_closes",                  ">S SS  <s SR  >A ES  <F FR  >A FR  >A FR  <A FR" },
	{ "orderly_close_initiator_first",          ">S SS  <s SR  >A ES  >F FO  <A FO  <F CL  >A CL" },
	{ "orderly_close_guest_first",              ">S SS  <s SR  >A ES  <F FR  >A FR  >F CL  <A CL" },
	{ "R40_fin_again_by_the_initiator",         ">S SS  <s SR  >A ES  >F FO  >F FO  <F CL" },
	{ "R40_fin_again_by_the_guest",             ">S SS  <s SR  >A ES  <F FR  <F FR  >F CL" },
	{ "R40_both_fins_again",                    ">S SS  <s SR  >A ES  >F FO  <F CL  >F CL  <F CL  >A CL  <A CL" },
	{ "R43_syns_while_half_closed",             ">S SS  <s SR  >A ES  >F FO  >S FO  >s FO  <S FO  <s FO" },
	{ "R43_syns_while_half_closed_by_guest",    ">S SS  <s SR  >A ES  <F FR  >S FR  >s FR  <S FR  <s FR" },
	{ "R44_reset_half_closed_by_initiator",     ">S SS  <s SR  >A ES  >F FO  >R RS" },
	{ "R44_reset_half_closed_by_guest",         ">S SS  <s SR  >A ES  >F FO  <R RS" },
	{ "R44_guest_half_closed_initiator_resets", ">S SS  <s SR  >A ES  <F FR  >R RS" },
	{ "R44_guest_half_closed_and_resets",       ">S SS  <s SR  >A ES  <F FR  <R RS" },
	{ "R44_reset_after_both_fins",              ">S SS  <s SR  >A ES  >F FO  <F CL  >R RS" },
	{ "R44_reset_after_both_fins_by_guest",     ">S SS  <s SR  >A ES  >F FO  <F CL  <R RS" },
	{ "old_syn_acks_after_both_fins",           ">S SS  <s SR  >A ES  >F FO  <F CL  >s CL  <s CL" },

	/* after the end */
	{ "R42_same_ports_after_a_close",           ">S SS  <s SR  >A ES  >F FO  <F CL  >S SS  <s SR  >A ES" },
	{ "R42_same_ports_after_a_reset",           ">S SS  <R RS  >S SS  <s SR  >A ES" },
	{ "R42_the_guest_cannot_reopen_closed",     ">S SS  <s SR  >A ES  >F FO  <F CL  <S xx  >A CL" },
	{ "R42_the_guest_cannot_reopen_reset",      ">S SS  <R RS  <S xx  >A RS" },
	{ "R45_late_segments_after_a_reset",        ">S SS  <R RS  >s RS  >A RS  >F RS  >R RS" },
	{ "R45_late_answers_after_a_reset",         ">S SS  <R RS  <s RS  <A RS  <F RS  <R RS" },

	/* in the middle of a stream */
	{ "R31_picked_up_and_answered",             ">A PU  <A ES" },
	{ "R31_picked_up_not_answered",             ">A PU  >A PU  >A PU" },
	{ "R31_picked_up_with_a_fin",               ">F FO  <A FO  <F CL" },
	{ "R31_picked_up_then_fin",                 ">A PU  >F FO" },
	{ "R31_picked_up_answered_by_fin",          ">A PU  <F FR  >F CL" },
	{ "R31_picked_up_answered_by_reset",        ">A PU  <R RS" },
	{ "R31_picked_up_then_reset",               ">A PU  >R RS" },
	{ "R31_picked_up_stray_syns",               ">A PU  >S PU  >s PU  <S PU  <A ES" },
	{ "R31_reset_is_not_picked_up",             ">R xx" },
	{ "R31_syn_ack_is_not_picked_up",           ">s xx" },
	{ "R30_guest_opens_nothing",                "<S xx  <s xx  <A xx  <F xx  <R xx" },
};

static enum tcp_state state_of(const char *s)
{
	static const struct { char s[3]; enum tcp_state is; } names[] = {
		{ "--", TCP_NONE }, { "SS", TCP_SYN_SENT }, { "SB", TCP_SYN_BOTH }, { "SR", TCP_SYN_RECV },
		{ "ES", TCP_ESTABLISHED }, { "FO", TCP_FIN_ORIG }, { "FR", TCP_FIN_REPLY }, { "CL", TCP_CLOSING },
		{ "RS", TCP_RESET }, { "PU", TCP_PICKED_UP }, { "xx", TCP_NO },
	};

	for (unsigned i = 0; i < COUNT(names); i++)
		if (!strncmp(names[i].s, s, 2))
			return names[i].is;
	unit_fail("no such state: %.2s", s);
	return TCP_NO;
}

static enum tcp_event event_of(char c)
{
	static const char events[] = "SsAFR";
	const char *at = strchr(events, c);

	assert_non_null(at);
	return (enum tcp_event)(at - events);
}

static void walk(void **state)
{
	const struct walk *w = *state;
	enum tcp_state is = TCP_NONE;

	for (const char *s = w->steps; *s; s += strspn(s, " ")) {
		enum nat_dir dir = *s == '>' ? NAT_ORIG : NAT_REPLY;
		enum tcp_state to = tcp_next(is, dir, event_of(s[1]));

		if (to != state_of(s + 3))
			unit_fail("%.*s: leads to %s", (int)(s - w->steps + 5), w->steps, to == TCP_NO ? "xx" : tcp_state_name(to));
		if (to != TCP_NO)
			is = to;
		s += 5;
	}
}

/* Rules that hold for the whole table, whatever the rows say. */
static void rules(void **state)
{
	(void)state;
	for (unsigned s = 0; s < TCP_STATES; s++)
		for (unsigned d = 0; d < NAT_DIRS; d++)
			for (unsigned e = 0; e < TCP_EVENTS; e++) {
				enum tcp_state n = tcp_next(s, d, e);

				assert_true(n != TCP_NONE && n <= TCP_NO);
				/* R30: the responder opens nothing. */
				assert_true(s != TCP_NONE || d == NAT_ORIG || n == TCP_NO);
				/* A RST that is passed ends the flow. */
				assert_true(e != TCP_EV_RST || n == TCP_RESET || n == TCP_NO);
				/* R38: established by an ACK of the initiator, or by the answer to a picked up flow. */
				assert_true(n != TCP_ESTABLISHED || s == TCP_ESTABLISHED ||
					    (e == TCP_EV_ACK && (d == NAT_ORIG) == (s == TCP_SYN_RECV)));
				/* R42: what is over begins again only by a SYN of the initiator. */
				if ((s == TCP_CLOSING || s == TCP_RESET) && n != TCP_NO)
					assert_true(n == s || n == TCP_RESET || (n == TCP_SYN_SENT && !d && e == TCP_EV_SYN));
			}
}

/* R48: these and no others, whatever PSH, ECE and CWR say. */
static void R48_flags(void **state)
{
	static const struct { uint8_t flags; enum tcp_event ev; } valid[] = {
		{ TCP_F_SYN, TCP_EV_SYN },
		{ TCP_F_SYN | TCP_F_URG, TCP_EV_SYN },
		{ TCP_F_SYN | TCP_F_ACK, TCP_EV_SYNACK },
		{ TCP_F_RST, TCP_EV_RST },
		{ TCP_F_RST | TCP_F_ACK, TCP_EV_RST },
		{ TCP_F_FIN | TCP_F_ACK, TCP_EV_FIN },
		{ TCP_F_FIN | TCP_F_ACK | TCP_F_URG, TCP_EV_FIN },
		{ TCP_F_ACK, TCP_EV_ACK },
		{ TCP_F_ACK | TCP_F_URG, TCP_EV_ACK },
	};

	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		enum tcp_event want = TCP_EV_BAD;

		for (unsigned i = 0; i < COUNT(valid); i++)
			if ((flags & 0x37) == valid[i].flags)
				want = valid[i].ev;
		assert_int_equal(tcp_event_of((uint8_t)flags), want);
	}
}

static void R32_idle_classes(void **state)
{
	static const struct { enum tcp_state s; enum idle_class c; uint32_t seconds; unsigned evict; } rows[] = {
		{ TCP_SYN_SENT, IDLE_TCP_OPENING, 240, 1 },
		{ TCP_SYN_BOTH, IDLE_TCP_OPENING, 240, 1 },
		{ TCP_SYN_RECV, IDLE_TCP_OPENING, 240, 1 },
		{ TCP_ESTABLISHED, IDLE_TCP_ESTABLISHED, 7440, 0 },
		{ TCP_FIN_ORIG, IDLE_TCP_FIN, 240, 0 },
		{ TCP_FIN_REPLY, IDLE_TCP_FIN, 240, 0 },
		{ TCP_CLOSING, IDLE_TCP_CLOSING, 240, 2 },
		{ TCP_RESET, IDLE_TCP_CLOSING, 240, 2 },
		{ TCP_PICKED_UP, IDLE_TCP_PICKED_UP, 300, 1 },
	};

	(void)state;
	assert_int_equal(COUNT(rows), TCP_STATES - 1);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		assert_int_equal(tcp_state_idle(rows[i].s), rows[i].c);
		assert_int_equal(idle_default_s(rows[i].c), rows[i].seconds);
		assert_int_equal(idle_evict_rank(rows[i].c), rows[i].evict);
	}
	assert_int_equal(idle_default_s(IDLE_UDP_OPENING), 300);
	assert_int_equal(idle_default_s(IDLE_UDP), 300);
	assert_int_equal(idle_default_s(IDLE_TCP_DOUBT), 300);
	assert_int_equal(idle_default_s(IDLE_ICMP), 60);
	assert_int_equal(idle_evict_rank(IDLE_UDP_OPENING), 1);
	assert_int_equal(idle_evict_rank(IDLE_UDP), 0);
	assert_int_equal(idle_evict_rank(IDLE_TCP_DOUBT), 0);
	assert_int_equal(idle_evict_rank(IDLE_ICMP), 1);
	assert_string_equal(idle_class_name(IDLE_TCP_PICKED_UP), "TCP_PICKED_UP");
	assert_string_equal(tcp_state_name(TCP_SYN_BOTH), "SYN_BOTH");
}

static void R50_sequence_numbers_wrap(void **state)
{
	static const struct { uint32_t a, b; bool after; } rows[] = {
		{ 1, 0, true }, { 0, 1, false }, { 5, 5, false },
		{ 0, 0xffffffff, true }, { 0xffffffff, 0, false },
		{ 0x0000000f, 0xfffffff0, true }, { 0xfffffff0, 0x0000000f, false },
		{ 0x7fffffff, 0, true }, { 0x80000001, 0, false },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++)
		assert_int_equal(tcp_after(rows[i].a, rows[i].b), rows[i].after);
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(walks); i++)
		unit_add(walks[i].name, walk, &walks[i]);
	unit_add("rules", rules, NULL);
	unit_add("R48_flags", R48_flags, NULL);
	unit_add("R32_idle_classes", R32_idle_classes, NULL);
	unit_add("R50_sequence_numbers_wrap", R50_sequence_numbers_wrap, NULL);
	return unit_run("tcp");
}
