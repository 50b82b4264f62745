/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * echo - the answering end of rr and crr: gives back what comes, TCP and UDP.
 * Prints `ready` when it listens; ends when told to.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/load/load.h"

enum { EVENTS = 64, ROOM = 65536 };

static char room[ROOM];

static void echo_datagrams(int fd)
{
	struct sockaddr_storage from;

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, room, ROOM, 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		sendto(fd, room, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

static void take_connections(int ep, int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			close(fd);
	}
}

/* A request is one octet or a few; who sends more than the socket takes is cut off. */
static void echo_stream(int fd)
{
	ssize_t n = recv(fd, room, ROOM, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || send(fd, room, (size_t)n, MSG_NOSIGNAL) != n)
		close(fd);
}

int load_echo(const struct load_opts *o)
{
	int tcp = load_listen(o->port, SOCK_STREAM), udp = load_listen(o->port, SOCK_DGRAM), ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event a = { .events = EPOLLIN, .data.fd = tcp }, b = { .events = EPOLLIN, .data.fd = udp };
	struct epoll_event ev[EVENTS];

	if (tcp < 0 || udp < 0 || ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, tcp, &a) < 0 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, udp, &b) < 0)
		return 1;
	load_until_told();
	puts("ready");
	fflush(stdout);
	while (!load_told_to_stop) {
		int n = epoll_wait(ep, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == tcp)
				take_connections(ep, tcp);
			else if (ev[i].data.fd == udp)
				echo_datagrams(udp);
			else
				echo_stream(ev[i].data.fd);
		}
	}
	return 0;
}
