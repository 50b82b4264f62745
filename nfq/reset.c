/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reset - see reset.h */
#include "nfq/reset.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "nat/rewrite.h"

size_t reset_build(const struct nat_flow *f, enum nat_dir to, uint8_t *buf)
{
	struct nat_ends e = to == NAT_ORIG ? flow_back(f) : flow_xlat(f);
	struct tcphdr tcp = { .source = e.sport, .dest = e.dport, .seq = htonl(f->ack[to]), .doff = 5, .rst = 1 };
	struct pkt_view v;
	size_t ip;

	if (!(f->flags & (to == NAT_ORIG ? FLOW_ACK_ORIG : FLOW_ACK_REPLY)))
		return 0;
	ip = raw_ip_header(buf, &e, f->family, IPPROTO_TCP, sizeof(tcp));
	memcpy(buf + ip, &tcp, sizeof(tcp));
	if (pkt_parse_ip(buf, (uint32_t)(ip + sizeof(tcp)), false, &v) != NAT_WHY_UNDECIDED)
		return 0;
	rewrite_full_csum(buf, &v);
	return ip + sizeof(tcp);
}

static bool send_to(const struct raw *r, const struct nat_flow *f, enum nat_dir to)
{
	uint8_t buf[RESET_OCTETS];
	size_t len = reset_build(f, to, buf);

	return len && raw_send(r, f->family, to == NAT_ORIG ? &f->orig.src : &f->reply.src, buf, len);
}

unsigned reset_send(const struct raw *r, const struct nat_flow *f)
{
	return (unsigned)send_to(r, f, NAT_REPLY) + (unsigned)send_to(r, f, NAT_ORIG);
}
