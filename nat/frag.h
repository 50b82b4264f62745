/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frag - virtual reassembly: fragments are translated without being put together.
 *
 * Only the first fragment has ports (RFC 791 3.2, RFC 8200 4.5). What was
 * decided about it is noted here, and the others of its datagram follow: their
 * addresses are rewritten, or they are left alone or dropped with it. A later
 * fragment that comes before the first gets NAT_WHY_FRAGMENT_HELD: the caller
 * keeps it and gives it again when a packet of the same p->datagram says
 * p->release. Nothing is held inside (R65).
 *
 *     unknown --first--> decided --all octets seen--> forgotten
 *        \--later: HELD, at most FRAG_HELD_MAX (R70)
 *
 * The checksum of TCP, UDP and ICMP lies in the first fragment and is updated
 * by difference (R66). For SCTP the length of the whole message must be
 * known, so its first fragment waits for the last.
 *
 * Where the kernel reassembles (conntrack, R1) nothing ever comes here.
 *
 * Memory      sets of FRAG_WAYS datagrams inside the state block; the oldest of a full set is forgotten (R70)
 * Threads     none: the caller holds one lock per batch
 * Lifetime    30 s for IPv4, 60 s for IPv6 (R32); nothing renews it
 */
#ifndef NAT_FRAG_H
#define NAT_FRAG_H

#include "nat/pkt.h"
#include "nat/time.h"

struct nat;

enum {
	FRAG_WAYS = 8,
	FRAG_SETS_DEFAULT = 128,
	FRAG_HELD_MAX = 128,		/* pieces of one datagram that wait; 64 KiB in 576-octet packets are 120 (R71) */
	FRAG_LIFE_V4_S = 30,
	FRAG_LIFE_V6_S = 60,
};

enum frag_flag {
	FRAG_USED = 1 << 0,
	FRAG_FIRST = 1 << 1,		/* the first fragment was decided: why, end, src, dst, flow and dir are good */
	FRAG_FIRST_HELD = 1 << 2,	/* the first fragment waits for the last (SCTP) */
	FRAG_CHANGED = 1 << 3,		/* the first fragment was rewritten */
	FRAG_BROKEN = 1 << 4,		/* a piece overlapped: all that is still to come is dropped (RFC 5722, R68) */
};

/* A datagram on its way through one hook. */
struct frag {
	struct nat_addr src, dst;	/* as it comes */
	struct nat_addr to_src, to_dst;	/* as it goes */
	uint64_t number;		/* of the datagram, never used again */
	uint32_t id;
	uint32_t indev;
	uint32_t flow;
	uint32_t seen;			/* octets passed on so far */
	uint32_t total;			/* octets of the whole datagram; 0: the last piece was not seen yet */
	uint32_t to_id;			/* its identification as it goes (R28) */
	nat_tick since;
	uint16_t sport, dport;		/* of the first fragment */
	uint16_t end;			/* of the first fragment */
	uint16_t held;			/* pieces that were HELD */
	uint8_t proto, family, hook, dir;
	uint8_t flags;			/* enum frag_flag */
	uint8_t why;			/* enum nat_reason of the first, for the others */
};

/* frag_init - forget everything: @sets of FRAG_WAYS, a power of two */
void frag_init(struct frag *table, uint32_t sets);

/* What decides about a packet that has ports: the path of whole packets. */
typedef enum nat_reason (*frag_decide_fn)(struct nat *n, struct nat_pkt *p, nat_tick now);

/**
 * frag_packet - decide about a fragment
 * @p:      parsed, p->view.is_fragment
 * @parsed: what pkt_parse() said
 * @decide: asked about first fragments
 *
 * Sets p->datagram and p->release. Returns its reason, never UNDECIDED. Cost: one look at FRAG_WAYS datagrams.
 */
enum nat_reason frag_packet(struct nat *n, struct nat_pkt *p, nat_tick now, enum nat_reason parsed, frag_decide_fn decide);

/* frag_life - how long a fragment of @family may wait, in seconds */
static inline uint32_t frag_life_s(uint8_t family)
{
	return family == NAT_IPV4 ? FRAG_LIFE_V4_S : FRAG_LIFE_V6_S;
}

/* frag_check - every datagram is one that frag_packet() could have noted; NULL or what is wrong. O(table). */
const char *frag_check(const struct frag *table, uint32_t sets);

#endif
