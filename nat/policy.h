/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy - what a forward allows: how many flows, how fast they may come, how
 * long they may be silent, how large TCP segments may be.
 *
 * Policies stand beside each mapping table: number 0 is for all forwards,
 * the others belong to one forward each; a row names its own. What they need
 * to count is kept here too:
 *
 *   flows per policy   counted anew at each swap, as the flows come over
 *   flows per source   two counters chosen by keyed hashes; the smaller holds. It can be too large if strangers
 *                      share both, never too small. IPv6 sources count by their /64
 *   new flows          a bucket of tokens per policy, one second deep (as much as a second brings)
 *
 * Memory      inside the state block
 * Threads     none: the caller holds one lock per batch
 * Invariants, asserted by policy_check():
 *   P1  both rows of counters of sources add up to the flows that are no masquerade's
 *   P2  the flows of a policy are those whose row names it, of the rows of this epoch
 */
#ifndef NAT_POLICY_H
#define NAT_POLICY_H

#include "nat/flow.h"
#include "nat/pkt.h"

struct nat;

enum {
	POLICY_LINKS = 64,		/* interfaces whose MTU is known */
	POLICY_SOURCES_MIN = 64,
	POLICY_MSS_OFF = 1, POLICY_MSS_CLAMP = 2,	/* other values but 0 are the size itself */
	POLICY_MSS_MIN = 536,
};

struct nat_policy {
	uint32_t flows;			/* at a time; 0: no limit; not of policy 0 */
	uint32_t source_flows;		/* of one source, over all forwards; 0: no limit */
	uint32_t new_flows;		/* a second; 0: no limit */
	uint32_t mss;			/* 0: as policy 0; POLICY_MSS_OFF, POLICY_MSS_CLAMP, or octets */
	nat_tick limit[IDLE_CLASSES];	/* idle limits; 0: as the flow table's */
};

/* How large packets of an interface are, and its addresses of other than link scope, IPv4's and IPv6's: how many, and one of them. */
struct nat_link {
	uint32_t ifindex, mtu_octets;
	uint32_t n_addr[2];
	struct nat_addr addr[2];
};

/* The policies that go with one mapping area. */
struct policy_head {
	uint32_t n;			/* at least 1 once set */
	uint32_t n_links;
	uint32_t has_limits;		/* some policy has idle limits of its own */
	uint32_t has_mss;
	struct nat_link link[POLICY_LINKS];
	struct nat_policy policy[];	/* block->max_policies */
};

/* What one policy has counted. */
struct policy_count {
	uint32_t flows;
	uint32_t tokens_milli;
	nat_tick filled;		/* when tokens were last added */
};

/* Where a process sees them. */
struct policies {
	struct policy_head *area[2];
	struct policy_count *count;	/* block->max_policies */
	uint32_t *source[2];		/* block->sources each */
};

size_t policy_area_octets(uint32_t max_policies);
size_t policy_count_octets(uint32_t max_policies, uint32_t sources);

/* policy_sources_for - counters of each kind for a table of @max_flows; a power of two */
uint32_t policy_sources_for(uint32_t max_flows);

/**
 * policy_set - write the policies of mapping area @area, which is not in use
 * @p: @n of them, 1 .. max_policies; @link: @n_links, more than POLICY_LINKS are cut off
 * Returns false if there are too many; then nothing was changed.
 */
bool policy_set(struct nat *n, unsigned area, const struct nat_policy *p, uint32_t n_policies, const struct nat_link *link,
		uint32_t n_links);

/**
 * policy_admits - may a flow from @src begin by a row with @policy?
 * Returns NAT_WHY_UNDECIDED and takes its tokens, or LIMIT_FLOWS, LIMIT_SOURCE, LIMIT_RATE.
 */
enum nat_reason policy_admits(struct nat *n, uint32_t policy, const struct nat_addr *src, uint8_t family, nat_tick now);

/* policy_begins, policy_ends, policy_moves - a flow begins, ends, or has come over to the active table */
void policy_begins(struct nat *n, const struct nat_flow *f);
void policy_ends(struct nat *n, const struct nat_flow *f);
void policy_moves(struct nat *n, const struct nat_flow *f);

/* policy_swapped - another table is active: no flow has come over yet, buckets are full */
void policy_swapped(struct nat *n, nat_tick now);

/* policy_recount - from the flows themselves. O(table). */
void policy_recount(struct nat *n, nat_tick now);

/* policy_expired - as flow_expired(), by the limits of the flow's own forward */
bool policy_expired(const struct nat *n, const struct nat_flow *f, nat_tick now);

/* policy_oldest_expired - as flow_oldest_expired(); flows whose forward lets them wait longer go to the tail of their queue */
uint32_t policy_oldest_expired(struct nat *n, nat_tick now);

/**
 * policy_expire - end flows whose own forward lets them wait less long than those before them in their queue
 * Looks at a 64th of the slots that were ever used, and goes on there the next time: so asked
 * once a second, such a flow is gone a minute after its time (R36). Nothing
 * to do where no forward has limits of its own. At most @budget; returns how many.
 */
unsigned policy_expire(struct nat *n, nat_tick now, unsigned budget);

/* policy_limit - the idle limit that holds for the flow, in ticks */
nat_tick policy_limit(const struct nat *n, const struct nat_flow *f);

/* policy_mtu - octets that @ifindex carries; UINT32_MAX: not known */
uint32_t policy_mtu(const struct nat *n, uint32_t ifindex);

/**
 * policy_mss - lower the segment size that a SYN offers (R49), if its forward wants that
 * @p: rewritten already; its checksum is updated by difference, or will be written by nat_finish()
 * Never raises it, adds no option, and looks at nothing but SYNs.
 */
void policy_mss(struct nat *n, struct nat_pkt *p, const struct nat_flow *f);

/* policy_check - P1, P2; NULL or which is broken. O(table). */
const char *policy_check(const struct nat *n);

#endif
