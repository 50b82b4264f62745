/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tuple - what a packet says about who talks to whom.
 *
 * As in nf_conntrack: a tuple is one direction's addresses, ports and
 * protocol; its inverse is what the answer to that packet carries.
 *
 * ICMP queries have no ports. A request has its identifier as source port and
 * its type as destination port; a reply the other way round. So the inverse
 * of a request is the reply's tuple, and an echo never meets a timestamp.
 */
#ifndef NAT_TUPLE_H
#define NAT_TUPLE_H

#include "nat/addr.h"
#include "nat/siphash.h"

/* No flow, row, forward: an index that no table has. */
#define NAT_NONE UINT32_MAX

/* IP protocol numbers, IANA; the core includes no system header for them. */
enum {
	NAT_PROTO_HOPOPTS = 0,
	NAT_PROTO_ICMP = 1,
	NAT_PROTO_IGMP = 2,
	NAT_PROTO_TCP = 6,
	NAT_PROTO_UDP = 17,
	NAT_PROTO_DCCP = 33,
	NAT_PROTO_ROUTING = 43,
	NAT_PROTO_FRAGMENT = 44,
	NAT_PROTO_GRE = 47,
	NAT_PROTO_ESP = 50,
	NAT_PROTO_AH = 51,
	NAT_PROTO_ICMPV6 = 58,
	NAT_PROTO_NONE = 59,
	NAT_PROTO_DSTOPTS = 60,
	NAT_PROTO_SCTP = 132,
	NAT_PROTO_MOBILITY = 135,
	NAT_PROTO_UDPLITE = 136,
};

/* nat_proto_has_ports - are the first four octets of its header two ports? */
static inline bool nat_proto_has_ports(uint8_t proto)
{
	return proto == NAT_PROTO_TCP || proto == NAT_PROTO_UDP || proto == NAT_PROTO_SCTP || proto == NAT_PROTO_DCCP ||
	       proto == NAT_PROTO_UDPLITE;
}

/*
 * nat_proto_is_whole - can all of a protocol be a flow, known by its addresses alone (R26)?
 * Not what has ports or identifiers, what is of one link only, and IPv6's headers before the transport.
 */
static inline bool nat_proto_is_whole(uint8_t proto)
{
	switch (proto) {
	case NAT_PROTO_HOPOPTS:
	case NAT_PROTO_ICMP:
	case NAT_PROTO_IGMP:
	case NAT_PROTO_ROUTING:
	case NAT_PROTO_FRAGMENT:
	case NAT_PROTO_AH:
	case NAT_PROTO_ICMPV6:
	case NAT_PROTO_NONE:
	case NAT_PROTO_DSTOPTS:
	case NAT_PROTO_MOBILITY:
		return false;
	}
	return !nat_proto_has_ports(proto);
}

/* Both ends of one direction. Ports in network order; 0 for protocols that have none. */
struct nat_ends {
	struct nat_addr src, dst;
	uint16_t sport, dport;
};

struct nat_tuple {
	struct nat_ends ends;
	uint8_t proto;			/* NAT_PROTO_*, as on the wire */
	uint8_t family;			/* enum nat_family */
};

/* Directions of a flow: the initiator's packets and the answers. */
enum nat_dir {
	NAT_ORIG,
	NAT_REPLY,
	NAT_DIRS
};

_Static_assert(sizeof(struct nat_ends) == 36, "two of these, counters and timers fit 128 octets");

static inline struct nat_ends nat_ends_inverse(const struct nat_ends *e)
{
	return (struct nat_ends){ .src = e->dst, .dst = e->src, .sport = e->dport, .dport = e->sport };
}

static inline bool nat_ends_eq(const struct nat_ends *a, const struct nat_ends *b)
{
	return a->sport == b->sport && a->dport == b->dport && nat_addr_eq(&a->src, &b->src) &&
	       nat_addr_eq(&a->dst, &b->dst);
}

/*
 * nat_tuple_hash - keyed hash of a tuple (R80); about 8 ns for IPv4, 12 ns for IPv6
 * SipHash-1-3 of addresses, source port, destination port, protocol: 13 or 37
 * octets, so the length tells the family. In the header for the one caller
 * that every packet comes to.
 */
static inline uint64_t nat_tuple_hash(const struct siphash_key *key, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	uint64_t w[4], tail = (uint64_t)proto << 32 | (uint64_t)e->dport << 16 | e->sport;

	if (family == NAT_IPV4) {
		uint32_t src, dst;

		/* The mapped prefix is the same in all of them: leave it out. */
		memcpy(&src, e->src.octet + 12, 4);
		memcpy(&dst, e->dst.octet + 12, 4);
		w[0] = (uint64_t)dst << 32 | src;
		return siphash_tail(key, w, 1, tail | (uint64_t)13 << 56);
	}
	memcpy(w, e->src.octet, 16);
	memcpy(w + 2, e->dst.octet, 16);
	return siphash_tail(key, w, 4, tail | (uint64_t)37 << 56);
}

#endif
