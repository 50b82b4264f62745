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

/* RFC 792, RFC 4443 3.1: four octets, unused, and as much of the packet as we have. */
static size_t icmp_answer(const uint8_t *head, size_t octets, const struct pkt_view *v, enum reject_how how, uint8_t *buf)
{
	bool v4 = v->tuple.family == NAT_IPV4, port = how == REJECT_AS_CLOSED && nat_proto_has_ports(v->tuple.proto);
	struct nat_ends e = nat_ends_inverse(&v->tuple.ends);
	size_t quote = octets < v->end ? octets : v->end, len = 8 + quote;
	size_t ip = raw_ip_header(buf, &e, v->tuple.family, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, len);
	uint8_t *h = buf + ip;

	memset(h, 0, 8);
	h[0] = v4 ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH;
	if (v4)
		h[1] = port ? ICMP_PORT_UNREACH : ICMP_HOST_UNREACH;
	else
		h[1] = port ? ICMP6_DST_UNREACH_NOPORT : ICMP6_DST_UNREACH_ADDR;
	memcpy(h + 8, head, quote);
	return ip + len;
}

size_t reject_build(const uint8_t *head, size_t octets, enum reject_how how, uint8_t *buf, struct nat_addr *dst,
		    enum nat_family *family)
{
	struct pkt_view v, answer;
	const struct nat_addr *src = &v.tuple.ends.src;
	size_t len = 0;

	if (octets > REJECT_QUOTE)
		octets = REJECT_QUOTE;
	if (pkt_parse_ip(head, (uint32_t)octets, true, &v) != NAT_WHY_UNDECIDED || !v.has_ports)
		return 0;
	*family = v.tuple.family;
	*dst = *src;
	if (nat_addr_is_multicast(src, *family) || nat_addr_is_any(src))
		return 0;
	if (how == REJECT_UNREACHABLE || v.tuple.proto != NAT_PROTO_TCP)
		len = icmp_answer(head, octets, &v, how, buf);
	else if (octets >= v.l4 + sizeof(struct tcphdr))
		len = tcp_answer(head, &v, buf);
	if (!len || pkt_parse_ip(buf, (uint32_t)len, false, &answer) != NAT_WHY_UNDECIDED)
		return 0;
	rewrite_full_csum(buf, &answer);
	return len;
}
