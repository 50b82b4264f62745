/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * out - the outbound table: whose source is translated on the way out, and to what.
 *
 * Three kinds of rule: masquerade (many insides behind a few outside
 * addresses, with ports: masq.h), prefix translation (RFC 6296: prefix.h) and
 * one-to-one (the same, checksums updated instead of the address balanced).
 * Like the mapping table (map.h) it is built whole in a spare area, checked,
 * and swapped together with it; never edited in place.
 *
 * Memory      one area from the caller, out_size() octets, offsets and indices only
 * Threads     read-only once built
 * Invariants, asserted by out_check():
 *   O1  counts fit the area; every rule's addresses and exceptions lie inside their arrays
 *   O2  addresses and prefixes are of their rule's family; no prefix is longer than its address
 *   O3  port ranges are in order, disjoint and never begin with port 0
 */
#ifndef NAT_OUT_H
#define NAT_OUT_H

#include <stddef.h>

#include "nat/tuple.h"

enum out_kind {
	OUT_MASQUERADE,
	OUT_NPTV6,			/* RFC 6296: stateless, checksum-neutral */
	OUT_ONE_TO_ONE,			/* stateless, one address or prefix for another of the same length */
	OUT_KINDS
};

/* Who may send to a mapping from outside (R29; RFC 4787 5, RFC 5382 4.3). */
enum out_filter {
	OUT_FILTER_ADDRESS,		/* whom the inside endpoint has sent to, from any port: address-dependent */
	OUT_FILTER_ENDPOINT,		/* everyone: endpoint-independent */
	OUT_FILTER_BOTH,		/* only the very address and port it has sent to */
	OUT_FILTERS
};

enum out_flag {
	OUT_PICK_UP = 1 << 0,		/* TCP flows may begin in mid-stream (R31) */
	OUT_RESPECT = 1 << 1,		/* do not pass the host's FORWARD rules with NF_STOP */
};

enum { OUT_RANGES = 4, OUT_RULES_MAX = 65536 };

struct out_range {
	uint16_t lo, hi;		/* host order, inclusive; lo 0: not used */
};

struct out_rule {
	struct nat_addr inside;		/* inside/bits: whose source is translated */
	struct nat_addr outside;	/* not masquerade: the prefix it becomes, host bits zero */
	uint32_t oif;			/* ifindex it leaves by; 0: any but `near`; NAT_NONE: the device is absent */
	uint32_t near;			/* ifindex toward the inside; 0: not known */
	uint32_t forward;		/* caller's number, for logs and counters */
	uint32_t addr, n_addr;		/* masquerade: addr[addr..], its outside addresses; none now: nothing leaves */
	uint32_t except, n_except;	/* destinations that are not translated: except[except..] (R90) */
	uint32_t max_mappings;		/* per inside and outside address (R79); 0: no limit */
	struct out_range range[OUT_RANGES];	/* ports that may be taken (O3) */
	uint8_t family, bits;
	uint8_t kind;			/* enum out_kind */
	uint8_t filter;			/* enum out_filter */
	uint8_t flags;			/* enum out_flag */
	uint8_t zero[3];		/* no padding: rules are compared as octets */
};

struct out_head {
	uint32_t max_rules, max_addrs, max_excepts;	/* what the area has room for */
	uint32_t n_rules, n_addrs, n_excepts;
};

/* Where a process sees a table. */
struct out {
	struct out_head *head;
	struct out_rule *rule;
	struct nat_addr *addr;
	struct nat_prefix *except;
};

enum out_err {
	OUT_OK,
	OUT_TOO_MANY,		/* more than the area has room for */
	OUT_BAD,		/* out_check() would complain of it */
};

/* out_size - octets an area takes; it has room for four addresses and exceptions a rule */
size_t out_size(uint32_t max_rules);

/* out_at - see the table in the area at @mem, which out_init() has prepared */
struct out out_at(void *mem);

/* out_init - an empty table at @mem, out_size() octets, 8-aligned */
void out_init(void *mem, uint32_t max_rules);

/**
 * out_build - fill a table; the first rule that fits a packet wins
 * On error the table is empty.
 */
enum out_err out_build(struct out *o, const struct out_rule *rules, uint32_t n_rules, const struct nat_addr *addrs,
		       uint32_t n_addrs, const struct nat_prefix *excepts, uint32_t n_excepts);

/**
 * out_find - the rule for a packet that leaves
 * @outdev: ifindex it leaves by
 * Returns the rule's index, or NAT_NONE: none, or the destination is excepted. O(rules).
 */
uint32_t out_find(const struct out *o, const struct nat_addr *src, const struct nat_addr *dst, uint8_t family,
		  uint32_t outdev);

/* out_inside - the first masquerade whose inside holds @a, whatever device; NAT_NONE if none. O(rules) */
uint32_t out_inside(const struct out *o, const struct nat_addr *a, uint8_t family);

/* out_excepts - is @a a destination that @rule leaves alone? O(its exceptions) */
bool out_excepts(const struct out *o, const struct out_rule *rule, const struct nat_addr *a);

/* out_has_addr - is @a one of the outside addresses of @rule? */
bool out_has_addr(const struct out *o, const struct out_rule *rule, const struct nat_addr *a);

/* out_dev_fits - does a packet that leaves by (or, coming back, arrives on) @dev concern @rule? */
bool out_dev_fits(const struct out_rule *rule, uint32_t dev);

/**
 * out_keeps - the masquerade that a flow of an older table may go on with
 * Returns its index, or NAT_NONE: its subnet, its destination or its outside
 * address is not masqueraded any more, the flow must end (R25, R87).
 */
uint32_t out_keeps(const struct out *o, const struct nat_addr *inside, const struct nat_addr *outside,
		   const struct nat_addr *remote, uint8_t family);

/* out_check - O1-O3; NULL or which is broken */
const char *out_check(const struct out *o);

#endif
