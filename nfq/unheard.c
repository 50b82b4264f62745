/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unheard - see unheard.h */
#include "nfq/unheard.h"

enum there { AWAY, SUSPENDED, THERE };

void unheard_add(struct unheard *u, const struct nat_flow *f)
{
	unsigned i = u->n < UNHEARD ? u->n++ : u->next++ % UNHEARD;

	u->flow[i] = *f;
	u->away[i] = false;
}

static enum there is_there(const struct conf *c, const struct nat_flow *f)
{
	for (unsigned i = 0; i < c->n_rows; i++) {
		const struct conf_row *r = &c->rows[i];

		if (r->action == CONF_FORWARD && r->family == f->family && nat_addr_eq(&r->to, &f->reply.src))
			return r->frozen ? SUSPENDED : THERE;
	}
	return AWAY;
}

void unheard_swapped(struct unheard *u, const struct conf *c, unheard_fn tell, void *ctx)
{
	const struct nat_flow *last = NULL;
	enum there there = AWAY;
	unsigned kept = 0;

	for (unsigned i = 0; i < u->n; i++) {
		const struct nat_flow *f = &u->flow[i];
		bool away = u->away[i];

		/* many are of one guest */
		if (!last || last->family != f->family || !nat_addr_eq(&last->reply.src, &f->reply.src))
			there = is_there(c, f);
		last = f;
		if (away && there == THERE)
			tell(ctx, f);
		if (there == AWAY || (away && there == SUSPENDED)) {
			u->flow[kept] = *f;
			u->away[kept++] = true;
		}
	}
	u->n = kept;
	u->next = 0;
}
