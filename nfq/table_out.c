/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table_out - see table_out.h */
#include "nfq/table_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/log.h"

static const enum out_kind kinds[] = {
	[CONF_ONE_TO_ONE] = OUT_ONE_TO_ONE, [CONF_NPTV6] = OUT_NPTV6, [CONF_MASQUERADE] = OUT_MASQUERADE,
};

static const enum out_filter filters[] = {
	[CONF_FILTER_ADDRESS] = OUT_FILTER_ADDRESS, [CONF_FILTER_ENDPOINT] = OUT_FILTER_ENDPOINT,
	[CONF_FILTER_BOTH] = OUT_FILTER_BOTH,
};

/* The device toward the guests: that of an early address of the prefix; the first is often this host's own. */
static uint32_t near_of(const struct conf_out *o, const struct table_host *host)
{
	struct nat_addr a = o->inside.addr;
	struct route r;

	if (o->inside.bits + 2 <= (o->inside.family == NAT_IPV4 ? 32 : 128))
		a.octet[15] |= 2;
	return host->route(&a, (enum nat_family)o->inside.family, &r) < 0 ? 0 : r.oif;
}

/* The outside addresses of a masquerade: those that are written, else the one that its device has now. */
static void addrs_of(const struct conf_out *o, const struct table_host *host, struct out_rule *r, struct table *t)
{
	char name[64];
	int err = 0;

	r->addr = t->n_out_addrs;
	if (o->n_to)
		memcpy(t->out_addr + t->n_out_addrs, o->to, o->n_to * sizeof(o->to[0]));
	else if (r->oif != NAT_NONE)
		err = host->address ? host->address(o->out, (enum nat_family)o->inside.family, t->out_addr + t->n_out_addrs)
				    : -EADDRNOTAVAIL;
	else
		err = -ENODEV;
	r->n_addr = o->n_to ? o->n_to : !err;
	if (r->n_addr && !o->n_to && nat_prefix_has(&o->inside, t->out_addr + t->n_out_addrs, o->inside.family)) {
		r->n_addr = 0;
		err = -EADDRNOTAVAIL;
	}
	t->n_out_addrs += r->n_addr;
	if (!r->n_addr)
		log_warn("%s: %s has no address to go out with now (%s); nothing of it leaves until it has",
			 conf_out_name(name, o), o->out, strerror(-err));
}

static struct out_rule rule_of(const struct conf *c, const struct conf_out *o, const struct table_host *host,
			       struct table *t)
{
	struct out_rule r = {
		.inside = o->inside.addr,
		.outside = o->outside.addr,
		.oif = *o->out ? host->device(o->out) : 0,
		.near = near_of(o, host),
		.forward = c->n_forwards + t->n_outs,
		.except = t->n_out_excepts,
		.n_except = o->n_except,
		.max_mappings = o->max_mappings,
		.family = o->inside.family,
		.bits = o->inside.bits,
		.kind = (uint8_t)kinds[o->kind],
		.filter = (uint8_t)filters[o->filter],
		.flags = (uint8_t)((o->pick_up ? OUT_PICK_UP : 0) | (c->respect_firewall ? OUT_RESPECT : 0)),
	};

	if (*o->out && !r.oif)
		r.oif = NAT_NONE;	/* an ifindex that no device has */
	if (o->n_except)
		memcpy(t->out_except + t->n_out_excepts, o->except, o->n_except * sizeof(o->except[0]));
	t->n_out_excepts += o->n_except;
	if (o->kind != CONF_MASQUERADE)
		return r;
	addrs_of(o, host, &r, t);
	if (host->ranges)
		host->ranges(o, r.range);
	else
		r.range[0] = (struct out_range){ o->lo ? o->lo : 61000, o->lo ? o->hi : 65535 };
	return r;
}

int table_outs_make(const struct conf *c, const struct table_host *host, struct table *t)
{
	t->out = calloc(c->n_outs + 1ul, sizeof(*t->out));
	t->out_addr = calloc((size_t)c->n_outs * CONF_OUT_TO + 1, sizeof(*t->out_addr));
	t->out_except = calloc((size_t)c->n_outs * CONF_OUT_EXCEPT + 1, sizeof(*t->out_except));
	if (!t->out || !t->out_addr || !t->out_except)
		return -ENOMEM;
	for (; t->n_outs < c->n_outs; t->n_outs++)
		t->out[t->n_outs] = rule_of(c, &c->outs[t->n_outs], host, t);
	return 0;
}

static bool same(const void *a, uint32_t n_a, const void *b, uint32_t n_b, size_t octets)
{
	return n_a == n_b && (!n_a || !memcmp(a, b, n_a * octets));
}

bool table_outs_same(const struct table *a, const struct table *b)
{
	return same(a->out, a->n_outs, b->out, b->n_outs, sizeof(*a->out)) &&
	       same(a->out_addr, a->n_out_addrs, b->out_addr, b->n_out_addrs, sizeof(*a->out_addr)) &&
	       same(a->out_except, a->n_out_excepts, b->out_except, b->n_out_excepts, sizeof(*a->out_except));
}

int table_outs_load(const struct table *t, const struct conf *c, struct state *s, unsigned area)
{
	struct out *o = nat_spare_out(&s->nat);
	char name[64];

	if (!o || out_build(o, t->out, t->n_outs, t->out_addr, t->n_out_addrs, t->out_except, t->n_out_excepts) != OUT_OK)
		return -E2BIG;
	for (uint32_t i = 0; i < t->n_outs; i++)
		state_set_name(s, area, t->out[i].forward, conf_out_name(name, &c->outs[i]));
	return 0;
}
