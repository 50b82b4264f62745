/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claims - who says that an address is his, and who of them is believed.
 *
 * A claim is "this MAC has this address on this bridge", from one of four
 * sources. An address belongs to the claim with the best source (the order of
 * enum claim_source); another MAC's claim to it is refused, so a guest that
 * takes another's address in the neighbour table changes nothing. Never
 * believed: the host's own addresses, and what is no unicast address of the
 * network.
 *
 * Pure: no I/O, no clock. Memory grows by realloc().
 * Threads  none
 */
#ifndef VIRT_WATCH_CLAIMS_H
#define VIRT_WATCH_CLAIMS_H

#include <net/if.h>
#include <stddef.h>

#include "nat/addr.h"

enum claim_source {
	CLAIM_DHCP_HOST,	/* `<dhcp><host>' in the network's description */
	CLAIM_LEASE,		/* dnsmasq gave it */
	CLAIM_NEIGHBOUR,	/* the kernel's neighbour table */
	CLAIM_AGENT,		/* its agent says so, and nobody has seen it: the weakest. Of two MACs neither wins here: resolve.h decides */
};

enum claim_why {
	CLAIM_GOOD,
	CLAIM_NO_UNICAST,	/* link-local, multicast, ...: said by nobody's fault, not worth a word */
	CLAIM_OUTSIDE,		/* not in the network's prefixes */
	CLAIM_HOST,		/* the host's own address */
	CLAIM_OTHER,		/* another MAC's */
};

struct claim {
	char bridge[IFNAMSIZ];
	uint8_t mac[6];
	uint8_t family;		/* enum nat_family */
	uint8_t source;		/* enum claim_source */
	uint8_t why;		/* enum claim_why; set by claims_judge() */
	bool failed;		/* a neighbour that did not answer the last question: others go first */
	uint8_t owner[6];	/* CLAIM_OTHER: who has it */
	struct nat_addr addr;
	uint64_t seen;		/* neighbours: a number that grows, when this MAC was first seen with it */
};

struct claims {
	struct claim *row;
	size_t n, room;
};

/* What claims are judged by. */
struct claim_prefix {
	char bridge[IFNAMSIZ];
	struct nat_prefix prefix;
};
struct claim_judge {
	const struct claim_prefix *prefixes;	/* of each bridge; a bridge without any takes every address */
	size_t n_prefixes;
	const struct nat_addr *own;		/* the host's addresses, of both families */
	size_t n_own;
};

const char *claim_source_name(enum claim_source source);

/* claims_add - a copy of @c; false: no memory, nothing changed */
bool claims_add(struct claims *c, const struct claim *claim);

/* claims_judge - set `why' (and `owner') of each and sort them for claims_find(). O(n log n + n * judge) */
void claims_judge(struct claims *c, const struct claim_judge *j);

/**
 * claims_find - the claims of one NIC, best first
 * After claims_judge(). By source, then IPv4 before IPv6; neighbours that answer before those that do
 * not; then IPv4: the newest first (the guest has changed its address); IPv6:
 * the one made from the MAC (RFC 4291 appendix A) first, then the oldest, for
 * temporary addresses (RFC 8981) come and go. @n: out. Owned by @c.
 */
const struct claim *claims_find(const struct claims *c, const char *bridge, const uint8_t mac[6], size_t *n);

void claims_clear(struct claims *c);	/* keeps the memory */
void claims_fini(struct claims *c);

#endif
