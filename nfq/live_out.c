/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live_out - see live_out.h */
#include "nfq/live_out.h"

#include <errno.h>

#include "nat/wire.h"
#include "nfq/log.h"
#include "nfq/steer/rules_out.h"

static void unite(struct outside_taken *to, const struct outside_taken *from)
{
	for (unsigned p = 0; p < POOL_PROTOS; p++)
		for (unsigned w = 0; w < 65536 / 32; w++)
			to->bit[p][w] |= from->bit[p][w];
}

/* The pool is read while the worker writes it: a port more or less is no harm, it is looked at again. */
static void spare_mappings(const struct pool *p, struct outside_taken *t)
{
	uint32_t fresh = p->head ? p->head->mappings.fresh : 0;

	for (uint32_t i = 0; i < fresh && i < STATE_MAX_MAPPINGS; i++) {
		const struct nat_mapping *m = &p->mapping[i];
		unsigned port = wire_host(m->oport), proto = m->proto == NAT_PROTO_TCP ? POOL_TCP : POOL_UDP;

		if (m->used && (m->proto == NAT_PROTO_TCP || m->proto == NAT_PROTO_UDP))
			t->bit[proto][port / 32] &= ~(UINT32_C(1) << port % 32);
	}
}

static bool has_masquerade(const struct conf *c)
{
	return c && c->n_outs && c->outs[c->n_outs - 1].kind == CONF_MASQUERADE;	/* they come last */
}

static void block(struct live *l, const struct conf *c, const struct outside_taken *also)
{
	struct outside_taken t = { 0 };

	if (!l->state.nat.pool.head)
		return;
	outside_sockets(&t, false);
	outside_forwards(&t, c);
	unite(&t, &l->unsteered);
	if (also)
		unite(&t, also);
	pool_block_all(&l->state.nat.pool, &t.bit[0][0]);
}

int live_out_rules(struct live *l, const struct conf *c, rules_way_fn way, struct rules *r)
{
	struct outside_taken before = l->unsteered;
	int err = rules_make(c, l->threads, way, r);

	if (err || !c->n_outs)
		return err;
	l->unsteered = (struct outside_taken){ 0 };
	outside_sockets(&l->unsteered, true);
	outside_forwards(&l->unsteered, c);
	spare_mappings(&l->state.nat.pool, &l->unsteered);
	block(l, c, &before);
	err = rules_outs(r, c, &l->unsteered, outside_ranges);
	if (err)
		rules_free(r);
	return err;
}

void live_out_warn(const struct conf *c)
{
	char name[64];

	for (unsigned i = 0; i < c->n_outs; i++) {
		const struct conf_out *o = &c->outs[i];
		unsigned port = outside_shared(o);

		if (port)
			log_warn("%s: ports %u-%u has ports that this host gives its own sockets, as %u; reserve them: "
				 "sysctl net.ipv4.ip_local_reserved_ports=%u-%u", conf_out_name(name, o), o->lo, o->hi, port, o->lo,
				 o->hi);
	}
}

void live_out_block(struct live *l)
{
	if (has_masquerade(l->conf) && !l->change.under_way)
		block(l, l->conf, NULL);
}
