/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why - see why.h */
#include "nfq/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>

#include "nat/rewrite.h"
#include "nfq/peek.h"

enum { PACKET_OCTETS = 128, ECHO_OCTETS = 8 };

/* An engine as small as they come. */
struct scratch {
	struct nat nat;
	void *mem;
};

static int scratch_make(struct scratch *s, const struct nat *live)
{
	struct nat_params p = {
		.max_flows = 1024, .max_rows = 1, .max_allow = 1, .max_outs = 1, .max_mappings = 64, .max_peers = 64,
		.source_lo = live->block->source_lo, .source_hi = live->block->source_hi, .key = live->block->flows.key,
	};
	uint64_t octets = (block_octets(&p) + 63) & ~(uint64_t)63;
	unsigned active = live->block->active & 1;

	s->mem = aligned_alloc(64, octets);
	if (!s->mem)
		return -ENOMEM;
	memset(s->mem, 0, octets);
	block_init(s->mem, &p);
	if (nat_attach(&s->nat, s->mem, octets) != BLOCK_OK) {
		free(s->mem);
		return -ENOMEM;
	}
	for (unsigned c = 0; c < IDLE_CLASSES; c++)
		s->nat.block->flows.limit[c] = live->block->flows.limit[c];
	s->nat.block->active = active;
	s->nat.block->epoch = live->block->epoch;
	s->nat.map[active] = live->map[active];
	s->nat.out[active] = live->out[active];
	return 0;
}

static size_t put_ip(uint8_t *buf, const struct why_question *q, size_t l4)
{
	struct iphdr ip4 = { .version = 4, .ihl = 5, .ttl = 64, .protocol = q->proto, .tot_len = htons((uint16_t)(sizeof(ip4) + l4)) };
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6u << 28), .ip6_plen = htons((uint16_t)l4), .ip6_nxt = q->proto, .ip6_hlim = 64 };

	if (q->family == NAT_IPV4) {
		memcpy(&ip4.saddr, nat_addr_wire(&q->ends.src, NAT_IPV4), 4);
		memcpy(&ip4.daddr, nat_addr_wire(&q->ends.dst, NAT_IPV4), 4);
		memcpy(buf, &ip4, sizeof(ip4));
		return sizeof(ip4);
	}
	memcpy(&ip6.ip6_src, q->ends.src.octet, 16);
	memcpy(&ip6.ip6_dst, q->ends.dst.octet, 16);
	memcpy(buf, &ip6, sizeof(ip6));
	return sizeof(ip6);
}

/* Returns its length, 0: none can be made. */
static uint32_t packet(uint8_t *buf, const struct why_question *q)
{
	struct tcphdr tcp = { .source = q->ends.sport, .dest = q->ends.dport, .doff = 5 };
	struct udphdr udp = { .source = q->ends.sport, .dest = q->ends.dport, .len = htons(sizeof(udp)) };
	uint8_t echo[ECHO_OCTETS] = { q->family == NAT_IPV4 ? 8 : 128 };
	const void *l4;
	size_t octets, ip;

	switch (q->proto) {
	case NAT_PROTO_TCP:
		((uint8_t *)&tcp)[13] = q->tcp_flags;
		l4 = &tcp;
		octets = sizeof(tcp);
		break;
	case NAT_PROTO_UDP:
		l4 = &udp;
		octets = sizeof(udp);
		break;
	case NAT_PROTO_ICMP:
	case NAT_PROTO_ICMPV6:
		memcpy(echo + 4, &q->ends.sport, 2);
		l4 = echo;
		octets = sizeof(echo);
		break;
	default:
		return 0;
	}
	ip = put_ip(buf, q, octets);
	memcpy(buf + ip, l4, octets);
	return (uint32_t)(ip + octets);
}

/* The flow that it belongs to, by the key that this hook looks for. */
static uint32_t find(const struct nat *live, const struct why_question *q, struct nat_flow *f)
{
	struct nat_ends ends = q->hook == NAT_FWD ? nat_ends_inverse(&q->ends) : q->ends;

	return peek_find(live, &ends, q->proto, q->family, f);
}

static void decide(struct scratch *s, struct nat_pkt *p, uint8_t *buf, uint32_t len, nat_ns now)
{
	struct pkt_view v;

	p->data = buf;
	p->len = len;
	if (pkt_parse_ip(buf, len, false, &v) == NAT_WHY_UNDECIDED)
		rewrite_full_csum(buf, &v);
	nat_packet(&s->nat, p, now);
	nat_finish(p);
}

/* Whose row turned a first packet away. */
static void blame(const struct nat *live, const struct why_question *q, struct nat_pkt *p)
{
	const struct map *m = &live->map[live->block->active & 1];
	uint32_t row;

	if (p->forward != NAT_NONE || nat_reason_verdict(p->reason) != NAT_DROP || (q->hook != NAT_PRE && q->hook != NAT_OUT))
		return;
	row = map_find(m, &q->ends, q->proto, q->family, q->hook == NAT_OUT ? 0 : q->indev);
	if (row != NAT_NONE)
		p->forward = m->row[row].forward;
}

/* The next hook that a first packet of a forward comes to. */
static void ask_forward(struct scratch *s, struct why_answer *a, uint8_t *buf, uint32_t len, nat_ns now)
{
	enum nat_reason why = a->pkt.reason;

	if (a->pkt.hook != NAT_PRE || !a->pkt.changed || (why != NAT_WHY_OPENED && why != NAT_WHY_PICKED_UP))
		return;
	a->at_forward = true;
	a->forward = (struct nat_pkt){ .hook = NAT_FWD, .indev = a->pkt.indev };
	decide(s, &a->forward, buf, len, now);
	a->forward.data = NULL;
}

int why_ask(const struct nat *live, const struct why_question *q, nat_ns now, struct why_answer *a)
{
	uint8_t buf[PACKET_OCTETS];
	uint32_t len = packet(buf, q);
	struct scratch s;
	int err;

	if (!len)
		return -EPROTONOSUPPORT;
	*a = (struct why_answer){ .pkt = { .hook = q->hook, .indev = q->indev, .outdev = q->outdev } };
	a->index = find(live, q, &a->flow);
	a->has_flow = a->index != NAT_NONE;
	err = scratch_make(&s, live);
	if (err)
		return err;
	if (a->has_flow && !(a->flow.flags & FLOW_MASQ))
		flow_add(&s.nat.flows, &a->flow, nat_tick_of(now));
	decide(&s, &a->pkt, buf, len, now);
	if (!a->has_flow)
		blame(live, q, &a->pkt);
	if (!a->has_flow && a->pkt.flow != NAT_NONE)
		a->flow = s.nat.flows.flow[a->pkt.flow];
	ask_forward(&s, a, buf, len, now);
	a->pkt.data = NULL;
	free(s.mem);
	return 0;
}
