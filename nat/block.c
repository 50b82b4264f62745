/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block - see block.h */
#include "nat/block.h"

struct layout {
	uint64_t flow, bucket, map[2], out[2], pool, frag, ident, inverse, policy[2], count, mark, end;
};

static uint64_t round64(uint64_t n)
{
	return (n + 63) & ~(uint64_t)63;
}

/* Only what is fixed at start counts: all of it is in @p. */
static struct layout layout_of(const struct nat_params *p, uint32_t buckets, uint32_t frag_sets)
{
	uint32_t policies = p->max_policies ? p->max_policies : 1;
	uint64_t map = round64(map_size(p->max_rows, p->max_allow)), out = round64(out_size(p->max_outs));
	struct layout l;

	l.flow = round64(sizeof(struct nat_block));
	l.bucket = round64(l.flow + (uint64_t)p->max_flows * sizeof(struct nat_flow));
	l.map[0] = l.bucket + (uint64_t)buckets * sizeof(struct flow_bucket);
	l.map[1] = l.map[0] + map;
	l.out[0] = l.map[1] + map;
	l.out[1] = l.out[0] + out;
	l.pool = l.out[1] + out;
	l.frag = l.pool + pool_size(p->max_mappings, p->max_peers);
	l.ident = l.frag + round64((uint64_t)frag_sets * FRAG_WAYS * sizeof(struct frag));
	l.inverse = l.ident + round64(sizeof(struct idents));
	l.policy[0] = l.inverse + round64(sizeof(struct inverse));
	l.policy[1] = l.policy[0] + round64(policy_area_octets(policies));
	l.count = l.policy[1] + round64(policy_area_octets(policies));
	l.mark = l.count + round64(policy_count_octets(policies, policy_sources_for(p->max_flows)));
	l.end = l.mark + round64(mark_size());
	return l;
}

static struct layout layout_in(const struct nat_block *b)
{
	const struct nat_params p = { .max_flows = b->max_flows, .max_rows = b->max_rows, .max_allow = b->max_allow,
				      .max_outs = b->max_outs, .max_mappings = b->max_mappings,
				      .max_peers = b->max_peers, .max_policies = b->max_policies };

	return layout_of(&p, b->buckets, b->frag_sets);
}

static uint32_t frag_sets_of(const struct nat_params *p)
{
	return p->frag_sets ? p->frag_sets : FRAG_SETS_DEFAULT;
}

uint64_t block_octets(const struct nat_params *p)
{
	return layout_of(p, flow_buckets_for(p->max_flows), frag_sets_of(p)).end;
}

struct flow_table block_flows(struct nat_block *b)
{
	struct layout l = layout_in(b);
	uint8_t *mem = (uint8_t *)b;

	return (struct flow_table){ .head = &b->flows, .flow = (void *)(mem + l.flow), .bucket = (void *)(mem + l.bucket) };
}

struct map block_map(struct nat_block *b, unsigned area)
{
	return map_at((uint8_t *)b + layout_in(b).map[area]);
}

struct frag *block_frag(struct nat_block *b)
{
	return (void *)((uint8_t *)b + layout_in(b).frag);
}

struct idents *block_idents(struct nat_block *b)
{
	return (void *)((uint8_t *)b + layout_in(b).ident);
}

struct inverse *block_inverse(struct nat_block *b)
{
	return (void *)((uint8_t *)b + layout_in(b).inverse);
}

struct policies block_policies(struct nat_block *b)
{
	struct layout l = layout_in(b);
	uint8_t *mem = (uint8_t *)b, *source = mem + l.count + round64(b->max_policies * sizeof(struct policy_count));

	return (struct policies){ .area = { (void *)(mem + l.policy[0]), (void *)(mem + l.policy[1]) },
				  .count = (void *)(mem + l.count),
				  .source = { (void *)source, (void *)(source + b->sources * sizeof(uint32_t)) } };
}

struct out block_out(struct nat_block *b, unsigned area)
{
	return out_at((uint8_t *)b + layout_in(b).out[area]);
}

struct pool block_pool(struct nat_block *b)
{
	return pool_at((uint8_t *)b + layout_in(b).pool, b->max_mappings, b->max_peers, &b->flows.key);
}

struct marks block_marks(struct nat_block *b)
{
	return mark_at((uint8_t *)b + layout_in(b).mark, &b->flows.key);
}

void block_init(void *mem, const struct nat_params *p)
{
	struct nat_block *b = mem;
	struct marks marks;
	struct flow_table t;
	struct pool pool;

	b->version = NAT_BLOCK_VERSION;
	b->flow_octets = sizeof(struct nat_flow);
	b->octets = block_octets(p);
	b->max_flows = p->max_flows;
	b->max_rows = p->max_rows;
	b->max_allow = p->max_allow;
	b->max_outs = p->max_outs;
	b->max_mappings = p->max_mappings;
	b->max_peers = p->max_peers;
	b->buckets = flow_buckets_for(p->max_flows);
	b->frag_sets = frag_sets_of(p);
	b->max_policies = p->max_policies ? p->max_policies : 1;
	b->sources = policy_sources_for(p->max_flows);
	b->half_open = p->half_open;
	b->source_lo = p->source_lo;
	b->source_hi = p->source_hi;
	b->lost_until = p->lost_until;
	b->swept = b->max_flows;

	b->flows.capacity = b->max_flows;
	b->flows.buckets = b->buckets;
	b->flows.key = p->key;
	for (unsigned c = 0; c < IDLE_CLASSES; c++) {
		uint32_t s = p->limit_s[c] ? p->limit_s[c] : idle_default_s(c);

		b->flows.limit[c] = nat_tick_span(NAT_SEC(s));
	}
	b->flows.limit[IDLE_FROZEN] = UINT32_MAX;
	t = block_flows(b);
	flow_init(&t);
	for (unsigned i = 0; i < 2; i++) {
		map_init((uint8_t *)mem + layout_in(b).map[i], p->max_rows, p->max_allow);
		out_init((uint8_t *)mem + layout_in(b).out[i], p->max_outs);
	}
	frag_init(block_frag(b), b->frag_sets);
	pool = block_pool(b);
	pool_init(&pool, p->max_mappings, p->max_peers);
	marks = block_marks(b);
	mark_init(&marks);
	b->magic = NAT_BLOCK_MAGIC;	/* last: before this, nobody attaches */
}

static bool areas_fit(const struct nat_block *b)
{
	struct layout l = layout_in(b);

	for (unsigned i = 0; i < 2; i++) {
		const struct map_head *h = (const void *)((const uint8_t *)b + l.map[i]);
		const struct out_head *o = (const void *)((const uint8_t *)b + l.out[i]);

		if (h->max_rows != b->max_rows || h->max_allow != b->max_allow || o->max_rules != b->max_outs ||
		    o->max_addrs != 4 * b->max_outs || o->max_excepts != 4 * b->max_outs)
			return false;
	}
	return pool_fits((const uint8_t *)b + l.pool, b->max_mappings, b->max_peers);
}

enum block_err block_verify(const void *mem, uint64_t octets)
{
	const struct nat_block *b = mem;

	if (octets < sizeof(*b) || b->magic != NAT_BLOCK_MAGIC)
		return BLOCK_FOREIGN;
	if (b->version != NAT_BLOCK_VERSION || b->flow_octets != sizeof(struct nat_flow))
		return BLOCK_VERSION;
	if (b->octets > octets)
		return BLOCK_FOREIGN;
	if (!b->frag_sets || (b->frag_sets & (b->frag_sets - 1)) ||
	    !b->max_policies || b->max_policies > 65535 || b->sources != policy_sources_for(b->max_flows) || b->max_flows > 1u << 24 ||
	    b->buckets != flow_buckets_for(b->max_flows) || b->flows.capacity != b->max_flows || b->flows.fresh > b->max_flows ||
	    b->flows.buckets != b->buckets || b->active > 1 || b->swept > b->max_flows || b->source_lo > b->source_hi ||
	    b->max_outs > OUT_RULES_MAX || b->max_mappings > 1u << 24 || b->max_peers > 1u << 24 ||
	    b->octets != layout_in(b).end || !areas_fit(b))
		return BLOCK_LAYOUT;
	return BLOCK_OK;
}
