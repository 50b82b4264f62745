/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mss - see policy.h: the segment size that a SYN offers */
#include "nat/csum.h"
#include "nat/nat.h"
#include "nat/wire.h"

enum { TCP_MIN = 20, TCP_CSUM = 16, OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_MSS_OCTETS = 4 };

static uint32_t mtu_of(const struct policy_head *h, uint32_t ifindex)
{
	for (uint32_t i = 0; i < h->n_links; i++)
		if (ifindex && h->link[i].ifindex == ifindex)
			return h->link[i].mtu_octets;
	return UINT32_MAX;
}

uint32_t policy_mtu(const struct nat *n, uint32_t ifindex)
{
	return mtu_of(n->policies.area[n->block->active], ifindex);
}

/* What the narrower of both links can carry, without IP and TCP headers (RFC 6691). UINT32_MAX: neither is known. */
static uint32_t fitting(const struct policy_head *h, const struct nat_pkt *p, const struct map_row *row)
{
	uint32_t a = mtu_of(h, row->oif), b = mtu_of(h, p->hook == NAT_POST ? p->outdev : p->indev), mtu = a < b ? a : b;
	uint32_t headers = p->view.tuple.family == NAT_IPV4 ? 40 : 60;

	if (mtu == UINT32_MAX)
		return mtu;
	return mtu < headers + POLICY_MSS_MIN ? POLICY_MSS_MIN : mtu - headers;
}

static uint32_t wanted(const struct nat *n, const struct nat_pkt *p, const struct nat_flow *f)
{
	const struct policy_head *h = n->policies.area[n->block->active];
	const struct map_row *row = nat_row(n, f);
	uint32_t mss;

	if (!row || row->policy >= h->n)
		return UINT32_MAX;
	mss = h->policy[row->policy].mss ? h->policy[row->policy].mss : h->policy[0].mss;
	if (mss <= POLICY_MSS_OFF)
		return UINT32_MAX;
	return mss == POLICY_MSS_CLAMP ? fitting(h, p, row) : mss;
}

/* The offset of the option's value in the TCP header, or 0. RFC 9293 3.1. */
static uint32_t find_option(const uint8_t *h, uint32_t len)
{
	for (uint32_t at = TCP_MIN; at < len; ) {
		if (h[at] == OPT_END)
			return 0;
		if (h[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (at + 1 >= len || h[at + 1] < 2 || at + h[at + 1] > len)
			return 0;
		if (h[at] == OPT_MSS)
			return h[at + 1] == OPT_MSS_OCTETS ? at + 2 : 0;
		at += h[at + 1];
	}
	return 0;
}

void policy_mss(struct nat *n, struct nat_pkt *p, const struct nat_flow *f)
{
	uint8_t *h = p->data + p->view.l4, was[2];
	uint32_t at, mss;
	uint16_t from, to;

	if (!n->policies.area[n->block->active]->has_mss || !p->changed || p->view.tuple.proto != NAT_PROTO_TCP ||
	    !(p->tcp_flags & TCP_F_SYN) || p->view.is_fragment)
		return;
	at = find_option(h, (h[12] >> 4) * 4u);
	mss = at ? wanted(n, p, f) : UINT32_MAX;
	if (!at || wire_get16(h + at) <= mss)
		return;
	memcpy(was, h + at, 2);
	wire_put16(h + at, (uint16_t)mss);
	if (p->csum_full || p->csum_partial)
		return;			/* the sum is written later, by us or by the kernel */
	/* A value at an odd place belongs to two words of the sum: as if its octets were swapped (RFC 1071 2 B). */
	from = wire_get16(was);
	to = wire_get16(h + at);
	if (at % 2) {
		from = (uint16_t)(from << 8 | from >> 8);
		to = (uint16_t)(to << 8 | to >> 8);
	}
	wire_putbe16(h + TCP_CSUM, csum_update(wire_getbe16(h + TCP_CSUM), csum_diff16(wire_port(from), wire_port(to))));
}
