/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retell - see retell.h */
#include "nfq/retell.h"

#include <string.h>

void retell_add(struct retell *r, const struct nat_flow *f)
{
	if (r->n < RETELL)
		r->flow[r->n++] = *f;
}

void retell_look(struct retell *r, retell_fn tell, void *ctx)
{
	for (unsigned i = 0; i < r->due; i++)
		tell(ctx, &r->flow[i]);
	r->n -= r->due;
	memmove(r->flow, r->flow + r->due, r->n * sizeof(*r->flow));
	r->due = r->n;
}
