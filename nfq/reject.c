/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reject - see reject.h */
#include "nfq/reject.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

#include "nat/pkt.h"
#include "nat/rewrite.h"
#include "nat/wire.h"
#include "nfq/raw.h"

/* RFC 9293 3.10.7.1: what acknowledges nothing is acknowledged, what acknowledges is answered from there. */
static size_t tcp_answer(const uint8_t *head, const struct pkt_view *v, uint8_t *buf)
{
	uint32_t end = v->tuple.family == NAT_IPV4 ? wire_get16(head + 2) : 40u + wire_get16(head + 4);
	struct nat_ends e = nat_ends_inverse(&v->tuple.ends);
	struct tcphdr in, out = { .source = e.sport, .dest = e.dport, .doff = 5, .rst = 1 };
	size_t ip = raw_ip_header(buf, &e, v->tuple.family, IPPROTO_TCP, sizeof(out));

	memcpy(&in, head + v->l4, sizeof(in));
	if (in.rst || in.doff < 5 || end < v->l4 + 4u * in.doff)
		return 0;
	if (in.ack) {
		out.seq = in.ack_seq;
	} else {
		out.ack = 1;
		out.ack_seq = htonl(ntohl(in.seq) + in.syn + in.fin + (end - v->l4 - 4u * in.doff));
	}
	memcpy(buf + ip, &out, sizeof(out));
	return ip + sizeof(out);
}

/* Type and code of the ICMP error that says it; RFC 792, RFC 1191, RFC 4443, RFC 7112. */
static void say(uint8_t *h, enum reject_how how, bool v4, bool port)
{
	static const struct { uint8_t type4, code4, type6, code6; } words[REJECT_HOWS] = {
		[REJECT_AS_CLOSED] = { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR },
		[REJECT_UNREACHABLE] = { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR },
		[REJECT_EXPIRED] = { ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT },
		[REJECT_TOO_BIG] = { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, ICMP6_PACKET_TOO_BIG, 0 },
		[REJECT_CHAIN] = { 0, 0, ICMP6_PARAM_PROB, 3 },
	};

	h[0] = v4 ? words[how].type4 : words[how].type6;
	h[1] = v4 ? words[how].code4 : words[how].code6;
	if (how == REJECT_AS_CLOSED && port)
		h[1] = v4 ? ICMP_PORT_UNREACH : ICMP6_DST_UNREACH_NOPORT;
}

/* RFC 792, RFC 4443 3: four octets, and as much of the packet as we have. */
static size_t icmp_answer(const uint8_t *head, size_t octets, const struct pkt_view *v, enum reject_how how, uint32_t mtu,
			  uint8_t *buf)
{
	bool v4 = v->tuple.family == NAT_IPV4;
	struct nat_ends e = nat_ends_inverse(&v->tuple.ends);
	size_t quote = octets < v->end ? octets : v->end, len = 8 + quote;
	size_t ip = raw_ip_header(buf, &e, v->tuple.family, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, len);
	uint8_t *h = buf + ip;

	memset(h, 0, 8);
	say(h, how, v4, nat_proto_has_ports(v->tuple.proto));
	if (how == REJECT_TOO_BIG) {
		if (!v4)
			wire_put16(h + 4, (uint16_t)(mtu >> 16));
		wire_put16(h + 6, (uint16_t)(v4 && mtu > 65535 ? 65535 : mtu));
	}
	memcpy(h + 8, head, quote);
	return ip + len;
}

/* May an error be sent about it (RFC 1122 3.2.2, RFC 4443 2.4e)? Of a cut-off chain only the addresses are known. */
static bool may_answer(enum nat_reason parsed, const struct pkt_view *v, enum reject_how how)
{
	if (how == REJECT_CHAIN)
		return v->tuple.family == NAT_IPV6 && v->is_fragment && !v->is_later;
	return parsed == NAT_WHY_UNDECIDED && (v->has_ports || (v->has_flow && how != REJECT_AS_CLOSED));
}

uint32_t reject_head(const struct nat_pkt *p, uint8_t head[REJECT_QUOTE])
{
	uint32_t octets = p->len < REJECT_QUOTE ? p->len : (uint32_t)REJECT_QUOTE;
	struct pkt_view v = p->view;

	/* Ports, or an identifier, behind a chain of headers that is longer than what we have. */
	if (v.l4 + 8 > octets)
		return 0;
	memcpy(head, p->data, octets);
	if (p->changed)
		rewrite_ends(head, &v, &p->before, false);
	return octets;
}

size_t reject_build(const uint8_t *head, size_t octets, enum reject_how how, uint32_t mtu, uint8_t *buf,
		    struct nat_addr *dst, enum nat_family *family)
{
	struct pkt_view v, answer;
	const struct nat_addr *src = &v.tuple.ends.src, *to = &v.tuple.ends.dst;
	enum nat_reason parsed;
	size_t len = 0;

	if (octets > REJECT_QUOTE)
		octets = REJECT_QUOTE;
	parsed = pkt_parse_ip(head, (uint32_t)octets, true, &v);
	if (!may_answer(parsed, &v, how))
		return 0;
	*family = v.tuple.family;
	*dst = *src;
	if (nat_addr_is_multicast(src, *family) || nat_addr_is_any(src) || nat_addr_is_multicast(to, *family))
		return 0;
	if (how != REJECT_AS_CLOSED || v.tuple.proto != NAT_PROTO_TCP)
		len = icmp_answer(head, octets, &v, how, mtu, buf);
	else if (octets >= v.l4 + sizeof(struct tcphdr))
		len = tcp_answer(head, &v, buf);
	if (!len || pkt_parse_ip(buf, (uint32_t)len, false, &answer) != NAT_WHY_UNDECIDED)
		return 0;
	rewrite_full_csum(buf, &answer);
	return len;
}
