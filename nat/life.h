/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * life - how flows begin, are followed, and end. Internal to nat/.
 */
#ifndef NAT_LIFE_H
#define NAT_LIFE_H

#include "nat/hot.h"
#include "nat/nat.h"
#include "nat/tcp.h"
#include "nat/wire.h"

/**
 * life_open - open a flow for a packet that belongs to none, if a forward wants it
 * @out: the new flow
 *
 * Only at PRE and OUT. Returns NAT_WHY_UNDECIDED and the flow, or why not:
 * NO_FORWARD, NOT_ALLOWED, SPOOFED, TTL_OVER, TABLE_FULL, NO_SOURCE_ADDR, NO_SOURCE_PORT,
 * TCP_FLAGS, TCP_NO_FLOW, TRUNCATED; then nothing was changed.
 */
enum nat_reason life_open(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out);

/* life_first_state - state and idle class of @f, whose first packet @p is; UNDECIDED, or why it cannot open a flow */
enum nat_reason life_first_state(const struct nat_pkt *p, struct nat_flow *f);

/* life_make_room - a slot for a new flow, evicting another if need be (R76); false: table full */
bool life_make_room(struct nat *n, nat_tick now);

/* life_begin - enter a flow all of whose ends are decided, and tell the listener; false: a key is taken */
bool life_begin(struct nat *n, struct nat_flow *f, nat_tick now, struct nat_flow **out);

/**
 * life_track - note a packet of a known flow: state, timers, counters
 * Returns NAT_WHY_UNDECIDED, or TCP_FLAGS, TCP_STATE: drop it, nothing was changed.
 */
enum nat_reason life_track(struct nat *n, const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir, nat_tick now);

static inline uint8_t life_ack_flag(enum nat_dir dir)
{
	return dir == NAT_ORIG ? FLOW_ACK_ORIG : FLOW_ACK_REPLY;
}

/* life_note_ack - remember the highest acknowledgement of each side, for R44 */
HOT static void life_note_ack(const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir)
{
	uint32_t ack;

	if (!(p->tcp_flags & TCP_F_ACK) || (p->tcp_flags & TCP_F_RST) || p->view.end - p->view.l4 < 12)
		return;
	ack = wire_get32(p->data + p->view.l4 + 8);
	if (!(f->flags & life_ack_flag(dir)) || tcp_after(ack, f->ack[dir])) {
		f->ack[dir] = ack;
		f->flags |= life_ack_flag(dir);
	}
}

HOT static void life_count(const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir)
{
	f->packets[dir]++;
	f->octets[dir] += p->truncated ? p->view.whole_end : p->view.end;
}

/**
 * life_ends_here - must this host drop the packet, and say so, before it reaches the guest (R4)?
 * @f: a flow that nobody has answered; other packets and hooks are none of its business
 *
 * The kernel's own error about the first packet of a forwarded conversation
 * cannot be translated where conntrack is in use (docs/decisions/0004). So we
 * look ahead: true, its hop limit ends here. A datagram that is too big for
 * the way to the guest sets p->too_big and goes on; the kernel drops it, or
 * it was whole only for us and is cut up again.
 */
bool life_ends_here(const struct nat *n, struct nat_pkt *p, const struct nat_flow *f);

/* life_end - end a flow and tell the listener */
void life_end(struct nat *n, uint32_t index, enum nat_cause cause);

/* life_respects - are new packets of @f left to the host's FORWARD rules? */
bool life_respects(const struct nat *n, const struct nat_flow *f);

/*
 * life_leads - the caller's number of the flow's forward, if the flow is of the active table
 * NAT_NONE: ask life_keeps(). The same as nat_forward(), for the data path.
 */
static inline uint32_t life_leads(const struct nat *n, const struct nat_flow *f)
{
	const struct map *m = &n->map[n->block->active];

	if (f->epoch != (n->block->epoch & 0xff) || (f->flags & FLOW_MASQ) || f->row >= m->head->n_rows)
		return NAT_NONE;
	return m->row[f->row].forward;
}

/**
 * life_keeps - does the active table still lead this flow?
 * If not, or if its guest began another life, it is ended here. If its guest
 * was suspended or resumed, its timer stands still or goes on.
 */
bool life_keeps(struct nat *n, struct nat_flow *f, nat_tick now);

/*
 * life_must_begin_anew - is it a SYN on a closed flow (R42) that would be led elsewhere today, or not let in?
 * If another row leads it to the same place, it is that row's flow from now on.
 */
bool life_must_begin_anew(struct nat *n, const struct nat_pkt *p, struct nat_flow *f);

#endif
