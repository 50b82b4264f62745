/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reset - see reset.h */
#include "nfq/reset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat/rewrite.h"

static int open_raw(int family)
{
	/* IPPROTO_RAW: the IP header is ours to write, raw(7). */
	return socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
}

int reset_open(struct reset *r)
{
	r->fd4 = open_raw(AF_INET);
	if (r->fd4 < 0 && (errno == EPERM || errno == EACCES))
		return -EPERM;
	r->fd6 = open_raw(AF_INET6);
	return r->fd4 < 0 && r->fd6 < 0 ? -errno : 0;
}

void reset_close(struct reset *r)
{
	if (r->fd4 >= 0)
		close(r->fd4);
	if (r->fd6 >= 0)
		close(r->fd6);
	r->fd4 = r->fd6 = -1;
}

static size_t build_ip4(uint8_t *buf, const struct nat_ends *e)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr)),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
	};

	memcpy(&ip.saddr, nat_addr_wire(&e->src, NAT_IPV4), 4);
	memcpy(&ip.daddr, nat_addr_wire(&e->dst, NAT_IPV4), 4);
	memcpy(buf, &ip, sizeof(ip));	/* the kernel writes identification and checksum: raw(7) */
	return sizeof(ip);
}

static size_t build_ip6(uint8_t *buf, const struct nat_ends *e)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons(sizeof(struct tcphdr)),
		.ip6_nxt = IPPROTO_TCP,
		.ip6_hlim = 64,
	};

	memcpy(&ip.ip6_src, e->src.octet, 16);
	memcpy(&ip.ip6_dst, e->dst.octet, 16);
	memcpy(buf, &ip, sizeof(ip));
	return sizeof(ip);
}

size_t reset_build(const struct nat_flow *f, enum nat_dir to, uint8_t *buf)
{
	struct nat_ends e = to == NAT_ORIG ? flow_back(f) : flow_xlat(f);
	struct tcphdr tcp = { .source = e.sport, .dest = e.dport, .seq = htonl(f->ack[to]), .doff = 5, .rst = 1 };
	struct pkt_view v;
	size_t ip;

	if (!(f->flags & (to == NAT_ORIG ? FLOW_ACK_ORIG : FLOW_ACK_REPLY)))
		return 0;
	ip = f->family == NAT_IPV4 ? build_ip4(buf, &e) : build_ip6(buf, &e);
	memcpy(buf + ip, &tcp, sizeof(tcp));
	if (pkt_parse_ip(buf, (uint32_t)(ip + sizeof(tcp)), false, &v) != NAT_WHY_UNDECIDED)
		return 0;
	rewrite_full_csum(buf, &v);
	return ip + sizeof(tcp);
}

static bool send_to(const struct reset *r, const struct nat_flow *f, enum nat_dir to)
{
	struct nat_addr dst = to == NAT_ORIG ? f->orig.src : f->reply.src;
	uint8_t buf[RESET_OCTETS];
	size_t len = reset_build(f, to, buf);
	ssize_t n;

	if (!len)
		return false;
	if (f->family == NAT_IPV4) {
		struct sockaddr_in sa = { .sin_family = AF_INET };

		memcpy(&sa.sin_addr, nat_addr_wire(&dst, NAT_IPV4), 4);
		n = sendto(r->fd4, buf, len, 0, (const struct sockaddr *)&sa, sizeof(sa));
	} else {
		struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };

		memcpy(&sa.sin6_addr, dst.octet, 16);
		n = sendto(r->fd6, buf, len, 0, (const struct sockaddr *)&sa, sizeof(sa));
	}
	return n >= 0;
}

unsigned reset_send(const struct reset *r, const struct nat_flow *f)
{
	return (unsigned)send_to(r, f, NAT_REPLY) + (unsigned)send_to(r, f, NAT_ORIG);
}
