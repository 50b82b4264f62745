/* SPDX-License-Identifier: GPL-2.0-or-later */
/* claims - see claims.h */
#include "virt/watch/claims.h"

#include <stdlib.h>

#include "conf/ip.h"

const char *claim_source_name(enum claim_source source)
{
	static const char *const names[] = {
		[CLAIM_DHCP_HOST] = "dhcp-host",
		[CLAIM_LEASE] = "lease",
		[CLAIM_NEIGHBOUR] = "neighbour",
		[CLAIM_AGENT] = "agent",
	};

	return names[source];
}

bool claims_add(struct claims *c, const struct claim *claim)
{
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct claim *row = realloc(c->row, room * sizeof(*row));

		if (!row)
			return false;
		c->row = row;
		c->room = room;
	}
	c->row[c->n++] = *claim;
	return true;
}

/* RFC 4291 appendix A: the MAC with ff:fe in its middle and the universal bit turned */
static bool from_mac(const struct claim *c)
{
	const uint8_t *o = c->addr.octet + 8, *m = c->mac;
	const uint8_t id[8] = { m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] };

	return c->family == NAT_IPV6 && !memcmp(o, id, 8);
}

static int by_rank(const struct claim *a, const struct claim *b)
{
	int n = (int)a->source - b->source;

	if (!n)
		n = (int)a->family - b->family;
	if (!n)
		n = (int)a->failed - b->failed;
	if (!n)
		n = (int)from_mac(b) - from_mac(a);
	if (!n && a->seen != b->seen)
		n = (a->seen < b->seen) == (a->family == NAT_IPV6) ? -1 : 1;
	return n;
}

static int by_place(const struct claim *a, const struct claim *b)
{
	int n = strncmp(a->bridge, b->bridge, sizeof(a->bridge));

	if (!n)
		n = (int)a->family - b->family;
	return n ? n : memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static int by_address(const void *x, const void *y)
{
	const struct claim *a = x, *b = y;
	int n = by_place(a, b);

	if (!n)
		n = by_rank(a, b);
	return n ? n : memcmp(a->mac, b->mac, sizeof(a->mac));
}

static int by_nic(const void *x, const void *y)
{
	const struct claim *a = x, *b = y;
	int n = strncmp(a->bridge, b->bridge, sizeof(a->bridge));

	if (!n)
		n = memcmp(a->mac, b->mac, sizeof(a->mac));
	if (!n)
		n = by_rank(a, b);
	return n ? n : by_place(a, b);
}

static bool inside(const struct claim *c, const struct claim_judge *j)
{
	bool any = false;

	for (size_t i = 0; i < j->n_prefixes; i++) {
		if (strncmp(j->prefixes[i].bridge, c->bridge, sizeof(c->bridge)) != 0)
			continue;
		any = true;
		if (nat_prefix_has(&j->prefixes[i].prefix, &c->addr, (enum nat_family)c->family))
			return true;
	}
	return !any;
}

static bool is_own(const struct claim *c, const struct claim_judge *j)
{
	for (size_t i = 0; i < j->n_own; i++)
		if (nat_addr_eq(&j->own[i], &c->addr))
			return true;
	return false;
}

static enum claim_why judge_one(const struct claim *c, const struct claim_judge *j)
{
	if (conf_ip_kind(&c->addr, (enum nat_family)c->family) != CONF_IP_UNICAST)
		return CLAIM_NO_UNICAST;
	if (is_own(c, j))
		return CLAIM_HOST;
	return inside(c, j) ? CLAIM_GOOD : CLAIM_OUTSIDE;
}

void claims_judge(struct claims *c, const struct claim_judge *j)
{
	const struct claim *owner = NULL;

	if (!c->n)
		return;
	qsort(c->row, c->n, sizeof(*c->row), by_address);
	for (size_t i = 0; i < c->n; i++) {
		struct claim *r = &c->row[i];

		r->why = (uint8_t)judge_one(r, j);
		if (!owner || by_place(owner, r))
			owner = r;
		if (r->why == CLAIM_GOOD && owner->source != CLAIM_AGENT && memcmp(owner->mac, r->mac, sizeof(r->mac)) != 0) {
			r->why = CLAIM_OTHER;
			memcpy(r->owner, owner->mac, sizeof(r->owner));
		}
	}
	qsort(c->row, c->n, sizeof(*c->row), by_nic);
}

static int nic_compare(const struct claim *c, const char *bridge, const uint8_t mac[6])
{
	int n = strncmp(c->bridge, bridge, sizeof(c->bridge));

	return n ? n : memcmp(c->mac, mac, sizeof(c->mac));
}

const struct claim *claims_find(const struct claims *c, const char *bridge, const uint8_t mac[6], size_t *n)
{
	size_t lo = 0, hi = c->n, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (nic_compare(&c->row[mid], bridge, mac) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < c->n && !nic_compare(&c->row[end], bridge, mac); end++)
		;
	*n = end - lo;
	return *n ? &c->row[lo] : NULL;
}

void claims_clear(struct claims *c)
{
	c->n = 0;
}

void claims_fini(struct claims *c)
{
	free(c->row);
	*c = (struct claims){ 0 };
}
