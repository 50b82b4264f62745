/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plain - see plain.h */
#include "nat/plain.h"

bool plain_of(const struct nat *n, uint32_t index, struct plain *p)
{
	const struct nat_flow *f;

	if (index >= flow_slots(&n->flows))
		return false;
	f = &n->flows.flow[index];
	if (!flow_is_plain(f) || nat_forward(n, f) == NAT_NONE || flow_expired(&n->flows, f, n->block->now))
		return false;
	*p = (struct plain){ .index = index, .proto = f->proto, .family = f->family };
	p->dir[NAT_ORIG].from = f->orig;
	p->dir[NAT_ORIG].to = flow_xlat(f);
	p->dir[NAT_REPLY].from = f->reply;
	p->dir[NAT_REPLY].to = flow_back(f);
	return true;
}

bool plain_seen(struct nat *n, const struct plain *p, enum nat_dir dir, uint32_t packets, uint64_t octets, nat_ns last,
		nat_ns now)
{
	struct nat_flow *f;
	struct plain is;

	n->block->now = nat_tick_of(now);
	if (!plain_of(n, p->index, &is) || is.proto != p->proto || is.family != p->family)
		return false;
	for (unsigned d = 0; d < NAT_DIRS; d++)
		if (!nat_ends_eq(&is.dir[d].from, &p->dir[d].from) || !nat_ends_eq(&is.dir[d].to, &p->dir[d].to))
			return false;
	f = &n->flows.flow[p->index];
	f->packets[dir] += packets;
	f->octets[dir] += octets;
	/* The queue is ordered by when flows are put into it, which is now; `used` may lie before. */
	if (packets && (int32_t)(nat_tick_of(last) - f->used) > 0) {
		flow_touch(&n->flows, f, n->block->now);
		f->used = nat_tick_of(last);
	}
	return true;
}
