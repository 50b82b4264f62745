/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules - which packets the kernel hands to us, as text for nft or iptables-restore.
 *
 * From the rows of a configuration to groups (an address, a protocol and all
 * its ports), and from groups to rules at the five hooks of nat.h. Only what
 * is forwarded is queued; everything else never leaves the kernel.
 *
 *     raw PREROUTING      to a listener, local address; ICMP errors to us; a hairpin's answers (to a source port of ours)
 *     raw OUTPUT          this host's own packets to a listener
 *     mangle FORWARD      new flows to a guest's port (to pass the host's firewall); hairpin packets; on an isolated
 *                         network all packets to a guest's port and from it, and ICMP errors: libvirt rejects them, whatever
 *                         their state
 *     mangle POSTROUTING  from a guest's port; ICMP errors; the host's refusals of a first packet are logged (refused.h)
 *     mangle INPUT        from a guest's port to this host; ICMP errors
 *
 * Of TCP between other hosts and guests only headers come, where the kernel can
 * do the rewriting (marks.h): docs/decisions/0017.
 *
 * With several workers TCP goes to a queue by its client's address, all else
 * to that of the CPU it is on: rules_target.h.
 *
 * Without conntrack also the fragments of a listener's or guest's protocol,
 * the first ones of any port: only they tell whose the others are (frag.h).
 *
 * No kernel is touched here: the same input always gives the same text.
 */
#ifndef NFQ_RULES_H
#define NFQ_RULES_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

#include "conf/conf.h"

struct ports {
	uint16_t lo, hi;
};

/* nfnetlink_log's group of what the host's rules refuse (refused.h); ulogd and others begin at 0 */
enum { RULES_LOG_GROUP = 7823 };

/* Rules that differ in their ports only. */
struct group {
	uint8_t family, proto;		/* proto as in conf_row: IPPROTO_ICMP is ping of either family */
	struct nat_addr addr;		/* listener (all zero: any local address) or guest */
	bool rest;			/* listener: only what no socket of this host takes */
	char dev[IFNAMSIZ];		/* listener: arrives on it; guest: the way to it; "": any, unknown */
	bool host_source;		/* every flow's source is rewritten in FORWARD too, not only a hairpin's */
	bool enclosed;			/* guest: FORWARD sees every packet to it and from it, to pass the host's rules */
	struct ports *ports;		/* disjoint, ordered, merged; none for protocols without ports */
	unsigned n_ports;
};

struct rules_out;

/* Sets of queues, one of each for every worker, in this order. */
enum rules_set {
	RULES_TCP,			/* whole packets: the host's own, hairpins, FORWARD; and what RULES_HEADERS asks for */
	RULES_REST,
	RULES_HEADERS,			/* TCP between other hosts and guests; without such queues RULES_TCP */
};

struct rules {
	struct group *listener, *guest;
	unsigned n_listeners, n_guests;
	uint16_t queue;			/* the first of all */
	unsigned workers;
	bool headers;			/* there are queues for headers alone */
	uint16_t source_lo, source_hi;
	bool bypass;			/* fail open: the kernel goes on as if there were no rule */
	bool conntrack;			/* the kernel has it: new flows can be told apart in FORWARD */
	bool refusals;			/* with conntrack: what the host's rules say of a guest's first packets is logged to us, and dropped */
	bool fragments;			/* it does not, so nobody puts fragments together: they are queued */
	struct rules_out *out;		/* outbound rules: rules_out.h */
	unsigned n_outs;
	struct ports *pool;		/* memory of all groups' ports */
};

/* rules_first - the first queue of a set */
static inline unsigned rules_first(const struct rules *r, enum rules_set set)
{
	return r->queue + r->workers * (set == RULES_HEADERS && !r->headers ? RULES_TCP : set);
}

/* rules_set_of - where packets of a group go, if those of TCP go to @tcp */
static inline enum rules_set rules_set_of(const struct group *g, enum rules_set tcp)
{
	return g->proto != IPPROTO_TCP ? RULES_REST : g->host_source ? RULES_TCP : tcp;
}

/* rules_has_hairpins - have answers to other guests to be told from those that leave? They change at both ends. */
static inline bool rules_has_hairpins(const struct rules *r, const struct group *g)
{
	return r->headers && g->proto == IPPROTO_TCP && g->dev[0] && !g->host_source;
}

/* rules_has_enclosed - does FORWARD see the packets of a guest of this family, both ways? */
bool rules_has_enclosed(const struct rules *r, enum nat_family family);

/* Which way leads to a guest: fills @dev (IFNAMSIZ octets, "" if unknown). */
typedef void (*rules_way_fn)(const struct nat_addr *to, enum nat_family family, char *dev);

/**
 * rules_make - group a configuration's rows
 * @workers: number of queue pairs
 * Returns 0 or -ENOMEM. Freed with rules_free().
 */
int rules_make(const struct conf *c, unsigned workers, rules_way_fn way, struct rules *r);
void rules_free(struct rules *r);

/**
 * rules_guests - the guests' addresses of one family, each once, in order
 * @n: out; how many
 * Returns them, to be freed; NULL: none, or no memory. Cost: a sort of all.
 */
struct nat_addr *rules_guests(const struct rules *r, enum nat_family family, unsigned *n);

/* rules_write_nft - the whole of `nft -f`: table inet nfqnat, replaced in one transaction */
void rules_write_nft(const struct rules *r, FILE *out);

/* The two tables that the iptables backend uses. */
enum rules_table {
	RULES_RAW,
	RULES_MANGLE,
	RULES_TABLES
};

const char *rules_table_name(enum rules_table t);

/**
 * rules_write_xt - one table for iptables-restore --noflush or ip6tables-restore
 * @saved: what iptables-save printed for this table: our jumps of an earlier run are deleted in the same transaction;
 *         NULL: our chains and the jumps to them are there and stay, only what is in the chains is new
 */
void rules_write_xt(const struct rules *r, enum nat_family family, enum rules_table t, const char *saved, FILE *out);

/**
 * rules_clear_xt - text that removes our chains and jumps, as found in @saved
 * Returns false and writes nothing if there are none.
 */
bool rules_clear_xt(enum rules_table t, const char *saved, FILE *out);

#endif
