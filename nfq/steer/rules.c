/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules - see rules.h: from rows to groups; the writers are rules_nft.c and rules_xt.c */
#include "nfq/steer/rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nat/tuple.h"
#include "nfq/steer/rules_out.h"

/* One row's part in a group, before merging. */
struct piece {
	struct group key;
	struct ports ports;
};

static int piece_order(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int d = x->key.rest - y->key.rest;	/* the rest comes last */

	if (d)
		return d;
	if (x->key.family != y->key.family)
		return x->key.family - y->key.family;
	if (x->key.proto != y->key.proto)
		return x->key.proto - y->key.proto;
	d = memcmp(&x->key.addr, &y->key.addr, sizeof(x->key.addr));
	if (!d)
		d = strcmp(x->key.dev, y->key.dev);
	if (!d)
		d = x->key.host_source - y->key.host_source;
	if (!d)
		d = x->key.enclosed - y->key.enclosed;
	if (!d)
		d = (x->ports.lo > y->ports.lo) - (x->ports.lo < y->ports.lo);
	return d;
}

static bool same_group(const struct group *a, const struct group *b)
{
	return a->rest == b->rest && a->family == b->family && a->proto == b->proto && nat_addr_eq(&a->addr, &b->addr) &&
	       !strcmp(a->dev, b->dev) && a->host_source == b->host_source && a->enclosed == b->enclosed;
}

static void ports_add(struct group *g, struct ports p)
{
	struct ports *last = g->n_ports ? &g->ports[g->n_ports - 1] : NULL;

	if (!nat_proto_has_ports(g->proto))
		return;
	if (last && p.lo <= last->hi + 1) {
		if (p.hi > last->hi)
			last->hi = p.hi;
		return;
	}
	g->ports[g->n_ports++] = p;
}

/* Sort, then let each piece join the group before it. Ports go to @pool, which has room for all. */
static unsigned merge(struct piece *piece, unsigned n, struct group *group, struct ports *pool)
{
	unsigned groups = 0;

	qsort(piece, n, sizeof(*piece), piece_order);
	for (unsigned i = 0; i < n; i++) {
		if (!groups || !same_group(&group[groups - 1], &piece[i].key)) {
			group[groups] = piece[i].key;
			group[groups].ports = groups ? group[groups - 1].ports + group[groups - 1].n_ports : pool;
			group[groups++].n_ports = 0;
		}
		ports_add(&group[groups - 1], piece[i].ports);
	}
	return groups;
}

static struct piece listener_piece(const struct conf_row *row)
{
	struct piece p = { .key = { .family = row->family, .proto = row->proto, .addr = row->listen, .rest = row->rest,
				   .host_source = row->host_source },
			   .ports = { row->lo, row->hi } };

	memcpy(p.key.dev, row->dev, sizeof(p.key.dev));
	return p;
}

static struct piece guest_piece(const struct conf_row *row, rules_way_fn way)
{
	struct piece p = { .key = { .family = row->family, .proto = row->proto, .addr = row->to,
				   .host_source = row->host_source, .enclosed = row->enclosed },
			   .ports = { row->to_lo, (uint16_t)(row->to_lo + (row->hi - row->lo)) } };

	way(&row->to, row->family, p.key.dev);
	return p;
}

int rules_make(const struct conf *c, unsigned workers, rules_way_fn way, struct rules *r)
{
	struct rules new = {
		.queue = c->queue,
		.workers = workers,
		.source_lo = c->source_lo,
		.source_hi = c->source_hi,
		.bypass = c->fail_open,
	};
	struct piece *piece = calloc(c->n_rows + 1, sizeof(*piece));
	unsigned n = c->n_rows;

	new.listener = calloc(n + 1, sizeof(*new.listener));
	new.guest = calloc(n + 1, sizeof(*new.guest));
	new.pool = calloc(2 * (size_t)n + 1, sizeof(*new.pool));
	if (!piece || !new.listener || !new.guest || !new.pool) {
		free(piece);
		rules_free(&new);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n; i++)
		piece[i] = listener_piece(&c->rows[i]);
	new.n_listeners = merge(piece, n, new.listener, new.pool);
	for (unsigned i = n = 0; i < c->n_rows; i++)
		if (c->rows[i].action == CONF_FORWARD)
			piece[n++] = guest_piece(&c->rows[i], way);
	new.n_guests = merge(piece, n, new.guest, new.pool + c->n_rows);
	free(piece);
	*r = new;
	return 0;
}

static int addr_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nat_addr));
}

struct nat_addr *rules_guests(const struct rules *r, enum nat_family family, unsigned *n)
{
	struct nat_addr *a = calloc(r->n_guests + 1u, sizeof(*a));
	unsigned all = 0;

	*n = 0;
	for (unsigned i = 0; a && i < r->n_guests; i++)
		if (r->guest[i].family == family)
			a[all++] = r->guest[i].addr;
	if (all)
		qsort(a, all, sizeof(*a), addr_order);
	for (unsigned i = 0; i < all; i++)
		if (!i || !nat_addr_eq(&a[i], &a[*n - 1]))
			a[(*n)++] = a[i];
	return a;
}

bool rules_has_enclosed(const struct rules *r, enum nat_family family)
{
	for (unsigned i = 0; i < r->n_guests; i++)
		if (r->guest[i].family == family && r->guest[i].enclosed)
			return true;
	return false;
}

void rules_free(struct rules *r)
{
	free(r->listener);
	free(r->guest);
	free(r->pool);
	rules_outs_free(r);
	*r = (struct rules){ 0 };
}
