/* SPDX-License-Identifier: GPL-2.0-or-later */
/* life - see life.h */
#include "nat/life.h"

#include "nat/hot.h"
#include "nat/masq.h"
#include "nat/proto.h"
#include "nat/tcp.h"
#include "nat/wire.h"

enum { PORT_TRIES = 64 };	/* random ports tried before a flow is refused */

static struct map *active_map(const struct nat *n)
{
	return (struct map *)&n->map[n->block->active];
}

const struct map_row *nat_row(const struct nat *n, const struct nat_flow *f)
{
	const struct map *m = active_map(n);

	if ((f->flags & FLOW_MASQ) || f->epoch != (n->block->epoch & 0xff) || f->row >= m->head->n_rows)
		return NULL;
	return &m->row[f->row];
}

uint32_t nat_forward(const struct nat *n, const struct nat_flow *f)
{
	const struct map_row *row = nat_row(n, f);
	const struct out *o = &n->out[n->block->active];

	if (row)
		return row->forward;
	if (!(f->flags & FLOW_MASQ) || f->epoch != (n->block->epoch & 0xff) || f->row >= o->head->n_rules)
		return NAT_NONE;
	return o->rule[f->row].forward;
}

static void tell(struct nat *n, struct nat_event *ev, const struct nat_flow *f)
{
	if (!n->event)
		return;
	ev->index = flow_index(&n->flows, f);
	ev->forward = nat_forward(n, f);
	ev->flow = *f;
	n->event(n->ctx, ev);
}

void life_end(struct nat *n, uint32_t index, enum nat_cause cause)
{
	struct nat_event ev = { .type = NAT_EV_END, .cause = (uint8_t)cause };

	tell(n, &ev, &n->flows.flow[index]);
	n->block->ended++;
	if (n->flows.flow[index].flags & FLOW_MASQ)
		masq_release(n, &n->flows.flow[index]);
	policy_ends(n, &n->flows.flow[index]);
	flow_del(&n->flows, index);
}

bool life_respects(const struct nat *n, const struct nat_flow *f)
{
	if (f->flags & FLOW_MASQ)
		return n->out[n->block->active].rule[f->row].flags & OUT_RESPECT;
	return nat_row(n, f)->flags & MAP_RESPECT;
}

/* Was it another life of the guest that the flow was with? The table before this one tells, if the flow is of it. */
static bool is_reborn(const struct nat *n, const struct nat_flow *f, const struct map_row *row)
{
	const struct map *old = &n->map[!n->block->active];

	return ((f->epoch + 1) & 0xff) == (n->block->epoch & 0xff) && f->row < old->head->n_rows &&
	       old->row[f->row].life != row->life;
}

RARE bool life_keeps(struct nat *n, struct nat_flow *f, nat_tick now)
{
	const struct map *m = active_map(n);
	bool freeze, masq;
	uint32_t row;

	if (f->epoch == (n->block->epoch & 0xff) && nat_forward(n, f) != NAT_NONE)
		return true;
	masq = f->flags & FLOW_MASQ;
	row = masq ? masq_keeps(n, f) : map_keeps(m, &f->orig, &f->reply, f->proto, f->family);
	if (row == NAT_NONE || (!masq && is_reborn(n, f, &m->row[row]))) {
		life_end(n, flow_index(&n->flows, f), NAT_END_FORWARD);
		return false;
	}
	f->row = row & 0xffffff;
	f->epoch = n->block->epoch & 0xff;
	policy_moves(n, f);
	/* What nobody answered goes on ageing: else a suspended guest would let strangers fill the table. */
	freeze = (f->flags & FLOW_ANSWERED) && (masq ? map_freezes(m, f->flags & FLOW_OUT ? &f->orig.src : &f->reply.src, f->family)
						      : m->row[row].flags & MAP_FROZEN);
	if (freeze && f->idle != IDLE_FROZEN)
		flow_freeze(&n->flows, f, now);
	else if (!freeze && f->idle == IDLE_FROZEN)
		flow_thaw(&n->flows, f, now);
	return true;
}

/* A port for a source of our own, unpredictable without the key (R20, RFC 6056 3.3.1). */
static uint16_t roll_port(struct nat *n)
{
	uint64_t roll = n->block->rolls++;
	uint32_t range = n->block->source_hi - n->block->source_lo + 1u;

	return wire_port((uint16_t)(n->block->source_lo + siphash_words(&n->block->flows.key, &roll, 1) % range));
}

static bool is_icmp(uint8_t proto)
{
	return proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMPV6;
}

/*
 * A guest that calls itself: between the hooks its call, c.addr:s.port -> g,
 * must not look like the answer, g -> c.addr:s.port.
 */
static bool looks_both_ways(const struct nat_flow *f)
{
	return f->reply.sport == f->reply.dport && nat_addr_eq(&f->orig.src, &f->reply.src);
}

/*
 * Enter the flow. The guest sees the initiator's own port unless the source
 * is one of ours (then a port outside the host's ephemeral range: its own
 * sockets must never be mixed up with ours), or the guest already talks to
 * that very port through another forward (R23).
 */
static uint32_t enter(struct nat *n, struct nat_flow *f, bool own_source, nat_tick now)
{
	uint32_t index;

	for (unsigned i = 0; i < PORT_TRIES; i++) {
		if (!is_icmp(f->proto) && !nat_proto_has_ports(f->proto)) {
			if (i)
				break;		/* R26: known by addresses alone; a second is refused */
		} else if (i || (own_source && !is_icmp(f->proto)))
			f->reply.dport = roll_port(n);
		index = looks_both_ways(f) ? NAT_NONE : flow_add(&n->flows, f, now);
		if (index != NAT_NONE)
			return index;
	}
	return NAT_NONE;
}

bool life_make_room(struct nat *n, nat_tick now)
{
	bool full = flow_is_full(&n->flows);
	uint32_t victim;

	if (!full && (!n->block->half_open || flow_unanswered(&n->flows) < n->block->half_open))
		return true;
	victim = policy_oldest_expired(n, now);
	if (victim != NAT_NONE) {
		life_end(n, victim, NAT_END_IDLE);
		return true;
	}
	victim = flow_evictable(&n->flows, now);
	if (victim == NAT_NONE)
		return !full;
	life_end(n, victim, NAT_END_ROOM);
	return true;
}

/* What state does a flow begin in, whose first packet this is? */
enum nat_reason life_first_state(const struct nat_pkt *p, struct nat_flow *f)
{
	enum tcp_event ev;
	enum tcp_state s;

	if (f->proto != NAT_PROTO_TCP)
		return proto_first(p, f);
	ev = tcp_event_of(p->tcp_flags);
	if (ev == TCP_EV_BAD)
		return NAT_WHY_TCP_FLAGS;
	s = tcp_next(TCP_NONE, NAT_ORIG, ev);
	if (s == TCP_NO)
		return NAT_WHY_TCP_NO_FLOW;
	f->tcp = s & 15u;
	f->idle = tcp_state_idle(s) & 15u;
	return NAT_WHY_UNDECIDED;
}

/* R83: from elsewhere than the guests' network, but with a source in it. Not left to rp_filter. */
static bool is_spoofed(const struct map_row *row, uint32_t indev, const struct nat_addr *src)
{
	const struct nat_prefix inside = { .addr = row->to, .family = row->family, .bits = row->inside_bits };

	return row->oif && indev != row->oif && row->inside_bits && nat_prefix_has(&inside, src, row->family);
}

static bool hops_end(const struct nat_pkt *p, const struct map_row *row)
{
	/* 1 is the loopback device in every namespace: what is delivered there is not forwarded */
	return p->hook == NAT_PRE && row->oif > 1 && p->data[p->view.tuple.family == NAT_IPV4 ? 8 : 7] <= 1;
}

bool life_ends_here(const struct nat *n, struct nat_pkt *p, const struct nat_flow *f)
{
	bool v4 = p->view.tuple.family == NAT_IPV4;
	const struct map_row *row = nat_row(n, f);
	uint32_t mtu;

	if (!row || p->dir != NAT_ORIG)
		return false;
	if (hops_end(p, row))
		return true;
	mtu = policy_mtu(n, row->oif);
	/*
	 * Segments of TCP follow a handshake, whose packets are small. What is
	 * larger than its own link came in pieces, and goes on in pieces.
	 */
	if (p->view.end > mtu && p->view.end <= policy_mtu(n, p->indev) && !p->gso && !p->view.is_fragment &&
	    f->proto != NAT_PROTO_TCP && (!v4 || (wire_get16(p->data + 6) & 0x4000)))
		p->too_big = v4 || mtu > 1280 ? mtu : 1280;
	return false;
}

/* There is a row but no guest: what the sender hears. */
static enum nat_reason no_guest(enum map_action action)
{
	switch (action) {
	case MAP_FORWARD:
		break;
	case MAP_REJECT:
		return NAT_WHY_REJECTED;
	case MAP_DROP:
		return NAT_WHY_DISCARDED;
	case MAP_HOLD:
		return NAT_WHY_HELD;
	}
	return NAT_WHY_UNDECIDED;
}

/* The translated ends: from row to flow. Returns whether the source is one of our own addresses. */
static bool translate(const struct map_row *row, const struct nat_pkt *p, struct nat_flow *f)
{
	const struct nat_addr *src = &f->orig.src;
	bool hairpin = p->hook == NAT_PRE && row->oif && p->indev == row->oif;
	bool loop = p->hook == NAT_OUT && nat_addr_is_loopback(src, f->family);
	bool host = row->flags & MAP_HOST_SOURCE;

	f->reply = flow_back(f);
	f->reply.src = row->to;
	if (nat_proto_has_ports(f->proto))
		f->reply.sport = map_guest_port(row, f->orig.dport);
	if (p->hook == NAT_OUT)
		f->flags |= FLOW_LOCAL;
	if (hairpin)
		f->reply.dst = f->orig.dst;		/* R75, RFC 4787 REQ-9a */
	if (loop || host)
		f->reply.dst = row->near;
	if ((hairpin || (host && p->hook == NAT_PRE)) && !nat_addr_eq(&f->reply.dst, src))
		f->flags |= FLOW_HAIRPIN;
	return hairpin || loop || host;
}

static void begun(struct nat *n, uint32_t index, struct nat_flow **out)
{
	struct nat_event ev = { .type = NAT_EV_NEW };

	n->block->opened++;
	*out = &n->flows.flow[index];
	policy_begins(n, *out);
	tell(n, &ev, *out);
}

enum nat_reason life_open(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out)
{
	const struct pkt_view *v = &p->view;
	const struct map *m = active_map(n);
	struct nat_flow f = { .orig = v->tuple.ends, .proto = v->tuple.proto, .family = v->tuple.family };
	uint32_t row, index;
	enum nat_reason why;
	bool own_source;

	row = map_find(m, &f.orig, f.proto, f.family, p->hook == NAT_OUT ? 0 : p->indev);
	if (row == NAT_NONE)
		return NAT_WHY_NO_FORWARD;
	why = life_first_state(p, &f);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (!map_allows(m, &m->row[row], &f.orig.src))
		return NAT_WHY_NOT_ALLOWED;
	why = no_guest(m->row[row].action);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (p->hook == NAT_PRE && is_spoofed(&m->row[row], p->indev, &f.orig.src))
		return NAT_WHY_SPOOFED;
	if (hops_end(p, &m->row[row]))
		return NAT_WHY_TTL_OVER;
	if (p->truncated)
		return NAT_WHY_TRUNCATED;
	own_source = translate(&m->row[row], p, &f);
	if (own_source && nat_addr_is_any(&f.reply.dst))
		return NAT_WHY_NO_SOURCE_ADDR;
	why = policy_admits(n, m->row[row].policy, &f.orig.src, f.family, now);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (!life_make_room(n, now))
		return NAT_WHY_TABLE_FULL;
	f.row = row & 0xffffff;
	f.epoch = n->block->epoch & 0xff;
	index = enter(n, &f, own_source, now);
	if (index == NAT_NONE)
		return NAT_WHY_NO_SOURCE_PORT;
	begun(n, index, out);
	return NAT_WHY_UNDECIDED;
}

bool life_begin(struct nat *n, struct nat_flow *f, nat_tick now, struct nat_flow **out)
{
	uint32_t index;

	f->epoch = n->block->epoch & 0xff;
	index = looks_both_ways(f) ? NAT_NONE : flow_add(&n->flows, f, now);
	if (index == NAT_NONE)
		return false;
	begun(n, index, out);
	return true;
}

/*
 * R44: a RST ends an established flow only if its sequence number is exactly
 * the one that the other side has acknowledged; anybody else would be guessing.
 */
static bool rst_exact(const struct nat_pkt *p, const struct nat_flow *f, enum nat_dir dir)
{
	uint32_t seq = wire_get32(p->data + p->view.l4 + 4);

	return (f->flags & life_ack_flag(!dir)) && seq == f->ack[!dir];
}

RARE bool life_must_begin_anew(struct nat *n, const struct nat_pkt *p, struct nat_flow *f)
{
	const struct map *m = active_map(n);
	const struct map_row *r;
	uint32_t row;

	if (f->proto != NAT_PROTO_TCP || (f->flags & FLOW_MASQ) || tcp_event_of(p->tcp_flags) != TCP_EV_SYN ||
	    (f->tcp != TCP_CLOSING && f->tcp != TCP_RESET))
		return false;
	row = map_find(m, &f->orig, f->proto, f->family, p->hook == NAT_OUT ? 0 : p->indev);
	if (row == f->row)
		return false;
	r = row == NAT_NONE ? NULL : &m->row[row];
	if (!r || r->action != MAP_FORWARD || !nat_addr_eq(&r->to, &f->reply.src) ||
	    map_guest_port(r, f->orig.dport) != f->reply.sport || !map_allows(m, r, &f->orig.src))
		return true;
	policy_ends(n, f);
	f->row = row & 0xffffff;
	policy_begins(n, f);
	return false;
}

/* R42: a new SYN on a closed flow is a new flow in the old place. */
static void reopen(struct nat *n, struct nat_flow *f)
{
	struct nat_event end = { .type = NAT_EV_END, .cause = NAT_END_REOPENED }, new = { .type = NAT_EV_NEW };

	tell(n, &end, f);
	f->flags &= (uint8_t)~(FLOW_ANSWERED | FLOW_ACK_ORIG | FLOW_ACK_REPLY);
	memset(f->octets, 0, sizeof(f->octets));
	memset(f->packets, 0, sizeof(f->packets));
	f->tcp = TCP_SYN_SENT;
	n->block->ended++;
	n->block->opened++;
	tell(n, &new, f);
}

RARE static enum nat_reason track_tcp(struct nat *n, const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir,
				 nat_tick now)
{
	enum tcp_event seen = tcp_event_of(p->tcp_flags);
	enum tcp_state was = f->tcp, to;
	enum idle_class idle;
	bool unanswered;

	if (seen == TCP_EV_BAD)
		return NAT_WHY_TCP_FLAGS;
	to = tcp_next(was, dir, seen);
	if (to == TCP_NO)
		return NAT_WHY_TCP_STATE;
	idle = tcp_state_idle(to);
	if (seen == TCP_EV_RST && was == TCP_ESTABLISHED && !rst_exact(p, f, dir)) {
		to = TCP_ESTABLISHED;
		idle = IDLE_TCP_DOUBT;
	}
	if (to == TCP_SYN_SENT && was != TCP_SYN_SENT) {
		reopen(n, f);
	} else if (to != was) {
		struct nat_event ev = { .type = NAT_EV_STATE, .from = (uint8_t)was, .to = (uint8_t)to };

		f->tcp = to & 15u;
		tell(n, &ev, f);
	}
	life_note_ack(p, f, dir);

	/* R34: repeating what nobody answers keeps nothing open. R33, R45: nor does a RST, or anything after it. */
	unanswered = dir == NAT_ORIG && (to == TCP_SYN_SENT || to == TCP_PICKED_UP);
	if (idle != flow_class(f) || (to == TCP_SYN_SENT && was != TCP_SYN_SENT))
		flow_move(&n->flows, f, idle, now);
	else if (!unanswered && to != TCP_RESET && seen != TCP_EV_RST)
		flow_touch(&n->flows, f, now);
	return NAT_WHY_UNDECIDED;
}

/* Picked up by the guest's own segment (inverse.h): before the client is heard, that answers nothing and lasts no longer (R34). */
static bool is_unheard(const struct nat_flow *f, enum nat_dir dir)
{
	return f->proto == NAT_PROTO_TCP && dir == NAT_REPLY && f->tcp == TCP_PICKED_UP && !f->packets[NAT_ORIG];
}

enum nat_reason life_track(struct nat *n, const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir, nat_tick now)
{
	enum nat_reason why;

	if (is_unheard(f, dir)) {
		life_note_ack(p, f, dir);
	} else if (f->proto == NAT_PROTO_TCP) {
		why = track_tcp(n, p, f, dir, now);
		if (why != NAT_WHY_UNDECIDED)
			return why;
	} else {
		why = proto_track(&n->flows, p, f, dir, now);
		if (why != NAT_WHY_UNDECIDED)
			return why;
	}
	if (dir == NAT_REPLY && !is_unheard(f, dir))
		f->flags |= FLOW_ANSWERED;
	life_count(p, f, dir);
	return NAT_WHY_UNDECIDED;
}
