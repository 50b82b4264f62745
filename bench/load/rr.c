/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rr - request and response: one octet there and back, again and again, on
 * each of --flows connections; how long each round took.
 *
 * Over UDP a request that is not answered within a second counts as lost and
 * the next one goes out.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/load/load.h"

enum { FLOWS_MAX = 1024, EVENTS = 64 };

static const uint64_t PATIENCE_NS = 1000000000;

struct requester {
	int ep, fd[FLOWS_MAX];
	uint64_t asked_ns[FLOWS_MAX];
	uint64_t answered, lost;
	struct hist took;
};

static int ask(struct requester *r, unsigned i)
{
	char octet = 'x';

	r->asked_ns[i] = load_now();
	return send(r->fd[i], &octet, 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int open_all(struct requester *r, const struct load_opts *o)
{
	struct sockaddr_storage to;
	socklen_t octets;
	int on = 1;

	if (load_resolve(o->address, o->port, &to, &octets) < 0)
		return -1;
	for (unsigned i = 0; i < o->flows; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

		r->fd[i] = socket(to.ss_family, (o->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
		if (r->fd[i] < 0 || connect(r->fd[i], (struct sockaddr *)&to, octets) < 0 ||
		    epoll_ctl(r->ep, EPOLL_CTL_ADD, r->fd[i], &ev) < 0) {
			perror("load: connect");
			return -1;
		}
		if (!o->udp)
			setsockopt(r->fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	return 0;
}

static int answered(struct requester *r, unsigned i)
{
	char room[64];
	ssize_t n = recv(r->fd[i], room, sizeof(room), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == ECONNREFUSED))
		return 0;
	if (n <= 0) {
		fprintf(stderr, "load: connection %u ended after %lu answers\n", i, (unsigned long)r->answered);
		return -1;
	}
	hist_add(&r->took, load_now() - r->asked_ns[i]);
	r->answered++;
	return ask(r, i);
}

static void ask_again(struct requester *r, unsigned flows)
{
	uint64_t now = load_now();

	for (unsigned i = 0; i < flows; i++) {
		if (now - r->asked_ns[i] < PATIENCE_NS)
			continue;
		r->lost++;
		ask(r, i);
	}
}

int load_rr(const struct load_opts *o)
{
	static struct requester r;
	uint64_t begin, end, look;
	struct epoll_event ev[EVENTS];

	r.ep = epoll_create1(EPOLL_CLOEXEC);
	if (!o->flows || o->flows > FLOWS_MAX) {
		fprintf(stderr, "load: --flows %u: from 1 to %d\n", o->flows, FLOWS_MAX);
		return 1;
	}
	if (r.ep < 0 || open_all(&r, o) < 0)
		return 1;
	load_until_told();
	begin = look = load_now();
	end = begin + (uint64_t)(o->seconds * 1e9);
	for (unsigned i = 0; i < o->flows; i++)
		ask(&r, i);
	for (uint64_t now = begin; now < end && !load_told_to_stop; now = load_now()) {
		int n = epoll_wait(r.ep, ev, EVENTS, 100);

		for (int i = 0; i < n; i++)
			if (answered(&r, ev[i].data.u32) < 0)
				return 1;
		if (o->udp && now - look > PATIENCE_NS / 4) {
			look = now;
			ask_again(&r, o->flows);
		}
	}
	return load_print(json_pack("{sI sI sf}", "answered", (json_int_t)r.answered, "lost", (json_int_t)r.lost, "per_second",
				    (double)r.answered / ((double)(load_now() - begin) / 1e9)), &r.took);
}
