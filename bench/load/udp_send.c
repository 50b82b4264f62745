/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp_send - datagrams at a rate, from as many flows as asked for.
 *
 * Up to 1024 flows are sockets of their own. More are made of source
 * addresses: with `sources` as the first, each datagram names its own by
 * IP_PKTINFO; a `local` route must make the kernel own them. Flow i leaves
 * from address i / SOCKETS and socket i % SOCKETS.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load/load.h"

enum { BURST = 64, SOCKETS_MAX = 1024, SOCKETS_FOR_SOURCES = 16, OCTETS_MAX = 65507 };

struct sender {
	const struct load_opts *o;
	struct sockaddr_storage to, from;
	int fd[SOCKETS_MAX];
	unsigned sockets;
	struct mmsghdr msg[BURST];
	struct iovec iov[BURST];
	_Alignas(struct cmsghdr) char control[BURST][CMSG_SPACE(sizeof(struct in6_pktinfo))];
	uint8_t *payload;		/* BURST of o->octets */
	uint64_t next_flow, sent, refused;
};

static int sockets_open(struct sender *s, socklen_t to_octets)
{
	s->sockets = s->o->sources ? SOCKETS_FOR_SOURCES : s->o->flows;
	if (s->sockets > SOCKETS_MAX) {
		fprintf(stderr, "load: more than %d flows need --sources\n", SOCKETS_MAX);
		return -1;
	}
	for (unsigned i = 0; i < s->sockets; i++) {
		int octets = 4 << 20;

		s->fd[i] = socket(s->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (s->fd[i] < 0 || (!s->o->sources && connect(s->fd[i], (struct sockaddr *)&s->to, to_octets) < 0)) {
			perror("load: socket");
			return -1;
		}
		setsockopt(s->fd[i], SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets));
	}
	return 0;
}

static void address_add(uint8_t *last4, uint32_t n)
{
	uint32_t a;

	memcpy(&a, last4, 4);
	a = htonl(ntohl(a) + n);
	memcpy(last4, &a, 4);
}

/* Let message @m leave from source address number @n. */
static void source_set(struct sender *s, unsigned m, uint32_t n)
{
	struct msghdr *h = &s->msg[m].msg_hdr;
	struct cmsghdr *c;

	h->msg_control = s->control[m];
	h->msg_controllen = sizeof(s->control[m]);
	c = CMSG_FIRSTHDR(h);
	if (s->to.ss_family == AF_INET) {
		struct in_pktinfo info = { .ipi_spec_dst = ((struct sockaddr_in *)&s->from)->sin_addr };

		address_add((uint8_t *)&info.ipi_spec_dst, n);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		h->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_addr = ((struct sockaddr_in6 *)&s->from)->sin6_addr };

		address_add(info.ipi6_addr.s6_addr + 12, n);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		h->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

/* One send of @n datagrams through one socket; several sends go round all flows. */
static void burst(struct sender *s, unsigned n, uint64_t now, socklen_t to_octets)
{
	unsigned sock = (unsigned)(s->next_flow % s->sockets);
	uint32_t addresses = s->o->flows / s->sockets ? s->o->flows / s->sockets : 1;
	int sent;

	for (unsigned i = 0; i < n; i++) {
		struct load_stamp stamp = { now, s->sent + i };

		memcpy(s->payload + (size_t)i * s->o->octets, &stamp, sizeof(stamp));
		if (s->o->sources) {
			s->msg[i].msg_hdr.msg_name = &s->to;
			s->msg[i].msg_hdr.msg_namelen = to_octets;
			source_set(s, i, (uint32_t)((s->next_flow / s->sockets + i) % addresses));
		}
	}
	sent = sendmmsg(s->fd[sock], s->msg, n, 0);
	if (sent > 0)
		s->sent += (unsigned)sent;
	if (sent < (int)n)
		s->refused++;
	/* the next socket; after the last, the next addresses */
	s->next_flow += sock + 1 < s->sockets ? 1 : 1 + (uint64_t)(n - 1) * s->sockets;
}

static void run(struct sender *s, socklen_t to_octets, uint64_t begin)
{
	const uint64_t end = begin + (uint64_t)(s->o->seconds * 1e9);

	for (uint64_t now = load_now(); now < end && !load_told_to_stop; now = load_now()) {
		uint64_t due = BURST;

		if (s->o->rate > 0) {
			uint64_t until_now = (uint64_t)((double)(now - begin) * s->o->rate / 1e9);

			due = until_now > s->sent ? until_now - s->sent : 0;
		}
		if (!due) {
			nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
			continue;
		}
		burst(s, due < BURST ? (unsigned)due : BURST, now, to_octets);
	}
}

int load_udp_send(const struct load_opts *o)
{
	static struct sender s;
	socklen_t to_octets, from_octets;
	uint64_t begin;

	s.o = o;
	if (o->octets < sizeof(struct load_stamp) || o->octets > OCTETS_MAX) {
		fprintf(stderr, "load: --octets %u: from %zu to %d\n", o->octets, sizeof(struct load_stamp), OCTETS_MAX);
		return 1;
	}
	if (load_resolve(o->address, o->port, &s.to, &to_octets) < 0 ||
	    (o->sources && load_resolve(o->sources, "0", &s.from, &from_octets) < 0) || sockets_open(&s, to_octets) < 0)
		return 1;
	s.payload = calloc(BURST, o->octets);
	if (!s.payload)
		return 1;
	for (unsigned i = 0; i < BURST; i++) {
		s.iov[i] = (struct iovec){ s.payload + (size_t)i * o->octets, o->octets };
		s.msg[i].msg_hdr = (struct msghdr){ .msg_iov = &s.iov[i], .msg_iovlen = 1 };
	}
	load_until_told();
	begin = load_now();
	run(&s, to_octets, begin);
	return load_print(json_pack("{sI sI sf}", "sent", (json_int_t)s.sent, "refused", (json_int_t)s.refused, "seconds",
				    (double)(load_now() - begin) / 1e9), NULL);
}
