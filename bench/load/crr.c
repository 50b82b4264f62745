/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crr - connect, request, response, close: whole connections per second,
 * --flows of them at once. Closed by RST, so that no port waits in TIME_WAIT.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/load/load.h"

enum { FLOWS_MAX = 1024, EVENTS = 64 };

static const uint64_t PATIENCE_NS = 3000000000;

enum step { CLOSED, CONNECTING, ASKED };

struct connector {
	int ep, fd[FLOWS_MAX];
	enum step step[FLOWS_MAX];
	uint64_t begun_ns[FLOWS_MAX];
	struct sockaddr_storage to;
	socklen_t to_octets;
	uint64_t done, failed;
	int last_errno;
	struct hist took;
};

static void end_one(struct connector *c, unsigned i)
{
	if (c->step[i] != CLOSED)
		close(c->fd[i]);	/* leaves the epoll set with it */
	c->step[i] = CLOSED;
}

static void fail(struct connector *c, unsigned i, int err)
{
	c->failed++;
	c->last_errno = err;
	end_one(c, i);
}

static void begin_one(struct connector *c, unsigned i)
{
	struct epoll_event ev = { .events = EPOLLOUT, .data.u32 = i };
	struct linger rst = { 1, 0 };
	int fd = socket(c->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	c->begun_ns[i] = load_now();
	if (fd < 0) {
		fail(c, i, errno);
		return;
	}
	c->fd[i] = fd;
	c->step[i] = CONNECTING;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
	if ((connect(fd, (struct sockaddr *)&c->to, c->to_octets) < 0 && errno != EINPROGRESS) ||
	    epoll_ctl(c->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		fail(c, i, errno);
}

static void connected(struct connector *c, unsigned i)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

	if (send(c->fd[i], "x", 1, MSG_NOSIGNAL) != 1 || epoll_ctl(c->ep, EPOLL_CTL_MOD, c->fd[i], &ev) < 0)
		fail(c, i, errno);
	else
		c->step[i] = ASKED;
}

static void answered(struct connector *c, unsigned i)
{
	char octet;
	ssize_t n = recv(c->fd[i], &octet, 1, 0);

	if (n != 1) {
		fail(c, i, n ? errno : ECONNRESET);
		return;
	}
	c->done++;
	hist_add(&c->took, load_now() - c->begun_ns[i]);
	end_one(c, i);
}

static void go_on(struct connector *c, unsigned flows)
{
	uint64_t now = load_now();

	for (unsigned i = 0; i < flows; i++) {
		if (c->step[i] != CLOSED && now - c->begun_ns[i] > PATIENCE_NS)
			fail(c, i, ETIMEDOUT);
		if (c->step[i] == CLOSED)
			begin_one(c, i);
	}
}

int load_crr(const struct load_opts *o)
{
	static struct connector c;
	struct epoll_event ev[EVENTS];
	uint64_t begin, end;

	c.ep = epoll_create1(EPOLL_CLOEXEC);
	if (!o->flows || o->flows > FLOWS_MAX) {
		fprintf(stderr, "load: --flows %u: from 1 to %d\n", o->flows, FLOWS_MAX);
		return 1;
	}
	if (c.ep < 0 || load_resolve(o->address, o->port, &c.to, &c.to_octets) < 0)
		return 1;
	load_until_told();
	begin = load_now();
	end = begin + (uint64_t)(o->seconds * 1e9);
	while (load_now() < end && !load_told_to_stop) {
		int n;

		go_on(&c, o->flows);
		n = epoll_wait(c.ep, ev, EVENTS, 10);
		for (int i = 0; i < n; i++) {
			unsigned f = ev[i].data.u32;

			if (c.step[f] == CONNECTING)
				connected(&c, f);
			else if (c.step[f] == ASKED)
				answered(&c, f);
		}
	}
	return load_print(json_pack("{sI sI si sf}", "done", (json_int_t)c.done, "failed", (json_int_t)c.failed, "last_errno",
				    c.last_errno, "per_second", (double)c.done / ((double)(load_now() - begin) / 1e9)),
			  &c.took);
}
