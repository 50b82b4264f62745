/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mark - see mark.h */
#include "nat/mark.h"

#include "nat/ident.h"

enum {
	IDLE_S = 120,			/* nobody used it for so long: it retires */
	IDLE_FULL_S = 5,		/* the same while others find no slot */
	FULL_SLOTS = MARK_SLOTS - MARK_SLOTS / 8,
};

size_t mark_size(void)
{
	return sizeof(struct mark_head) + MARK_SLOTS * sizeof(struct mark);
}

struct marks mark_at(void *mem, const struct siphash_key *key)
{
	return (struct marks){ .head = mem, .slot = (void *)((uint8_t *)mem + sizeof(struct mark_head)), .key = key };
}

/* Chains and free list are made of what the slots' states say. */
static uint32_t *chain_of(const struct marks *m, const struct mark *k)
{
	const struct nat_ends e = { k->old, k->new, k->old_port, k->new_port };

	return &m->head->chain[nat_tuple_hash(m->key, &e, k->side, k->family) % MARK_SLOTS];
}

static void push(uint32_t *list, struct marks *m, uint32_t i)
{
	m->slot[i].next = *list;
	*list = i;
}

static void take_out(struct marks *m, uint32_t i)
{
	uint32_t *at = chain_of(m, &m->slot[i]);

	while (*at && *at != i)
		at = &m->slot[*at].next;
	*at = m->slot[i].next;
}

void mark_init(struct marks *m)
{
	memset(m->head, 0, mark_size());
	for (uint32_t i = MARK_SLOTS; --i;)
		push(&m->head->free, m, i);
}

bool mark_is_plain(const struct nat_pkt *p)
{
	const struct pkt_view *v = &p->view;
	uint32_t octets = v->end - v->l4;

	/* All of its header is here, and it is as long as it says it is. */
	return p->hashed && v->tuple.proto == NAT_PROTO_TCP && !p->mark_in && v->whole_end == p->whole && octets >= 20 &&
	       (p->data[v->l4 + 12] >> 4) >= 5 && (p->data[v->l4 + 12] >> 4) * 4u <= octets &&
	       !(p->tcp_flags & (TCP_F_SYN | TCP_F_FIN | TCP_F_RST)) &&
	       (p->hook == NAT_PRE || (p->hook == NAT_POST && !ident_is_needed(p->data, v)));
}

/* The key of what makes @to of @p; false: more than one end changes, or not the one of this hook. */
static bool key_of(const struct nat_pkt *p, const struct nat_ends *to, struct mark *k)
{
	const struct nat_ends *is = &p->view.tuple.ends;
	bool dst = p->hook == NAT_PRE;

	*k = (struct mark){ .family = p->view.tuple.family, .side = dst ? MARK_DST : MARK_SRC };
	k->old = dst ? is->dst : is->src;
	k->old_port = dst ? is->dport : is->sport;
	k->new = dst ? to->dst : to->src;
	k->new_port = dst ? to->dport : to->sport;
	return dst ? nat_addr_eq(&is->src, &to->src) && is->sport == to->sport
		   : nat_addr_eq(&is->dst, &to->dst) && is->dport == to->dport;
}

static bool same_key(const struct mark *a, const struct mark *b)
{
	return a->old_port == b->old_port && a->new_port == b->new_port && a->side == b->side && a->family == b->family &&
	       nat_addr_eq(&a->old, &b->old) && nat_addr_eq(&a->new, &b->new);
}

static void want_it(struct marks *m, const struct mark *k, uint32_t *chain, nat_tick now)
{
	uint32_t i = m->head->free;
	struct mark *s = &m->slot[i];

	if (!i) {
		m->head->full++;
		return;
	}
	m->head->free = s->next;
	*s = *k;
	s->used = now;
	push(chain, m, i);
	m->head->slots++;
	m->head->wanted++;
	mark_told(s, MARK_WANTED);	/* last: before this, main does not look at it */
}

uint32_t mark_take(struct marks *m, const struct nat_pkt *p, const struct nat_ends *to, bool want, nat_tick now)
{
	uint32_t *chain, i;
	struct mark k;

	if (!mark_open(m) || !key_of(p, to, &k))
		return 0;
	chain = chain_of(m, &k);
	for (i = *chain; i && !same_key(&m->slot[i], &k); i = m->slot[i].next)
		;
	if (!i && want)
		want_it(m, &k, chain, now);
	if (!i || mark_state(&m->slot[i]) != MARK_INSTALLED)
		return 0;
	m->slot[i].used = now;
	m->head->packets++;
	return MARK_BASE | i;
}

void mark_age(struct marks *m, nat_tick now)
{
	nat_tick idle = nat_tick_span(NAT_SEC(m->head->slots > FULL_SLOTS ? IDLE_FULL_S : IDLE_S));

	for (uint32_t i = 1; m->head->slots && i < MARK_SLOTS; i++) {
		struct mark *s = &m->slot[i];
		enum mark_state state = mark_state(s);

		if (state == MARK_INSTALLED && now - s->used >= idle) {
			s->used = now;
			mark_told(s, MARK_RETIRING);
		} else if (state == MARK_GONE) {
			take_out(m, i);
			m->head->slots--;
			s->state = MARK_FREE;
			push(&m->head->free, m, i);
		}
	}
}

uint32_t mark_count(const struct marks *m, enum mark_state state)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < MARK_SLOTS; i++)
		n += mark_state(&m->slot[i]) == state;
	return n;
}

static bool makes_sense(const struct mark *s)
{
	return s->state < MARK_STATES && s->side < MARK_SIDES && (s->family == NAT_IPV4 || s->family == NAT_IPV6);
}

/* How often is slot @i in the list that begins with @at? A list that never ends is as bad as one that has it twice. */
static unsigned times_in(const struct marks *m, uint32_t at, uint32_t i)
{
	unsigned n = 0;

	for (unsigned steps = 0; at && at < MARK_SLOTS && steps < MARK_SLOTS; steps++, at = m->slot[at].next)
		n += at == i;
	return at ? 2 : n;
}

const char *mark_check(const struct marks *m)
{
	uint32_t used = 0, free = 0, chained = 0;

	for (uint32_t i = m->head->free; i; i = m->slot[i].next)
		if (i >= MARK_SLOTS || m->slot[i].state != MARK_FREE || ++free >= MARK_SLOTS)
			return "M2: a slot of the free list is used";
	for (uint32_t i = 1; i < MARK_SLOTS; i++) {
		const struct mark *s = &m->slot[i];

		if (s->state == MARK_FREE)
			continue;
		used++;
		if (!makes_sense(s) || times_in(m, *chain_of(m, s), i) != 1)
			return "M1: a slot makes no sense, or is not in its chain once";
	}
	if (free != MARK_SLOTS - 1 - used || used != m->head->slots)
		return "M2: used and free slots do not add up";
	for (uint32_t c = 0; c < MARK_SLOTS; c++)
		for (uint32_t i = m->head->chain[c]; i && chained <= used; i = i < MARK_SLOTS ? m->slot[i].next : 0)
			chained++;
	return chained == used ? NULL : "M1: a chain has more than its slots";
}

void mark_rebuild(struct marks *m, nat_tick now)
{
	m->head->free = m->head->slots = 0;
	memset(m->head->chain, 0, sizeof(m->head->chain));
	for (uint32_t i = MARK_SLOTS; --i;) {
		struct mark *s = &m->slot[i];

		if (s->state == MARK_FREE) {
			push(&m->head->free, m, i);
			continue;
		}
		/* Whatever it was, the kernel may have a rule for it: main removes that. */
		if (!makes_sense(s))
			*s = (struct mark){ .family = NAT_IPV4, .state = MARK_RETIRING, .used = now };
		push(chain_of(m, s), m, i);
		m->head->slots++;
	}
}
