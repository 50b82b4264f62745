/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ports - a set of port ranges; ports.h has the contract. */
#include "conf/ports.h"

#include <stdlib.h>

int conf_ports_add(struct conf_ports *set, uint16_t lo, uint16_t hi)
{
	if (set->n == set->room) {
		unsigned room = set->room ? 2 * set->room : 8;
		struct conf_range *more = reallocarray(set->range, room, sizeof(*more));

		if (!more)
			return -1;
		set->range = more;
		set->room = room;
	}
	set->range[set->n++] = (struct conf_range){ lo, hi };
	return 0;
}

static int by_lo(const void *x, const void *y)
{
	const struct conf_range *a = x, *b = y;

	return (a->lo > b->lo) - (a->lo < b->lo);
}

void conf_ports_seal(struct conf_ports *set)
{
	unsigned n = 0;

	if (!set->n)
		return;
	qsort(set->range, set->n, sizeof(*set->range), by_lo);
	for (unsigned i = 1; i < set->n; i++) {
		struct conf_range *last = &set->range[n], *r = &set->range[i];

		if (r->lo > last->hi && r->lo - last->hi > 1)
			set->range[++n] = *r;
		else if (r->hi > last->hi)
			last->hi = r->hi;
	}
	set->n = n + 1;
}

const struct conf_range *conf_ports_first(const struct conf_ports *set, uint16_t port)
{
	unsigned lo = 0, hi = set->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (set->range[mid].hi < port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->n ? &set->range[lo] : NULL;
}

bool conf_ports_overlap(const struct conf_ports *set, uint16_t lo, uint16_t hi)
{
	const struct conf_range *r = conf_ports_first(set, lo);

	return r && r->lo <= hi;
}

void conf_ports_fini(struct conf_ports *set)
{
	free(set->range);
	*set = (struct conf_ports){ 0 };
}
