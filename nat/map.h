/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map - the mapping table: which outside endpoint leads to which guest.
 *
 * Built whole by the main process into an unused area of the state block,
 * checked, and swapped in (nat_map_swap()); never edited in place. Looked up
 * once per flow: a binary search over port spans, then the few rows that
 * share a port, most specific first (R27).
 *
 * Memory      one area from the caller, map_size() octets, offsets and indices only
 * Threads     read-only once built
 * Invariants, asserted by map_check():
 *   M1  spans of a class are disjoint and ordered by port
 *   M2  each span's candidates exist, cover the span and are ordered by how specific they are
 *   M3  every row's addresses are of its family, its ports and allow list inside their arrays, every prefix in its address
 */
#ifndef NAT_MAP_H
#define NAT_MAP_H

#include "nat/tuple.h"

enum map_row_flag {
	MAP_RESPECT = 1 << 0,		/* do not pass the host's FORWARD rules with NF_STOP */
	MAP_HOST_SOURCE = 1 << 1,	/* the guest sees `near` as source: it would not answer by this host otherwise */
	MAP_FROZEN = 1 << 2,		/* the guest is suspended: timers of its answered flows stand still */
	MAP_ENCLOSED = 1 << 4,		/* the guest's network lets nothing out: answers pass the host's FORWARD rules, too */
	MAP_REST = 1 << 3,		/* what no other row wants: less than any of them (R27); not for this host's own packets */
};

/* What becomes of a packet that matches. All but MAP_FORWARD have no guest: `to` and what belongs to it means nothing. */
enum map_action {
	MAP_FORWARD,
	MAP_REJECT,			/* the caller tells the sender */
	MAP_DROP,
	MAP_HOLD,
};

/* One published range. The caller resolves names to numbers before. */
struct map_row {
	struct nat_addr listen;		/* all zero: every address of this host */
	struct nat_addr to;		/* g.addr */
	struct nat_addr near;		/* this host's address on the way to the guest; all zero: not known */
	uint32_t dev;			/* ifindex it must arrive on; 0: any */
	uint32_t oif;			/* ifindex toward the guest; 0: not known. Arriving there means hairpin */
	uint32_t forward;		/* caller's number, for logs and counters */
	uint32_t allow, n_allow;	/* sources let in: allow[allow..]; none: everyone */
	uint16_t lo, hi;		/* host order, inclusive; ICMP: 0, 0; a protocol without ports: its number */
	uint16_t to_lo;			/* guest port for lo, host order */
	uint8_t family;
	uint8_t proto;			/* NAT_PROTO_*, or any that has no ports */
	uint8_t flags;			/* enum map_row_flag */
	uint8_t inside_bits;		/* to/inside_bits is the guests' network behind oif; nobody else may use it (R83) */
	uint16_t life;			/* of the guest: flows end when it changes, they were with another run of it */
	uint16_t policy;		/* policy.h; 0: that of all */
	uint8_t action;			/* enum map_action */
	uint8_t zero[1];		/* no padding: rows are compared as octets */
};

/*
 * What a span of ports is looked up in: one class per family and protocol
 * that has ports. All protocols without ports share one, in which the number
 * of the protocol stands for the port.
 */
enum map_class {
	MAP_TCP4, MAP_UDP4, MAP_ICMP4, MAP_SCTP4, MAP_DCCP4, MAP_UDPLITE4, MAP_OTHER4,
	MAP_TCP6, MAP_UDP6, MAP_ICMP6, MAP_SCTP6, MAP_DCCP6, MAP_UDPLITE6, MAP_OTHER6,
	MAP_CLASSES,
	MAP_NO_CLASS = MAP_CLASSES
};

/* map_class_of - MAP_NO_CLASS: no such family, or ICMP of the other one; the order of rows in map_build() */
enum map_class map_class_of(uint8_t family, uint8_t proto);

struct map_span {
	uint16_t lo, hi;
	uint32_t cand;			/* first candidate */
	uint32_t n_cand;
};

struct map_head {
	uint32_t n_rows, n_allow, n_cands;
	uint32_t n_frozen;		/* rows with MAP_FROZEN */
	uint32_t max_rows, max_allow;	/* what the area has room for; set by map_init() */
	uint32_t first[MAP_CLASSES + 1];	/* spans of class c: first[c] .. first[c + 1] */
};

/* Where a process sees a table. */
struct map {
	struct map_head *head;
	struct map_row *row;
	struct map_span *span;		/* at most 2 * max_rows */
	uint32_t *cand;			/* row indices, at most 4 * max_rows */
	struct nat_prefix *allow;
};

enum map_err {
	MAP_OK,
	MAP_TOO_MANY,		/* more rows, prefixes or overlaps than there is room for */
	MAP_ORDER,		/* rows are not in order of family, protocol and first port */
	MAP_BAD_ROW,		/* ports reversed or past 65535, unknown family or protocol, an address not of it, allow list outside */
	MAP_BAD_ALLOW,		/* a prefix of unknown family, or with more bits than an address has */
};

/* map_size - octets an area for this many rows and prefixes takes */
size_t map_size(uint32_t max_rows, uint32_t max_allow);

/* map_at - see the table in the area at @mem, which map_init() has prepared */
struct map map_at(void *mem);

/* map_init - an empty table at @mem, map_size() octets, 8-aligned */
void map_init(void *mem, uint32_t max_rows, uint32_t max_allow);

/**
 * map_build - fill a table
 * @rows:  @n_rows, ordered by map_class_of() and lo
 * @allow: @n_allow prefixes that rows refer to
 * @bad:   out; the row (MAP_BAD_ALLOW: the prefix) that is to blame, unless MAP_TOO_MANY
 *
 * On error the table is empty. Cost: O(rows * overlapping rows).
 */
enum map_err map_build(struct map *m, const struct map_row *rows, uint32_t n_rows, const struct nat_prefix *allow,
		       uint32_t n_allow, uint32_t *bad);

/**
 * map_find - the row for a packet to @dst
 * @ends:  destination and its port (network order) count; source does not
 * @indev: ifindex it arrived on; 0 at OUTPUT, where rows with a device never match
 *
 * Returns the row's index or NAT_NONE. Cost: log2(spans) steps.
 */
uint32_t map_find(const struct map *m, const struct nat_ends *ends, uint8_t proto, uint8_t family, uint32_t indev);

/**
 * map_keeps - does a flow made by an older table still have its forward?
 * @orig, @reply: of the flow
 *
 * Returns a row that leads where the flow goes and lets its source in, or
 * NAT_NONE: the flow must end (R87). The cost of map_find().
 */
uint32_t map_keeps(const struct map *m, const struct nat_ends *orig, const struct nat_ends *reply, uint8_t proto,
		   uint8_t family);

/* map_allows - is @src let in by @row? O(its prefixes) */
bool map_allows(const struct map *m, const struct map_row *row, const struct nat_addr *src);

/* map_freezes - is @guest suspended? O(rows) if any guest is, else O(1) */
bool map_freezes(const struct map *m, const struct nat_addr *guest, uint8_t family);

/* map_guest_port - the guest's port (network order) for the outside port @dport (network order) */
uint16_t map_guest_port(const struct map_row *row, uint16_t dport);

/* map_check - M1-M3; NULL or which is broken. A table that passes can be searched without leaving its area. */
const char *map_check(const struct map *m);

#endif
