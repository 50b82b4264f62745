/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle: limits and what may be evicted, by class; the class of each state of
 * TCP and SCTP; the verdict that goes with each reason. The tables once more,
 * as REQUIREMENTS has them: tests/mutate changes each cell, and a row here must fail.
 */
#include "nat/idle.h"

#include "nat/reason.h"
#include "nat/sctp.h"
#include "nat/tcp.h"
#include "tests/unit/unit.h"

static const struct {
	const char *name;
	uint32_t seconds;
	unsigned evict;
} classes[IDLE_CLASSES] = {
	[IDLE_FREE] = { "FREE", 0, 0 },
	[IDLE_UDP_OPENING] = { "UDP_OPENING", 300, 1 },
	[IDLE_UDP] = { "UDP", 300, 0 },
	[IDLE_TCP_OPENING] = { "TCP_OPENING", 240, 1 },
	[IDLE_TCP_PICKED_UP] = { "TCP_PICKED_UP", 300, 1 },
	[IDLE_TCP_ESTABLISHED] = { "TCP_ESTABLISHED", 7440, 0 },
	[IDLE_TCP_DOUBT] = { "TCP_DOUBT", 300, 0 },
	[IDLE_TCP_FIN] = { "TCP_FIN", 240, 0 },
	[IDLE_TCP_CLOSING] = { "TCP_CLOSING", 240, 2 },
	[IDLE_ICMP] = { "ICMP", 60, 1 },
	[IDLE_OTHER] = { "OTHER", 600, 0 },
	[IDLE_FROZEN] = { "FROZEN", 0, 0 },
};

static void R32_limits_of_each_class(void **state)
{
	(void)state;
	for (unsigned c = 0; c < IDLE_CLASSES; c++) {
		assert_string_equal(idle_class_name(c), classes[c].name);
		assert_int_equal(idle_default_s(c), classes[c].seconds);
	}
}

/* Answered flows never (R76); what nobody answered first, what is over second. */
static void R76_what_may_be_evicted(void **state)
{
	(void)state;
	for (unsigned c = 0; c < IDLE_CLASSES; c++)
		assert_int_equal(idle_evict_rank(c), classes[c].evict);
}

static void waits_as(const char *state, enum idle_class want, enum idle_class got)
{
	if (got != want)
		unit_fail("%s waits as %s, not as %s", state, idle_class_name(got), idle_class_name(want));
}

static void R32_class_of_each_tcp_state(void **state)
{
	static const enum idle_class want[TCP_STATES] = {
		[TCP_NONE] = IDLE_FREE,
		[TCP_SYN_SENT] = IDLE_TCP_OPENING,
		[TCP_SYN_BOTH] = IDLE_TCP_OPENING,
		[TCP_SYN_RECV] = IDLE_TCP_OPENING,
		[TCP_ESTABLISHED] = IDLE_TCP_ESTABLISHED,
		[TCP_FIN_ORIG] = IDLE_TCP_FIN,
		[TCP_FIN_REPLY] = IDLE_TCP_FIN,
		[TCP_CLOSING] = IDLE_TCP_CLOSING,
		[TCP_RESET] = IDLE_TCP_CLOSING,
		[TCP_PICKED_UP] = IDLE_TCP_PICKED_UP,
	};

	(void)state;
	for (unsigned s = 0; s < TCP_STATES; s++)
		waits_as(tcp_state_name(s), want[s], tcp_state_idle(s));
}

static void R84_class_of_each_state(void **state)
{
	static const enum idle_class want[SCTP_STATES] = {
		[SCTP_NONE] = IDLE_FREE,
		[SCTP_INIT] = IDLE_TCP_OPENING,
		[SCTP_ECHO_ORIG] = IDLE_TCP_OPENING,
		[SCTP_ECHO_REPLY] = IDLE_TCP_OPENING,
		[SCTP_ESTABLISHED] = IDLE_TCP_ESTABLISHED,
		[SCTP_SHUTDOWN] = IDLE_TCP_CLOSING,
		[SCTP_CLOSED] = IDLE_TCP_CLOSING,
		[SCTP_PICKED_UP] = IDLE_TCP_PICKED_UP,
	};

	(void)state;
	for (unsigned s = 0; s < SCTP_STATES; s++)
		waits_as(sctp_state_name(s), want[s], sctp_state_idle(s));
}

static enum nat_verdict verdict_of(enum nat_reason why)
{
	static const enum nat_reason accepted[] = {
		/* translated */
		NAT_WHY_TRANSLATED, NAT_WHY_OPENED, NAT_WHY_PICKED_UP, NAT_WHY_RESPECTED, NAT_WHY_LATER, NAT_WHY_DONE, NAT_WHY_ERROR,
		NAT_WHY_PREFIX,
		/* not for us: as if this program was not there */
		NAT_WHY_FILTERED, NAT_WHY_NO_FORWARD, NAT_WHY_NO_FLOW, NAT_WHY_ERROR_NO_FLOW, NAT_WHY_LOCAL_SCOPE, NAT_WHY_OTHER_PROTO,
		NAT_WHY_ROUTED_HEADER,
	};

	if (why == NAT_WHY_STOPPED)
		return NAT_STOP;
	if (why == NAT_WHY_FRAGMENT_HELD)
		return NAT_HOLD;
	if (why == NAT_WHY_HEADERS_ONLY)
		return NAT_WHOLE;
	for (size_t i = 0; i < COUNT(accepted); i++)
		if (accepted[i] == why)
			return NAT_ACCEPT;
	return NAT_DROP;
}

static void R12_what_passes_and_what_is_dropped(void **state)
{
	(void)state;
	for (unsigned r = 0; r < NAT_REASONS; r++)
		if (nat_reason_verdict(r) != verdict_of(r))
			unit_fail("%s: verdict %u", nat_reason_name(r), nat_reason_verdict(r));
}

int main(void)
{
	unit_add("R32_limits_of_each_class", R32_limits_of_each_class, NULL);
	unit_add("R76_what_may_be_evicted", R76_what_may_be_evicted, NULL);
	unit_add("R32_class_of_each_tcp_state", R32_class_of_each_tcp_state, NULL);
	unit_add("R84_class_of_each_state", R84_class_of_each_state, NULL);
	unit_add("R12_what_passes_and_what_is_dropped", R12_what_passes_and_what_is_dropped, NULL);
	return unit_run("idle");
}
