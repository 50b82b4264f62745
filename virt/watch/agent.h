/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent - what an agent inside a guest says of its addresses.
 *
 * The answer to guest-network-get-interfaces, as it came. Every word of it is
 * the guest's: it may say that any MAC has any address. So nothing here is
 * more than a claim, the weakest there is, and only of a MAC that libvirt
 * gave to this guest (agents.h).
 *
 * Pure: octets in, pairs out. Threads  none
 */
#ifndef VIRT_WATCH_AGENT_H
#define VIRT_WATCH_AGENT_H

#include <stddef.h>

#include "nat/addr.h"

enum {
	AGENT_OCTETS = 256 << 10,	/* of one answer; more is refused */
	AGENT_PAIRS = 256,		/* the rest is not looked at */
};

/* An interface in a guest has this address. */
struct agent_pair {
	uint8_t mac[6];
	uint8_t family;			/* enum nat_family */
	struct nat_addr addr;
};

/**
 * agent_read - the pairs of an answer, in its order
 * @pairs: room for AGENT_PAIRS
 * Returns how many, or -1: no such answer. Loopback, link-local, multicast
 * and interfaces without a MAC are passed over: every guest has some.
 */
int agent_read(const char *text, size_t len, struct agent_pair pairs[AGENT_PAIRS]);

#endif
