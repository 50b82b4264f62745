/* SPDX-License-Identifier: GPL-2.0-or-later */
/* raw - see raw.h */
#include "nfq/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfq/state.h"

enum { ERRORS_PER_SECOND = 1000 };

static int open_raw(int family)
{
	/* IPPROTO_RAW: the IP header is ours to write, raw(7). */
	return socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
}

int raw_open(struct raw *r)
{
	r->fd4 = open_raw(AF_INET);
	if (r->fd4 < 0 && (errno == EPERM || errno == EACCES))
		return -EPERM;
	r->fd6 = open_raw(AF_INET6);
	return r->fd4 < 0 && r->fd6 < 0 ? -errno : 0;
}

void raw_close(struct raw *r)
{
	if (r->fd4 >= 0)
		close(r->fd4);
	if (r->fd6 >= 0)
		close(r->fd6);
	r->fd4 = r->fd6 = -1;
}

static size_t header4(uint8_t *buf, const struct nat_ends *e, uint8_t proto, size_t len)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(ip) + len)),
		.ttl = 64,
		.protocol = proto,
	};

	memcpy(&ip.saddr, nat_addr_wire(&e->src, NAT_IPV4), 4);
	memcpy(&ip.daddr, nat_addr_wire(&e->dst, NAT_IPV4), 4);
	memcpy(buf, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t header6(uint8_t *buf, const struct nat_ends *e, uint8_t proto, size_t len)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons((uint16_t)len),
		.ip6_nxt = proto,
		.ip6_hlim = 64,
	};

	memcpy(&ip.ip6_src, e->src.octet, 16);
	memcpy(&ip.ip6_dst, e->dst.octet, 16);
	memcpy(buf, &ip, sizeof(ip));
	return sizeof(ip);
}

size_t raw_ip_header(uint8_t *buf, const struct nat_ends *e, enum nat_family family, uint8_t proto, size_t len)
{
	return family == NAT_IPV4 ? header4(buf, e, proto, len) : header6(buf, e, proto, len);
}

bool raw_send(const struct raw *r, enum nat_family family, const struct nat_addr *dst, const uint8_t *buf, size_t len)
{
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in sa4 = { .sin_family = AF_INET };

	if (family == NAT_IPV4) {
		memcpy(&sa4.sin_addr, nat_addr_wire(dst, NAT_IPV4), 4);
		return sendto(r->fd4, buf, len, 0, (const struct sockaddr *)&sa4, sizeof(sa4)) >= 0;
	}
	memcpy(&sa6.sin6_addr, dst->octet, 16);
	return sendto(r->fd6, buf, len, 0, (const struct sockaddr *)&sa6, sizeof(sa6)) >= 0;
}

static bool may_send_error(struct raw *r)
{
	uint64_t second = state_clock() / NAT_SEC(1);

	if (second != r->second)
		r->second = second, r->errors = 0;
	return r->errors++ < ERRORS_PER_SECOND;
}

bool raw_answer(struct raw *r, enum nat_family family, const struct nat_addr *dst, const uint8_t *buf, size_t len)
{
	return (buf[family == NAT_IPV4 ? 9 : 6] == NAT_PROTO_TCP || may_send_error(r)) && raw_send(r, family, dst, buf, len);
}
