/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table - see table.h */
#include "nfq/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/limits.h"
#include "nfq/log.h"
#include "nfq/outside.h"
#include "nfq/table_out.h"

/* An ifindex that no interface has: rows of an absent device match nothing. */
#define DEV_ABSENT UINT32_MAX

static uint8_t wire_proto(const struct conf_row *r)
{
	if (r->proto == IPPROTO_ICMP && r->family == NAT_IPV6)
		return NAT_PROTO_ICMPV6;
	return r->proto;
}

static void warn_guest(const struct conf *c, const struct conf_row *r)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(r->family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&r->to, r->family), addr, sizeof(addr));
	log_field("FORWARD", "%s", c->forwards[r->forward].name);
	log_field("GUEST", "%s", addr);
	log_field("REASON", "no route");
	log_warn("forward %s: no route to %s now; packets are passed on as soon as there is one",
		 c->forwards[r->forward].name, addr);
}

/* Rows of one guest follow each other seldom far apart: the last answer is usually the next one too. */
struct last_route {
	struct nat_addr to;
	uint8_t family;			/* 0: none yet */
	struct route route;
};

static struct route route_of(const struct conf *c, const struct table_host *host, const struct conf_row *r,
			     struct last_route *last)
{
	if (last->family == r->family && nat_addr_eq(&last->to, &r->to))
		return last->route;
	last->to = r->to;
	last->family = r->family;
	if (host->route(&r->to, r->family, &last->route) < 0 || !last->route.oif)
		warn_guest(c, r);
	return last->route;
}

static enum map_action action_of(enum conf_action a)
{
	switch (a) {
	case CONF_FORWARD:
		break;
	case CONF_REJECT:
		return MAP_REJECT;
	case CONF_DROP:
		return MAP_DROP;
	case CONF_HOLD:
		return MAP_HOLD;
	}
	return MAP_FORWARD;
}

static struct map_row row_of(const struct conf *c, const struct table_host *host, const struct conf_row *r,
			     const uint32_t *allow_at, const uint16_t *policy_of, struct last_route *last)
{
	struct route route = r->action == CONF_FORWARD ? route_of(c, host, r, last) : (struct route){ 0 };
	struct map_row row = {
		.listen = r->listen,
		.to = r->to,
		.near = route.near,
		.oif = route.oif,
		.inside_bits = route.bits,
		.forward = r->forward,
		.allow = allow_at[r->forward],
		.n_allow = c->forwards[r->forward].n_allow,
		.policy = policy_of[r->forward],
		.lo = r->lo,
		.hi = r->hi,
		.to_lo = r->to_lo,
		.family = r->family,
		.proto = wire_proto(r),
		.flags = (uint8_t)((c->respect_firewall ? MAP_RESPECT : 0) | (r->host_source ? MAP_HOST_SOURCE : 0) |
				   (r->enclosed ? MAP_ENCLOSED : 0) | (r->frozen ? MAP_FROZEN : 0) | (r->rest ? MAP_REST : 0)),
		.action = (uint8_t)action_of(r->action),
		.life = r->life,
	};

	if (!nat_proto_has_ports(r->proto) && r->proto != IPPROTO_ICMP)
		row.lo = row.hi = row.to_lo = r->proto;
	if (r->dev[0]) {
		row.dev = host->device(r->dev);
		if (!row.dev) {
			row.dev = DEV_ABSENT;
			log_field("FORWARD", "%s", c->forwards[r->forward].name);
			log_field("REASON", "no device");
			log_warn("forward %s: there is no device %s now; its ports on it are closed until it comes",
				 c->forwards[r->forward].name, r->dev);
		}
	}
	return row;
}

/* The order that map_build() wants. */
static int row_order(const void *a, const void *b)
{
	const struct map_row *x = a, *y = b;
	enum map_class c = map_class_of(x->family, x->proto), d = map_class_of(y->family, y->proto);

	if (c != d)
		return c < d ? -1 : 1;
	return (x->lo > y->lo) - (x->lo < y->lo);
}

int table_make_on(const struct conf *c, const struct table_host *host, struct table *t)
{
	uint32_t *allow_at = calloc(c->n_forwards + 1, sizeof(*allow_at));
	struct table new = { .n_rows = c->n_rows };
	struct last_route last = { .family = 0 };
	uint16_t *policy_of = calloc(c->n_forwards + 1, sizeof(*policy_of));

	for (unsigned i = 0; i < c->n_forwards; i++)
		new.n_allow += c->forwards[i].n_allow;
	new.row = calloc(new.n_rows + 1, sizeof(*new.row));
	new.allow = calloc(new.n_allow + 1, sizeof(*new.allow));
	new.policy = calloc(c->n_forwards + 2ul, sizeof(*new.policy));
	if (!allow_at || !new.row || !new.allow || !new.policy || !policy_of) {
		free(allow_at);
		free(policy_of);
		table_free(&new);
		return -ENOMEM;
	}
	for (uint32_t i = 0, at = 0; i < c->n_forwards; at += c->forwards[i].n_allow, i++) {
		allow_at[i] = at;
		if (c->forwards[i].n_allow)
			memcpy(new.allow + at, c->forwards[i].allow, c->forwards[i].n_allow * sizeof(*new.allow));
	}
	new.n_policies = limits_policies(c, new.policy, policy_of);
	for (unsigned i = 0; i < c->n_rows; i++)
		new.row[i] = row_of(c, host, &c->rows[i], allow_at, policy_of, &last);
	qsort(new.row, new.n_rows, sizeof(*new.row), row_order);
	if (host->links)
		new.n_links = host->links(new.link, POLICY_LINKS);
	free(allow_at);
	free(policy_of);
	*t = new;
	if (!table_outs_make(c, host, t))
		return 0;
	table_free(t);
	return -ENOMEM;
}

int table_make(const struct conf *c, struct table *t)
{
	static const struct table_host this_host = { route_get, if_nametoindex, outside_addr, outside_ranges, limits_links };

	return table_make_on(c, &this_host, t);
}

bool table_same(const struct table *a, const struct table *b)
{
	return a->n_rows == b->n_rows && a->n_allow == b->n_allow && a->n_policies == b->n_policies && a->n_links == b->n_links &&
	       !memcmp(a->policy, b->policy, a->n_policies * sizeof(*a->policy)) &&
	       !memcmp(a->link, b->link, a->n_links * sizeof(*a->link)) &&
	       (!a->n_rows || !memcmp(a->row, b->row, a->n_rows * sizeof(*a->row))) &&
	       (!a->n_allow || !memcmp(a->allow, b->allow, a->n_allow * sizeof(*a->allow))) && table_outs_same(a, b);
}

void table_free(struct table *t)
{
	free(t->row);
	free(t->allow);
	free(t->out);
	free(t->out_addr);
	free(t->out_except);
	free(t->policy);
	*t = (struct table){ 0 };
}

int table_load(const struct table *t, const struct conf *c, struct state *s, uint32_t *area)
{
	struct map *m = nat_spare_map(&s->nat);
	uint32_t bad = 0;

	if (!m)
		return -EBUSY;
	*area = !s->nat.block->active;
	if (map_build(m, t->row, t->n_rows, t->allow, t->n_allow, &bad) != MAP_OK || map_check(m) ||
	    !policy_set(&s->nat, *area, t->policy, t->n_policies, t->link, t->n_links))
		return -E2BIG;
	if (table_outs_load(t, c, s, *area))
		return -E2BIG;
	for (uint32_t i = 0; i < c->n_forwards; i++)
		state_set_name(s, *area, i, c->forwards[i].name);
	return 0;
}
