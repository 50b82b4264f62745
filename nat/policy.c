/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy - see policy.h; sizes of segments are in mss.c */
#include "nat/policy.h"

#include "nat/life.h"
#include "nat/nat.h"

size_t policy_area_octets(uint32_t max_policies)
{
	return sizeof(struct policy_head) + max_policies * sizeof(struct nat_policy);
}

size_t policy_count_octets(uint32_t max_policies, uint32_t sources)
{
	return (max_policies * sizeof(struct policy_count) + 63) / 64 * 64 + 2 * (size_t)sources * sizeof(uint32_t);
}

uint32_t policy_sources_for(uint32_t max_flows)
{
	uint32_t n = POLICY_SOURCES_MIN;

	while (n < max_flows / 4)
		n *= 2;
	return n;
}

static const struct policy_head *active(const struct nat *n)
{
	return n->policies.area[n->block->active];
}

static const struct nat_policy *policy_at(const struct nat *n, uint32_t i)
{
	const struct policy_head *h = active(n);

	return i < h->n && h->n <= n->block->max_policies ? &h->policy[i] : NULL;
}

bool policy_set(struct nat *n, unsigned area, const struct nat_policy *p, uint32_t n_policies, const struct nat_link *link,
		uint32_t n_links)
{
	struct policy_head *h = n->policies.area[area];

	if (!n_policies || n_policies > n->block->max_policies)
		return false;
	h->n = n_policies;
	h->n_links = n_links < POLICY_LINKS ? n_links : POLICY_LINKS;
	h->has_limits = h->has_mss = 0;
	if (h->n_links)
		memcpy(h->link, link, h->n_links * sizeof(*link));
	for (uint32_t i = 0; i < n_policies; i++) {
		h->policy[i] = p[i];
		h->has_mss |= p[i].mss > POLICY_MSS_OFF;
		for (unsigned c = 0; c < IDLE_CLASSES; c++)
			h->has_limits |= p[i].limit[c] != 0;
	}
	return true;
}

/* The two counters of a source. */
static void counters(const struct nat *n, const struct nat_addr *src, uint8_t family, uint32_t *at)
{
	uint64_t w[2], h;

	memcpy(w, src->octet, 16);
	if (family == NAT_IPV6)
		w[1] = 0;		/* a /64 is one host's: RFC 4291, RFC 6177 */
	h = siphash_words(&n->block->flows.key, w, 2);
	at[0] = (uint32_t)h & (n->block->sources - 1);
	at[1] = (uint32_t)(h >> 32) & (n->block->sources - 1);
}

static uint32_t source_count(const struct nat *n, const struct nat_addr *src, uint8_t family)
{
	uint32_t at[2], a, b;

	counters(n, src, family, at);
	a = n->policies.source[0][at[0]];
	b = n->policies.source[1][at[1]];
	return a < b ? a : b;
}

/* Take a token of policy @i; a tick brings 2^24 ns worth of them. */
static bool take_token(struct nat *n, uint32_t i, uint32_t per_s, nat_tick now)
{
	struct policy_count *c = &n->policies.count[i];
	uint64_t add = (uint64_t)(now - c->filled) * per_s * 16777 / 1000, full = (uint64_t)per_s * 1000;

	if (now - c->filled > 60 || c->tokens_milli + add > full)
		c->tokens_milli = (uint32_t)full;
	else
		c->tokens_milli += (uint32_t)add;
	c->filled = now;
	if (c->tokens_milli < 1000)
		return false;
	c->tokens_milli -= 1000;
	return true;
}

static enum nat_reason admits(struct nat *n, uint32_t i, const struct nat_addr *src, uint8_t family)
{
	const struct nat_policy *p = policy_at(n, i);

	if (!p)
		return NAT_WHY_UNDECIDED;
	if (i && p->flows && n->policies.count[i].flows >= p->flows)
		return NAT_WHY_LIMIT_FLOWS;
	if (p->source_flows && source_count(n, src, family) >= p->source_flows)
		return NAT_WHY_LIMIT_SOURCE;
	return NAT_WHY_UNDECIDED;
}

/* Tokens of the forward first: who asks it too often takes none of the others'. */
enum nat_reason policy_admits(struct nat *n, uint32_t policy, const struct nat_addr *src, uint8_t family, nat_tick now)
{
	const struct nat_policy *own = policy ? policy_at(n, policy) : NULL, *all = policy_at(n, 0);
	enum nat_reason why = admits(n, 0, src, family);

	if (why == NAT_WHY_UNDECIDED && own)
		why = admits(n, policy, src, family);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (own && own->new_flows && !take_token(n, policy, own->new_flows, now))
		return NAT_WHY_LIMIT_RATE;
	if (all && all->new_flows && !take_token(n, 0, all->new_flows, now))
		return NAT_WHY_LIMIT_RATE;
	return NAT_WHY_UNDECIDED;
}

static void count_source(struct nat *n, const struct nat_flow *f, uint32_t by)
{
	uint32_t at[2];

	if (f->flags & FLOW_MASQ)
		return;			/* its limits are masq.h's */
	counters(n, &f->orig.src, f->family, at);
	n->policies.source[0][at[0]] += by;
	n->policies.source[1][at[1]] += by;
}

/* Also of policies that have no limit: it may get one. */
static void count_policy(struct nat *n, const struct nat_flow *f, uint32_t by)
{
	const struct map_row *row = nat_row(n, f);

	if (row && row->policy < n->block->max_policies)
		n->policies.count[row->policy].flows += by;
}

void policy_begins(struct nat *n, const struct nat_flow *f)
{
	count_source(n, f, 1);
	count_policy(n, f, 1);
}

void policy_ends(struct nat *n, const struct nat_flow *f)
{
	count_source(n, f, UINT32_MAX);
	count_policy(n, f, UINT32_MAX);
}

void policy_moves(struct nat *n, const struct nat_flow *f)
{
	count_policy(n, f, 1);
}

void policy_swapped(struct nat *n, nat_tick now)
{
	for (uint32_t i = 0; i < n->block->max_policies; i++) {
		const struct nat_policy *p = policy_at(n, i);

		n->policies.count[i] = (struct policy_count){ .tokens_milli = p ? p->new_flows * 1000 : 0, .filled = now };
	}
}

void policy_recount(struct nat *n, nat_tick now)
{
	policy_swapped(n, now);
	for (unsigned i = 0; i < 2; i++)
		memset(n->policies.source[i], 0, n->block->sources * sizeof(uint32_t));
	for (uint32_t i = 0; i < flow_slots(&n->flows); i++)
		if (n->flows.flow[i].idle != IDLE_FREE)
			policy_begins(n, &n->flows.flow[i]);
}

nat_tick policy_limit(const struct nat *n, const struct nat_flow *f)
{
	const struct map_row *row = active(n)->has_limits ? nat_row(n, f) : NULL;
	const struct nat_policy *p = row ? policy_at(n, row->policy) : NULL;

	return p && p->limit[flow_class(f)] ? p->limit[flow_class(f)] : n->flows.head->limit[flow_class(f)];
}

bool policy_expired(const struct nat *n, const struct nat_flow *f, nat_tick now)
{
	if (!active(n)->has_limits)
		return flow_expired(&n->flows, f, now);
	return f->idle != IDLE_FROZEN && now - f->used >= policy_limit(n, f);
}

enum { LOOKED_AT = 64 };	/* flows of one class that may be put back at once */

uint32_t policy_oldest_expired(struct nat *n, nat_tick now)
{
	struct flow_table *t = &n->flows;

	if (!active(n)->has_limits)
		return flow_oldest_expired(t, now);
	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++)
		for (unsigned k = 0; k < LOOKED_AT; k++) {
			uint32_t i = t->head->first[c];

			if (i == NAT_NONE || (!flow_expired(t, &t->flow[i], now) && !policy_expired(n, &t->flow[i], now)))
				break;
			if (policy_expired(n, &t->flow[i], now))
				return i;
			if (t->flow[i].queued == now)
				break;		/* all of the class have been looked at in this tick */
			flow_requeue(t, i, now);
		}
	return NAT_NONE;
}

unsigned policy_expire(struct nat *n, nat_tick now, unsigned budget)
{
	uint32_t slots = flow_slots(&n->flows), left = active(n)->has_limits && slots ? slots / 64 + 1 : 0;
	unsigned done = 0;

	for (; left && done < budget; left--) {
		uint32_t i = n->block->looked_at < slots ? n->block->looked_at : 0;

		n->block->looked_at = i + 1;
		if (n->flows.flow[i].idle == IDLE_FREE || !policy_expired(n, &n->flows.flow[i], now))
			continue;
		life_end(n, i, NAT_END_IDLE);
		done++;
	}
	return done;
}

const char *policy_check(const struct nat *n)
{
	uint64_t flows = 0, counted[2] = { 0, 0 }, of_rows = 0, of_policies = 0;

	for (uint32_t i = 0; i < flow_slots(&n->flows); i++) {
		const struct nat_flow *f = &n->flows.flow[i];
		const struct map_row *row = f->idle == IDLE_FREE ? NULL : nat_row(n, f);

		flows += f->idle != IDLE_FREE && !(f->flags & FLOW_MASQ);
		of_rows += row && row->policy < n->block->max_policies;
	}
	for (uint32_t i = 0; i < n->block->sources; i++)
		for (unsigned k = 0; k < 2; k++)
			counted[k] += n->policies.source[k][i];
	for (uint32_t i = 0; i < n->block->max_policies; i++)
		of_policies += n->policies.count[i].flows;
	if (counted[0] != flows || counted[1] != flows)
		return "P1: flows of sources do not add up";
	return of_rows != of_policies ? "P2: flows of policies do not add up" : NULL;
}
