/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_out - see rules_out.h; the writers are rules_out_nft.c and rules_out_xt.c */
#include "nfq/steer/rules_out.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The ports of @range that are not taken, as ranges at @to; returns how many. With @to NULL: only counted. */
static unsigned free_ports(const struct out_range range[OUT_RANGES], const struct outside_taken *taken, unsigned proto,
			   struct ports *to)
{
	unsigned n = 0;
	uint32_t last = 0;		/* the port after the last one that is in a range of ours */

	for (unsigned i = 0; i < OUT_RANGES; i++)
		for (uint32_t port = range[i].lo; port && port <= range[i].hi; port++) {
			if (outside_is_taken(taken, proto, port))
				continue;
			if (last != port) {
				if (to)
					to[n].lo = (uint16_t)port;
				n++;
			}
			if (to)
				to[n - 1].hi = (uint16_t)port;
			last = port + 1;
		}
	return n;
}

static int add(struct rules_out *ro, const struct conf_out *o, const struct outside_taken *taken,
	       void (*ranges)(const struct conf_out *o, struct out_range range[OUT_RANGES]))
{
	static const unsigned protos[2] = { POOL_TCP, POOL_UDP };
	struct out_range range[OUT_RANGES];

	ro->conf = *o;
	if (o->kind != CONF_MASQUERADE)
		return 0;
	ranges(o, range);
	for (unsigned p = 0; p < 2; p++) {
		ro->n_ports[p] = free_ports(range, taken, protos[p], NULL);
		ro->port[p] = calloc(ro->n_ports[p] + 1ul, sizeof(*ro->port[p]));
		if (!ro->port[p])
			return -ENOMEM;
		free_ports(range, taken, protos[p], ro->port[p]);
	}
	return 0;
}

int rules_outs(struct rules *r, const struct conf *c, const struct outside_taken *taken,
	       void (*ranges)(const struct conf_out *o, struct out_range range[OUT_RANGES]))
{
	r->out = calloc(c->n_outs + 1ul, sizeof(*r->out));
	if (!r->out)
		return -ENOMEM;
	for (unsigned i = 0; i < c->n_outs; i++) {
		r->n_outs = i + 1;
		if (add(&r->out[i], &c->outs[i], taken, ranges))
			return -ENOMEM;
	}
	return 0;
}

void rules_outs_free(struct rules *r)
{
	for (unsigned i = 0; i < r->n_outs; i++)
		for (unsigned p = 0; p < 2; p++)
			free(r->out[i].port[p]);
	free(r->out);
}

bool rules_outs_have(const struct rules *r, enum nat_family family)
{
	for (unsigned i = 0; i < r->n_outs; i++)
		if (r->out[i].conf.inside.family == family)
			return true;
	return false;
}

const char *rules_out_text(char buf[64], const struct nat_addr *a, unsigned bits, enum nat_family family)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(a, family), addr, sizeof(addr));
	snprintf(buf, 64, "%s/%u", addr, bits);
	return buf;
}
