/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * why - what the engine would do with a packet, without doing it.
 *
 * The engine itself decides: a packet is made of the tuple and given to a
 * small engine of its own, which shares the running mapping and outbound
 * tables and holds a copy of the one flow that the packet belongs to. So the
 * answer is nat_packet()'s own, and nothing that runs is touched.
 */
#ifndef NFQ_WHY_H
#define NFQ_WHY_H

#include "nat/nat.h"

struct why_question {
	struct nat_ends ends;		/* ICMP: as the tuple of a request, tuple.h */
	uint8_t proto, family;
	uint8_t hook;			/* enum nat_hook */
	uint32_t indev, outdev;		/* ifindex, 0: none */
	uint8_t tcp_flags;		/* enum tcp_flag */
};

struct why_answer {
	struct nat_pkt pkt;		/* as decided; data is NULL, flow is NAT_NONE if none was there before; forward also of what is dropped */
	bool has_flow;			/* it belongs to this one: */
	uint32_t index;
	struct nat_flow flow;		/* as it is, or as it would begin */
	bool at_forward;		/* a first packet, and the host's FORWARD rules are asked next: */
	struct nat_pkt forward;		/* what happens there */
};

/**
 * why_ask - ask
 * @live: the running engine, as main sees it
 * Returns 0, -ENOMEM, or -EPROTONOSUPPORT: no packet can be made of this protocol.
 */
int why_ask(const struct nat *live, const struct why_question *q, nat_ns now, struct why_answer *a);

#endif
