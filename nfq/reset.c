/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reset - see reset.h */
#include "nfq/reset.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "nat/rewrite.h"

/* @tcp: all but its ports */
static size_t build(const struct nat_flow *f, enum nat_dir to, struct tcphdr tcp, uint8_t *buf)
{
	struct nat_ends e = to == NAT_ORIG ? flow_back(f) : flow_xlat(f);
	struct pkt_view v;
	size_t ip;

	if (!(f->flags & (to == NAT_ORIG ? FLOW_ACK_ORIG : FLOW_ACK_REPLY)))
		return 0;
	tcp.source = e.sport;
	tcp.dest = e.dport;
	ip = raw_ip_header(buf, &e, f->family, IPPROTO_TCP, sizeof(tcp));
	memcpy(buf + ip, &tcp, sizeof(tcp));
	if (pkt_parse_ip(buf, (uint32_t)(ip + sizeof(tcp)), false, &v) != NAT_WHY_UNDECIDED)
		return 0;
	rewrite_full_csum(buf, &v);
	return ip + sizeof(tcp);
}

size_t reset_build(const struct nat_flow *f, enum nat_dir to, uint8_t *buf)
{
	return build(f, to, (struct tcphdr){ .seq = htonl(f->ack[to]), .doff = 5, .rst = 1 }, buf);
}

size_t reset_probe_build(const struct nat_flow *f, enum nat_dir to, uint8_t *buf)
{
	struct tcphdr tcp = { .seq = htonl(f->ack[to] - 1), .ack_seq = htonl(f->ack[!to]), .doff = 5, .ack = 1 };

	return build(f, to, tcp, buf);
}

static bool send_to(const struct raw *r, const struct nat_flow *f, enum nat_dir to, const uint8_t *buf, size_t len)
{
	return len && raw_send(r, f->family, to == NAT_ORIG ? &f->orig.src : &f->reply.src, buf, len);
}

static bool reset_to(const struct raw *r, const struct nat_flow *f, enum nat_dir to)
{
	uint8_t buf[RESET_OCTETS];

	return send_to(r, f, to, buf, reset_build(f, to, buf));
}

static void probe(const struct raw *r, const struct nat_flow *f, enum nat_dir to)
{
	uint8_t buf[RESET_OCTETS];

	send_to(r, f, to, buf, reset_probe_build(f, to, buf));
}

void reset_repeat(void *raw, const struct nat_flow *f)
{
	reset_to(raw, f, NAT_REPLY);
	probe(raw, f, NAT_REPLY);
}

void reset_again(void *raw, const struct nat_flow *f)
{
	reset_to(raw, f, NAT_ORIG);
	probe(raw, f, NAT_ORIG);
}

unsigned reset_send(const struct raw *r, const struct nat_flow *f)
{
	unsigned told = (unsigned)reset_to(r, f, NAT_REPLY);

	told += (unsigned)reset_to(r, f, NAT_ORIG);
	probe(r, f, NAT_ORIG);
	return told;
}
