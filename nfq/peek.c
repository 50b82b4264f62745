/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peek - see peek.h */
#include "nfq/peek.h"

#include "nat/tcp.h"

enum { TRIES = 4 };

bool peek_plausible(const struct nat_flow *f)
{
	return f->idle != IDLE_FREE && f->idle < IDLE_CLASSES && f->tcp < TCP_STATES &&
	       (f->family == NAT_IPV4 || f->family == NAT_IPV6);
}

static bool same_flow(const struct nat_flow *a, const struct nat_flow *b)
{
	return nat_ends_eq(&a->orig, &b->orig) && nat_ends_eq(&a->reply, &b->reply) && a->proto == b->proto &&
	       a->family == b->family && b->idle != IDLE_FREE;
}

static bool leads_here(const struct nat *n, const struct nat_ends *e, const struct nat_flow *f, uint32_t index)
{
	enum flow_key key;
	const struct nat_flow *found = flow_find(&n->flows, e, f->proto, f->family, &key);

	return found && flow_index(&n->flows, found) == index;
}

bool peek_flow(const struct nat *n, uint32_t index, struct nat_flow *out)
{
	const struct nat_flow *slot = &n->flows.flow[index];

	if (slot->idle == IDLE_FREE)
		return false;
	for (unsigned i = 0; i < TRIES; i++) {
		memcpy(out, slot, sizeof(*out));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (peek_plausible(out) && leads_here(n, &out->orig, out, index) && leads_here(n, &out->reply, out, index) &&
		    same_flow(out, slot))
			return true;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	}
	return false;
}

uint32_t peek_find(const struct nat *n, const struct nat_ends *e, uint8_t proto, uint8_t family, struct nat_flow *out)
{
	enum flow_key key;
	const struct nat_flow *f = flow_find(&n->flows, e, proto, family, &key);
	uint32_t index;

	if (!f)
		return NAT_NONE;
	index = flow_index(&n->flows, f);
	return peek_flow(n, index, out) ? index : NAT_NONE;
}

long peek_left_s(const struct nat *n, const struct nat_flow *f, nat_ns now)
{
	int32_t silent = (int32_t)(nat_tick_of(now) - f->used);	/* below 0 if it was used after @now was read */
	int64_t left = ((int64_t)policy_limit(n, f) - silent) * (1 << 24) / 1000000000;

	return left < 0 ? 0 : (long)left;
}
