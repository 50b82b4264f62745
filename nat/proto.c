/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proto - see proto.h */
#include "nat/proto.h"

#include "nat/sctp.h"
#include "nat/tcp.h"
#include "nat/wire.h"

static enum sctp_event sctp_event(const struct nat_pkt *p)
{
	return sctp_event_of(p->data + p->view.l4, p->view.end - p->view.l4);
}

static enum nat_reason first_sctp(const struct nat_pkt *p, struct nat_flow *f)
{
	enum sctp_event ev = sctp_event(p);
	enum sctp_state s;

	if (ev == SCTP_EV_BAD)
		return NAT_WHY_SCTP_CHUNKS;
	s = sctp_next(SCTP_NONE, NAT_ORIG, ev);
	if (s == SCTP_NO)
		return NAT_WHY_SCTP_NO_FLOW;
	f->tcp = s & 15u;
	f->idle = sctp_state_idle(s) & 15u;
	return NAT_WHY_UNDECIDED;
}

enum nat_reason proto_first(const struct nat_pkt *p, struct nat_flow *f)
{
	switch (f->proto) {
	case NAT_PROTO_SCTP:
		return first_sctp(p, f);
	case NAT_PROTO_ICMP:
	case NAT_PROTO_ICMPV6:
		f->idle = IDLE_ICMP;
		return p->view.icmp_request ? NAT_WHY_UNDECIDED : NAT_WHY_NO_FORWARD;
	case NAT_PROTO_DCCP:
		f->idle = IDLE_TCP_OPENING;
		return NAT_WHY_UNDECIDED;
	default:
		f->idle = IDLE_UDP_OPENING;
		return NAT_WHY_UNDECIDED;
	}
}

static enum nat_reason track_sctp(struct flow_table *t, const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir,
				  nat_tick now)
{
	enum sctp_event ev = sctp_event(p);
	enum sctp_state was = f->tcp, to;
	bool again;

	if (ev == SCTP_EV_BAD)
		return NAT_WHY_SCTP_CHUNKS;
	to = sctp_next(was, dir, ev);
	if (to == SCTP_NO)
		return NAT_WHY_SCTP_STATE;
	f->tcp = to & 15u;
	again = dir == NAT_ORIG && (to == SCTP_INIT || to == SCTP_PICKED_UP);	/* R34: nobody has answered */
	if (to != was)
		flow_move(t, f, sctp_state_idle(to), now);
	else if (!again && ev != SCTP_EV_ABORT)
		flow_touch(t, f, now);
	return NAT_WHY_UNDECIDED;
}

/* RFC 4340 5.1: the type is in bits 1 to 4 of octet 8; 7 is Reset. */
static bool is_dccp_reset(const struct nat_pkt *p)
{
	return (p->data[p->view.l4 + 8] >> 1 & 15) == 7;
}

static enum idle_class class_after(const struct nat_pkt *p, const struct nat_flow *f, enum nat_dir dir)
{
	enum idle_class is = flow_class(f);

	if (f->proto == NAT_PROTO_DCCP && is_dccp_reset(p))
		return IDLE_TCP_CLOSING;
	if (dir == NAT_ORIG)
		return is;
	if (f->proto == NAT_PROTO_DCCP)
		return is == IDLE_TCP_OPENING ? IDLE_TCP_ESTABLISHED : is;
	if (is != IDLE_UDP_OPENING)
		return is;
	return nat_proto_has_ports(f->proto) ? IDLE_UDP : IDLE_OTHER;
}

enum nat_reason proto_track(struct flow_table *t, const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir,
			    nat_tick now)
{
	enum idle_class to;

	if (f->proto == NAT_PROTO_SCTP)
		return track_sctp(t, p, f, dir, now);
	to = class_after(p, f, dir);
	if (to != flow_class(f))
		flow_move(t, f, to, now);
	else
		flow_touch(t, f, now);
	return NAT_WHY_UNDECIDED;
}

const char *proto_state_name(uint8_t proto, uint8_t state)
{
	if (proto == NAT_PROTO_TCP && state < TCP_STATES)
		return tcp_state_name(state);
	if (proto == NAT_PROTO_SCTP && state < SCTP_STATES)
		return sctp_state_name(state);
	return "";
}
