/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nat - see nat.h: the data path, and the engine as a whole */
#include "nat/nat.h"

#include <assert.h>

#include "nat/error.h"
#include "nat/frag.h"
#include "nat/hot.h"
#include "nat/ident.h"
#include "nat/life.h"
#include "nat/masq.h"
#include "nat/prefix.h"
#include "nat/rewrite.h"

const char *nat_hook_name(enum nat_hook h)
{
	static const char *const names[] = { "pre", "in", "fwd", "out", "post" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == NAT_HOOKS, "one name per hook");
	assert(h < NAT_HOOKS);
	return names[h];
}

/* The same for what a masqueraded guest opened: the table of masq.h. */
RARE static enum nat_reason key_dir_out(const struct nat_pkt *p, enum flow_key key, enum nat_dir *dir)
{
	bool leaves = p->hook == NAT_POST;

	*dir = leaves ? NAT_ORIG : NAT_REPLY;
	if (p->hook == NAT_PRE)
		return key == FLOW_REPLY ? NAT_WHY_UNDECIDED : NAT_WHY_LATER;
	return (leaves || p->hook == NAT_FWD) && key == FLOW_ORIG ? NAT_WHY_UNDECIDED : NAT_WHY_NO_FLOW;
}

/* Which direction does a packet with this key go, seen at this hook? FORWARD asks for the inverse. */
HOT static enum nat_reason key_dir(const struct nat_pkt *p, enum flow_key key, enum nat_dir *dir)
{
	if (p->hook == NAT_PRE || p->hook == NAT_OUT) {
		*dir = key == FLOW_ORIG ? NAT_ORIG : NAT_REPLY;
		return key == FLOW_MID ? NAT_WHY_NO_FLOW : NAT_WHY_UNDECIDED;
	}
	*dir = p->hook == NAT_FWD ? NAT_ORIG : NAT_REPLY;
	return key == FLOW_ORIG ? NAT_WHY_NO_FLOW : NAT_WHY_UNDECIDED;
}

/* The key that this packet's flow is found by: in FORWARD the inverse, for the packet is translated already. */
HOT static const struct nat_ends *key_of(const struct nat_pkt *p, struct nat_ends *room)
{
	if (p->hook != NAT_FWD)
		return &p->view.tuple.ends;
	*room = nat_ends_inverse(&p->view.tuple.ends);
	return room;
}

static void look_up(const struct nat *n, struct nat_pkt *p, const struct nat_ends *key)
{
	p->hash = nat_tuple_hash(&n->flows.head->key, key, p->view.tuple.proto, p->view.tuple.family);
	p->hashed = true;
	flow_prefetch_bucket(&n->flows, p->hash);
}

/* In FORWARD, or with no memory of the last packets. */
RARE static void look_rare(const struct nat *n, struct nat_pkt *p)
{
	struct nat_ends room;

	/* of a fragment the ports may not be known yet */
	if (p->reason == NAT_WHY_UNDECIDED && !p->view.is_error && !p->view.is_fragment)
		look_up(n, p, key_of(p, &room));
}

/* Has this thread seen its flow lately? */
HOT static bool look_recent(const struct nat *n, struct nat_pkt *p)
{
	uint64_t mix = recent_mix(&p->view.tuple.ends);

	p->entry = &p->recent->at[mix >> 56];
	p->check = (uint32_t)(mix >> 24);
	p->guess = p->entry->guess;
	return p->entry->check == p->check && flow_prefetch_guess(&n->flows, p->guess);
}

void nat_look(const struct nat *n, struct nat_pkt *p)
{
	p->looked = true;
	p->hashed = false;
	p->guess = NAT_NONE;
	p->entry = NULL;
	p->reason = (uint8_t)pkt_parse(p);
	if (!p->plain || !p->recent || p->hook == NAT_FWD) {
		look_rare(n, p);
	} else if (!look_recent(n, p)) {
		p->guess = NAT_NONE;
		look_up(n, p, &p->view.tuple.ends);
	}
}

void nat_warm(const struct nat *n, struct nat_pkt *p)
{
	if (p->hashed)
		p->guess = flow_prefetch(&n->flows, p->hash);
}

uint64_t nat_hash(const struct nat *n, const struct nat_pkt *p)
{
	if (p->hashed || !p->entry)
		return p->hashed ? p->hash : 0;
	return nat_tuple_hash(&n->flows.head->key, &p->before, p->ends_proto, p->view.tuple.family);
}

/* policy_expired() and policy_mss() when no forward has a wish of its own: most have none. */
HOT static bool is_expired(const struct nat *n, const struct nat_flow *f, nat_tick now)
{
	return n->policies.area[n->block->active]->has_limits ? policy_expired(n, f, now) : flow_expired(&n->flows, f, now);
}

HOT static bool wants_mss(const struct nat *n, const struct nat_pkt *p)
{
	return (p->tcp_flags & TCP_F_SYN) && n->policies.area[n->block->active]->has_mss;
}

/* Is it seen for the first time here, so that it may open a flow? */
HOT static bool is_first(const struct nat_pkt *p)
{
	return p->hook == NAT_PRE || p->hook == NAT_OUT || p->hook == NAT_POST;
}

/* Might it be the first of another conversation of the same ends? What life_must_begin_anew() is asked about. */
HOT static bool is_new_syn(const struct nat_pkt *p, enum nat_dir dir)
{
	return (p->tcp_flags & TCP_F_SYN) && dir == NAT_ORIG && is_first(p);
}

/*
 * FORWARD once more, for what goes the other way: an answer, translated at PRE
 * (FLOW_MID) or not yet (FLOW_REPLY). Only of a guest whose network lets
 * nothing out; all others' answers are left to the host's rules.
 */
RARE static enum nat_reason find_answer(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **flow,
					enum nat_dir *dir)
{
	const struct nat_tuple *t = &p->view.tuple;
	const struct map_row *row;
	enum flow_key key;
	struct nat_flow *f = flow_find(&n->flows, &t->ends, t->proto, t->family, &key);

	if (!f || key == FLOW_ORIG || f->flags & FLOW_OUT || policy_expired(n, f, now))
		return NAT_WHY_NO_FLOW;
	if (!life_keeps(n, f, now))
		return NAT_WHY_FORWARD_ENDED;
	row = nat_row(n, f);
	if (!row || !(row->flags & MAP_ENCLOSED))
		return NAT_WHY_NO_FLOW;
	*flow = f;
	*dir = NAT_REPLY;
	return NAT_WHY_UNDECIDED;
}

/* The flow of a packet. NULL and UNDECIDED: none, and one may be opened. */
HOT static enum nat_reason find(struct nat *n, struct nat_pkt *p, nat_tick now, struct nat_flow **flow, enum nat_dir *dir)
{
	const struct nat_tuple *t = &p->view.tuple;
	struct nat_ends room;
	const struct nat_ends *ends = key_of(p, &room);
	enum nat_reason why;
	enum flow_key key;
	struct nat_flow *f;
	uint32_t forward;

	*flow = NULL;
	*dir = NAT_ORIG;
	f = flow_guessed(&n->flows, p->guess, ends, t->proto, t->family, &key);
	if (!f)
		f = p->hashed ? flow_find_hashed(&n->flows, p->hash, ends, t->proto, t->family, &key)
			      : flow_find(&n->flows, ends, t->proto, t->family, &key);
	if (f && p->entry)
		*p->entry = (struct recent){ .check = p->check, .guess = flow_index(&n->flows, f) * 4 + key };
	if (f && is_expired(n, f, now)) {
		life_end(n, flow_index(&n->flows, f), NAT_END_IDLE);
		f = NULL;
	}
	if (!f && p->hook == NAT_FWD) {
		why = find_answer(n, p, now, flow, dir);
		p->forward = *flow ? nat_forward(n, *flow) : NAT_NONE;
		return why;
	}
	if (!f)
		return is_first(p) ? NAT_WHY_UNDECIDED : NAT_WHY_NO_FLOW;
	why = f->flags & FLOW_OUT ? key_dir_out(p, key, dir) : key_dir(p, key, dir);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	forward = life_leads(n, f);
	if (forward == NAT_NONE && !life_keeps(n, f, now))
		return NAT_WHY_FORWARD_ENDED;
	if (is_new_syn(p, *dir)) {
		if (life_must_begin_anew(n, p, f)) {
			life_end(n, flow_index(&n->flows, f), NAT_END_REOPENED);
			return NAT_WHY_UNDECIDED;
		}
		forward = NAT_NONE;	/* it may have changed its row */
	}
	if (!masq_leaves_right(n, f, p)) {
		life_end(n, flow_index(&n->flows, f), NAT_END_FORWARD);
		return is_first(p) ? NAT_WHY_UNDECIDED : NAT_WHY_NO_FLOW;
	}
	p->forward = forward == NAT_NONE ? nat_forward(n, f) : forward;
	*flow = f;
	return NAT_WHY_UNDECIDED;
}

/* The table of nat.h: the ends that this packet leaves this hook with, or why it stays as it is. */
HOT static enum nat_reason target(const struct nat_pkt *p, const struct nat_flow *f, enum nat_dir dir, struct nat_ends *to)
{
	bool local = f->flags & FLOW_LOCAL;

	if (f->flags & FLOW_OUT) {
		*to = dir == NAT_ORIG ? flow_xlat(f) : p->hook == NAT_FWD ? p->view.tuple.ends : flow_back(f);
		return NAT_WHY_TRANSLATED;
	}
	switch ((enum nat_hook)p->hook) {
	case NAT_PRE:
		if (dir == NAT_REPLY && !(f->flags & FLOW_HAIRPIN))
			return NAT_WHY_LATER;
		if (dir == NAT_ORIG && local)
			return NAT_WHY_NO_FLOW;		/* this host's own do not arrive: a stranger's, with our source */
		*to = flow_mid(f);
		if (dir == NAT_ORIG)
			*to = nat_ends_inverse(to);
		return NAT_WHY_TRANSLATED;
	case NAT_OUT:
	case NAT_FWD:
		if (dir == NAT_REPLY && p->hook == NAT_OUT)
			return NAT_WHY_LATER;
		if (local != (p->hook == NAT_OUT))
			return NAT_WHY_NO_FLOW;
		*to = dir == NAT_REPLY ? p->view.tuple.ends : flow_xlat(f);
		return NAT_WHY_TRANSLATED;
	case NAT_IN:
	case NAT_POST:
		if (local != (p->hook == NAT_IN))
			return NAT_WHY_NO_FLOW;
		*to = flow_back(f);
		return NAT_WHY_TRANSLATED;
	case NAT_HOOKS:
		break;
	}
	return NAT_WHY_NO_FLOW;
}

/* Is this the hook where the packet counts? Each passes exactly one such hook. */
HOT static bool counts_here(const struct nat_pkt *p, const struct nat_flow *f, enum nat_dir dir)
{
	if (f->flags & FLOW_OUT)
		return p->hook != NAT_FWD;
	if (dir == NAT_ORIG)
		return p->hook == NAT_PRE || p->hook == NAT_OUT;
	return p->hook == NAT_POST || p->hook == NAT_IN;
}

/* Who wants a packet that belongs to no flow? */
RARE static enum nat_reason open_flow(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **f, enum nat_dir *dir)
{
	enum nat_reason why;

	if (p->hook == NAT_POST) {
		why = inverse_open(n, p, now, f);
		*dir = why == NAT_WHY_UNDECIDED ? NAT_REPLY : NAT_ORIG;
		return why == NAT_WHY_NO_FLOW ? masq_open(n, p, now, f) : why;
	}
	why = life_open(n, p, now, f);
	return why == NAT_WHY_NO_FORWARD ? masq_invite(n, p, now, f) : why;
}

/* What no flow has changed: prefixes are translated, and what would show a masqueraded subnet's address is dropped (R24). */
RARE static enum nat_reason leave_alone(struct nat *n, struct nat_pkt *p, enum nat_reason why)
{
	bool free = p->flow == NAT_NONE && nat_reason_verdict(why) == NAT_ACCEPT;

	if (!n->out[n->block->active].head->n_rules || !p->view.tuple.family)
		return why;
	if (free && why != NAT_WHY_LOCAL_SCOPE && why != NAT_WHY_LATER && why != NAT_WHY_DONE)
		why = prefix_translate(n, p, why);
	if (!p->changed && p->hook == NAT_POST && nat_reason_verdict(why) == NAT_ACCEPT && masq_leaks(n, p))
		why = NAT_WHY_PRIVATE_SOURCE;
	return why;
}

/* A packet of which not all is here: the kernel can rewrite it by a mark, or it must come whole. Nothing was changed so far. */
RARE static enum nat_reason by_mark(struct nat *n, struct nat_pkt *p, const struct nat_flow *f, const struct nat_ends *to,
			       nat_tick now)
{
	bool want = !(f->flags & FLOW_MASQ) || f->octets[p->dir] >= MARK_OUT_OCTETS;

	if (!p->headers)
		return NAT_WHY_TRUNCATED;
	p->mark = mark_take(&n->marks, p, to, want, now);
	return p->mark ? NAT_WHY_UNDECIDED : NAT_WHY_HEADERS_ONLY;
}

/* Datagrams that nobody answers: for conntrack each of them begins the flow. */
static bool is_one_way(const struct nat_pkt *p, const struct nat_flow *f)
{
	return f->proto == NAT_PROTO_UDP && !p->view.is_fragment && !(f->flags & FLOW_ANSWERED) && f->packets[NAT_ORIG] >= ONE_WAY_PACKETS;
}

/*
 * Close behind the first of a conversation of a masqueraded guest, and not TCP or UDP: it may have passed conntrack before the
 * first one has left. Then it has an entry of its own, which clashes with the first's when it is confirmed at the end
 * of the hook, and the packet is dropped (__nf_conntrack_confirm(); of UDP clashes are resolved, TCP begins with
 * one packet). It leaves without being confirmed: the first's entry is there, and all that come later find it.
 */
static bool is_burst(const struct nat_pkt *p, const struct nat_flow *f, enum nat_dir dir, nat_tick now)
{
	return p->hook == NAT_POST && dir == NAT_ORIG && (f->flags & FLOW_OUT) && !(f->flags & FLOW_ANSWERED) &&
	       f->proto != NAT_PROTO_UDP && f->proto != NAT_PROTO_TCP && f->packets[NAT_ORIG] && f->packets[NAT_ORIG] < BURST_PACKETS &&
	       now - f->used <= 1;
}

/* Does it but pass: a plain packet of a plain flow, here rewritten, that changes nothing but timers and counters? */
HOT static bool passes(const struct nat_pkt *p, const struct nat_flow *f, enum nat_dir dir)
{
	bool out = f->flags & FLOW_OUT;

	if (!p->plain || !flow_is_plain(f))
		return false;
	/* ACK and data: tcp.c's table */
	if (f->proto == NAT_PROTO_TCP && (p->tcp_flags & (TCP_F_SYN | TCP_F_ACK | TCP_F_FIN | TCP_F_RST)) != TCP_F_ACK)
		return false;
	return p->hook == NAT_PRE ? (dir == NAT_REPLY) == out : p->hook == NAT_POST && (dir == NAT_ORIG) == out;
}

/* What target(), life_track() and rewrite_packet() do with such a packet. Nearly every one. */
HOT static enum nat_reason pass(struct nat *n, struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir, nat_tick now)
{
	const struct nat_ends *back = dir == NAT_ORIG ? &f->reply : &f->orig;
	bool source = p->hook == NAT_POST;
	const uint16_t swapped[2] = { back->dport, back->sport };
	uint32_t ports;

	if (f->proto == NAT_PROTO_TCP)
		life_note_ack(p, f, dir);
	flow_touch(&n->flows, f, now);
	life_count(p, f, dir);
	memcpy(&ports, swapped, sizeof(ports));
	if (rewrite_plain(p, source, source ? &back->dst : &back->src, ports))
		ident_renew(n, p);
	return NAT_WHY_TRANSLATED;
}

/* The path of a packet that has ports. Each step lets it on (UNDECIDED) or says why not. */
HOT static enum nat_reason decide_whole(struct nat *n, struct nat_pkt *p, nat_tick now)
{
	enum nat_reason why, verdict = NAT_WHY_TRANSLATED;
	struct nat_ends to;
	struct nat_flow *f;
	enum nat_dir dir;

	why = find(n, p, now, &f, &dir);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (!f && p->truncated && p->headers)
		return NAT_WHY_HEADERS_ONLY;
	if (!f) {
		why = open_flow(n, p, now, &f, &dir);
		if (why != NAT_WHY_UNDECIDED)
			return why;
		p->forward = nat_forward(n, f);
		/* a first FIN opens a flow that waits in TCP_FIN at once */
		verdict = f->idle == IDLE_TCP_PICKED_UP || f->idle == IDLE_TCP_FIN ? NAT_WHY_PICKED_UP : NAT_WHY_OPENED;
	}
	p->flow = flow_index(&n->flows, f);
	p->dir = (uint8_t)dir;
	if (passes(p, f, dir))
		return pass(n, p, f, dir, now);
	why = target(p, f, dir, &to);
	if (why != NAT_WHY_TRANSLATED)
		return why;
	if (p->truncated) {
		why = by_mark(n, p, f, &to, now);
		if (why != NAT_WHY_UNDECIDED)
			return why;
	}
	if (p->hook == NAT_PRE && !(f->flags & FLOW_ANSWERED) && life_ends_here(n, p, f))
		return NAT_WHY_TTL_OVER;
	p->burst = is_burst(p, f, dir, now);
	if (counts_here(p, f, dir)) {
		why = life_track(n, p, f, dir, now);
		if (why != NAT_WHY_UNDECIDED)
			return why;
	}
	if (p->hook == NAT_FWD) {
		verdict = life_respects(n, f) ? NAT_WHY_RESPECTED : NAT_WHY_STOPPED;
		p->one_way = verdict == NAT_WHY_STOPPED && is_one_way(p, f) && nat_ends_eq(&to, &p->view.tuple.ends);
	}
	if (p->mark) {
		p->after = to;
	} else if (!nat_ends_eq(&to, &p->view.tuple.ends)) {
		rewrite_packet(p, &to);
		ident_renew(n, p);
	}
	if (wants_mss(n, p))
		policy_mss(n, p, f);
	return verdict;
}

/* The same for a fragment, which gets its ports from the first of its datagram. */
RARE static enum nat_reason decide_piece(struct nat *n, struct nat_pkt *p, nat_tick now)
{
	return decide_whole(n, p, now);
}

/* The whole data path: whatever comes, in one of three ways. */
HOT static enum nat_reason decide(struct nat *n, struct nat_pkt *p, nat_tick now)
{
	enum nat_reason why, liar;

	if (!p->looked)
		nat_look(n, p);
	why = p->reason;
	if (p->truncated && p->headers && !mark_is_plain(p))
		return NAT_WHY_HEADERS_ONLY;
	if (n->out[n->block->active].head->n_rules && p->hook == NAT_PRE && p->view.tuple.family) {
		liar = masq_refuses(n, p);
		if (liar != NAT_WHY_UNDECIDED)
			return liar;
	}
	if (p->view.is_fragment)
		return frag_packet(n, p, now, why, decide_piece);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	return p->view.is_error ? error_translate(n, p, now) : decide_whole(n, p, now);
}

void nat_packet(struct nat *n, struct nat_pkt *p, nat_ns now)
{
	enum nat_reason why;

	p->changed = p->csum_full = p->release = p->one_way = p->burst = false;
	p->datagram = 0;
	p->too_big = 0;
	p->mark = 0;
	p->flow = p->forward = NAT_NONE;
	p->dir = NAT_ORIG;
	n->block->now = nat_tick_of(now);
	why = decide(n, p, n->block->now);
	if (!p->changed && !p->mark)
		why = leave_alone(n, p, why);
	if (why == NAT_WHY_TRUNCATED && p->headers)
		why = NAT_WHY_HEADERS_ONLY;
	assert(why < NAT_REASONS);
	p->reason = (uint8_t)why;
	p->looked = false;
	n->block->reasons[why]++;
}

void nat_finish(struct nat_pkt *p)
{
	if (p->csum_full)
		rewrite_full_csum(p->data, &p->view);
	p->csum_full = false;
}

unsigned nat_expire(struct nat *n, nat_ns now, unsigned budget)
{
	nat_tick tick = n->block->now = nat_tick_of(now);
	unsigned done = n->pool.head ? pool_expire(&n->pool, tick, budget) : 0;

	done += policy_expire(n, tick, budget - done);
	while (done < budget) {
		uint32_t i = policy_oldest_expired(n, tick);

		if (i == NAT_NONE)
			break;
		life_end(n, i, NAT_END_IDLE);
		done++;
	}
	return done;
}

bool nat_end(struct nat *n, uint32_t index, const struct nat_flow *as)
{
	const struct nat_flow *f;

	if (index >= flow_slots(&n->flows))
		return false;
	f = &n->flows.flow[index];
	if (f->idle == IDLE_FREE || f->proto != as->proto || f->family != as->family || !nat_ends_eq(&f->orig, &as->orig) ||
	    !nat_ends_eq(&f->reply, &as->reply))
		return false;
	life_end(n, index, NAT_END_FLUSHED);
	return true;
}

struct map *nat_spare_map(struct nat *n)
{
	return n->block->swept < n->block->max_flows ? NULL : &n->map[!n->block->active];
}

struct out *nat_spare_out(struct nat *n)
{
	return n->block->swept < n->block->max_flows ? NULL : &n->out[!n->block->active];
}

void nat_swap_map(struct nat *n)
{
	n->block->active = !n->block->active;
	n->block->epoch++;
	n->block->swept = 0;
	policy_swapped(n, n->block->now);
}

bool nat_sweep(struct nat *n, nat_ns now, unsigned budget)
{
	struct nat_block *b = n->block;
	nat_tick tick = nat_tick_of(now);

	for (; budget && b->swept < flow_slots(&n->flows); budget--, b->swept++)
		if (n->flows.flow[b->swept].idle != IDLE_FREE)
			life_keeps(n, &n->flows.flow[b->swept], tick);
	if (b->swept >= flow_slots(&n->flows))
		b->swept = b->max_flows;
	return b->swept == b->max_flows;
}

enum block_err nat_attach(struct nat *n, void *mem, uint64_t octets)
{
	enum block_err err = block_verify(mem, octets);

	if (err)
		return err;
	*n = (struct nat){ .block = mem, .flows = block_flows(mem), .frag = block_frag(mem),
			   .idents = block_idents(mem), .inverse = block_inverse(mem), .policies = block_policies(mem) };
	for (unsigned i = 0; i < 2; i++) {
		n->map[i] = block_map(mem, i);
		n->out[i] = block_out(mem, i);
	}
	n->pool = block_pool(mem);
	n->marks = block_marks(mem);
	return BLOCK_OK;
}

uint32_t nat_recover(struct nat *n, nat_ns now)
{
	struct out *out = &n->out[n->block->active];
	uint32_t lost = 0;

	frag_init(n->frag, n->block->frag_sets);	/* what was held went with the worker that held it */
	for (unsigned i = 0; i < 2; i++)	/* the other one too: flows that were not swept yet are compared with it */
		if (map_check(&n->map[i]))
			map_init(n->map[i].head, n->block->max_rows, n->block->max_allow);
	if (out_check(out))
		out_init(out->head, n->block->max_outs);
	n->block->now = nat_tick_of(now);
	if (n->block->busy || flow_check(&n->flows) || (n->pool.head && pool_check(&n->pool)) || masq_check(n)) {
		lost = flow_rebuild(&n->flows, nat_tick_of(now));
		n->block->swept = 0;	/* rows in flows may be torn: look each up again */
		n->block->epoch++;
		for (uint32_t i = 0; i < flow_slots(&n->flows); i++) {
			n->flows.flow[i].row = 0xffffff;
			n->flows.flow[i].epoch = (n->block->epoch - 1) & 0xff;
		}
		lost += masq_rebuild(n);
	}
	if (policy_check(n))
		policy_recount(n, n->block->now);
	if (mark_check(&n->marks))
		mark_rebuild(&n->marks, n->block->now);
	nat_leave(n);
	return lost;
}

const char *nat_check(const struct nat *n)
{
	const char *bad = map_check(&n->map[n->block->active]);

	if (!bad && n->block->swept < n->block->max_flows)
		bad = map_check(&n->map[!n->block->active]);	/* the sweep reads it; after that it is the writer's */
	if (!bad)
		bad = frag_check(n->frag, n->block->frag_sets);
	if (!bad)
		bad = out_check(&n->out[n->block->active]);
	if (!bad)
		bad = flow_check(&n->flows);
	if (!bad)
		bad = policy_check(n);
	if (!bad && n->pool.head)
		bad = pool_check(&n->pool);
	if (!bad)
		bad = mark_check(&n->marks);
	return bad ? bad : masq_check(n);
}
