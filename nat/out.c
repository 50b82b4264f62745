/* SPDX-License-Identifier: GPL-2.0-or-later */
/* out - see out.h */
#include "nat/out.h"

enum { PER_RULE = 4 };		/* addresses and exceptions an area has room for, a rule */

_Static_assert(sizeof(struct out_rule) == 32 + 8 * 4 + OUT_RANGES * 4 + 8, "no padding: compared as octets");

static size_t round8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* One place that knows the order of the arrays in an area. */
static size_t out_layout(struct out *o, uint8_t *mem, uint32_t max_rules)
{
	size_t rule = round8(sizeof(struct out_head));
	size_t addr = rule + round8(sizeof(struct out_rule) * max_rules);
	size_t except = addr + round8(sizeof(struct nat_addr) * PER_RULE * max_rules);

	if (o) {
		o->head = (void *)mem;
		o->rule = (void *)(mem + rule);
		o->addr = (void *)(mem + addr);
		o->except = (void *)(mem + except);
	}
	return except + round8(sizeof(struct nat_prefix) * PER_RULE * max_rules);
}

size_t out_size(uint32_t max_rules)
{
	return out_layout(NULL, NULL, max_rules);
}

struct out out_at(void *mem)
{
	struct out_head *h = mem;
	struct out o;

	out_layout(&o, mem, h->max_rules);
	return o;
}

static void out_clear(struct out_head *h)
{
	h->n_rules = h->n_addrs = h->n_excepts = 0;
}

void out_init(void *mem, uint32_t max_rules)
{
	struct out_head *h = mem;

	h->max_rules = max_rules;
	h->max_addrs = h->max_excepts = PER_RULE * max_rules;
	out_clear(h);
}

enum out_err out_build(struct out *o, const struct out_rule *rules, uint32_t n_rules, const struct nat_addr *addrs,
		       uint32_t n_addrs, const struct nat_prefix *excepts, uint32_t n_excepts)
{
	struct out_head *h = o->head;

	out_clear(h);
	if (n_rules > h->max_rules || n_addrs > h->max_addrs || n_excepts > h->max_excepts)
		return OUT_TOO_MANY;
	if (n_rules)
		memcpy(o->rule, rules, n_rules * sizeof(*rules));
	if (n_addrs)
		memcpy(o->addr, addrs, n_addrs * sizeof(*addrs));
	if (n_excepts)
		memcpy(o->except, excepts, n_excepts * sizeof(*excepts));
	h->n_rules = n_rules;
	h->n_addrs = n_addrs;
	h->n_excepts = n_excepts;
	if (!out_check(o))
		return OUT_OK;
	out_clear(h);
	return OUT_BAD;
}

static bool rule_inside(const struct out_rule *r, const struct nat_addr *a, uint8_t family)
{
	const struct nat_prefix p = { .addr = r->inside, .family = r->family, .bits = r->bits };

	return nat_prefix_has(&p, a, family);
}

bool out_dev_fits(const struct out_rule *rule, uint32_t dev)
{
	return rule->oif ? rule->oif == dev : rule->near != dev;
}

uint32_t out_find(const struct out *o, const struct nat_addr *src, const struct nat_addr *dst, uint8_t family,
		  uint32_t outdev)
{
	for (uint32_t i = 0; i < o->head->n_rules; i++) {
		const struct out_rule *r = &o->rule[i];

		if (rule_inside(r, src, family) && out_dev_fits(r, outdev))
			return out_excepts(o, r, dst) ? NAT_NONE : i;
	}
	return NAT_NONE;
}

uint32_t out_inside(const struct out *o, const struct nat_addr *a, uint8_t family)
{
	for (uint32_t i = 0; i < o->head->n_rules; i++)
		if (o->rule[i].kind == OUT_MASQUERADE && rule_inside(&o->rule[i], a, family))
			return i;
	return NAT_NONE;
}

bool out_excepts(const struct out *o, const struct out_rule *rule, const struct nat_addr *a)
{
	for (uint32_t i = 0; i < rule->n_except; i++)
		if (nat_prefix_has(&o->except[rule->except + i], a, rule->family))
			return true;
	return false;
}

bool out_has_addr(const struct out *o, const struct out_rule *rule, const struct nat_addr *a)
{
	for (uint32_t i = 0; i < rule->n_addr; i++)
		if (nat_addr_eq(&o->addr[rule->addr + i], a))
			return true;
	return false;
}

uint32_t out_keeps(const struct out *o, const struct nat_addr *inside, const struct nat_addr *outside,
		   const struct nat_addr *remote, uint8_t family)
{
	for (uint32_t i = 0; i < o->head->n_rules; i++) {
		const struct out_rule *r = &o->rule[i];

		if (r->kind == OUT_MASQUERADE && rule_inside(r, inside, family) && out_has_addr(o, r, outside) &&
		    !out_excepts(o, r, remote))
			return i;
	}
	return NAT_NONE;
}

static bool ranges_good(const struct out_rule *r)
{
	uint32_t after = 0;

	for (unsigned i = 0; i < OUT_RANGES; i++) {
		if (!r->range[i].lo)
			continue;
		if (r->range[i].lo <= after || r->range[i].hi < r->range[i].lo)
			return false;
		after = r->range[i].hi;
	}
	return true;
}

static bool rule_good(const struct out *o, const struct out_rule *r)
{
	const struct out_head *h = o->head;

	if ((r->family != NAT_IPV4 && r->family != NAT_IPV6) || r->bits > (r->family == NAT_IPV4 ? 32 : 128) ||
	    r->kind >= OUT_KINDS || r->filter >= OUT_FILTERS || !nat_addr_fits(&r->inside, r->family))
		return false;
	if (r->kind == OUT_NPTV6 && (r->family != NAT_IPV6 || r->bits > 64))
		return false;
	if (r->kind != OUT_MASQUERADE && !nat_addr_fits(&r->outside, r->family))
		return false;
	if (r->addr > h->n_addrs || r->n_addr > h->n_addrs - r->addr || r->except > h->n_excepts ||
	    r->n_except > h->n_excepts - r->except)
		return false;
	for (uint32_t i = 0; i < r->n_addr; i++)
		if (!nat_addr_fits(&o->addr[r->addr + i], r->family))
			return false;
	return true;
}

const char *out_check(const struct out *o)
{
	const struct out_head *h = o->head;

	if (h->n_rules > h->max_rules || h->n_addrs > h->max_addrs || h->n_excepts > h->max_excepts)
		return "O1: counts are larger than the area";
	for (uint32_t i = 0; i < h->n_excepts; i++) {
		const struct nat_prefix *p = &o->except[i];

		if (p->family == NAT_IPV4 ? p->bits > 32 : p->family != NAT_IPV6 || p->bits > 128)
			return "O2: an exception is longer than its address";
	}
	for (uint32_t i = 0; i < h->n_rules; i++) {
		if (!rule_good(o, &o->rule[i]))
			return "O1, O2: a rule's kind, addresses or lists are not good";
		if (!ranges_good(&o->rule[i]))
			return "O3: a rule's ports are not in order";
	}
	return NULL;
}
