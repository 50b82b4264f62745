/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table - from the configuration to a mapping table: names become numbers.
 *
 * Devices become ifindexes, guests get the interface and the host's address
 * that lead to them; then nat/ builds and checks its table from the rows.
 */
#ifndef NFQ_TABLE_H
#define NFQ_TABLE_H

#include <stddef.h>

#include "conf/conf.h"
#include "nat/map.h"
#include "nfq/route.h"
#include "nfq/state.h"

/* What a table asks the host. Another may answer for one that is not here: a capture's (replay/). */
struct table_host {
	int (*route)(const struct nat_addr *to, enum nat_family family, struct route *r);	/* route_get() */
	unsigned (*device)(const char *name);	/* if_nametoindex(): 0 if there is none */
	int (*address)(const char *device, enum nat_family family, struct nat_addr *a);	/* outside_addr() */
	void (*ranges)(const struct conf_out *o, struct out_range range[OUT_RANGES]);	/* outside_ranges() */
	uint32_t (*links)(struct nat_link *link, uint32_t room);	/* limits_links(); NULL: none is known */
};

/* The rows of a configuration as they apply to this host now. */
struct table {
	struct map_row *row;		/* conf->n_rows of them, in the order of map_build() */
	uint32_t n_rows;
	struct nat_prefix *allow;
	uint32_t n_allow;
	struct out_rule *out;		/* conf->n_outs of them, in their order */
	uint32_t n_outs;
	struct nat_addr *out_addr;
	uint32_t n_out_addrs;
	struct nat_prefix *out_except;
	uint32_t n_out_excepts;
	struct nat_policy *policy;	/* 0: that of all; rows name the others */
	uint32_t n_policies;
	struct nat_link link[POLICY_LINKS];	/* if some policy wants to know them */
	uint32_t n_links;
};

/**
 * table_make - resolve a configuration
 * A device that does not exist now gets rows that match nothing; a guest
 * without a route gets rows without oif. Both are warned about, and the
 * caller makes the table again when route_watch says that something changed.
 * So with masquerades: without their device or an address nothing of them leaves.
 * Returns 0, or -ENOMEM. Freed with table_free().
 */
int table_make(const struct conf *c, struct table *t);

/* table_make_on - the same for another host than this one */
int table_make_on(const struct conf *c, const struct table_host *host, struct table *t);

/* table_same - is nothing different? Then there is nothing to swap. */
bool table_same(const struct table *a, const struct table *b);

void table_free(struct table *t);

/**
 * table_load - write a table and the forwards' names into the spare mapping area
 * @area: out; the area to swap to
 * Returns 0; -EBUSY: an earlier swap is still being swept; -E2BIG: too many rows, overlaps or forwards with limits of their own.
 */
int table_load(const struct table *t, const struct conf *c, struct state *s, uint32_t *area);

#endif
