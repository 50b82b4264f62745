/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blast - UDP datagrams as fast as they go, and how many of them arrive.
 *
 *     blast send ADDRESS PORT OCTETS SECONDS FLOWS   prints what was sent, datagrams per second
 *     blast recv PORT SECONDS                        prints what arrived, datagrams per second, then ends
 *
 * The receiver's clock runs from its first datagram to its last.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 64, FLOWS_MAX = 1024 };

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int open_to(const char *address, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST }, *ai;
	int fd = -1;

	if (getaddrinfo(address, port, &hints, &ai))
		return -1;
	fd = socket(ai->ai_family, SOCK_DGRAM, 0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

static int blast_send(char **arg)
{
	static uint8_t payload[65536];
	static struct mmsghdr msg[BURST];
	static int fd[FLOWS_MAX];
	size_t octets = (size_t)atoi(arg[2]);
	double seconds = atof(arg[3]), begin, end;
	unsigned flows = (unsigned)atoi(arg[4]), turn = 0;
	struct iovec iov = { payload, octets };
	uint64_t sent = 0;

	if (!flows || flows > FLOWS_MAX || octets > sizeof(payload))
		return 2;
	for (unsigned i = 0; i < flows; i++)
		if ((fd[i] = open_to(arg[0], arg[1])) < 0) {
			perror("blast: connect");
			return 1;
		}
	for (unsigned i = 0; i < BURST; i++)
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	begin = now_s();
	do {
		int n = sendmmsg(fd[turn++ % flows], msg, BURST, 0);

		sent += n > 0 ? (uint64_t)n : 0;
		end = now_s();
	} while (end - begin < seconds);
	printf("%.0f\n", (double)sent / (end - begin));
	return 0;
}

static int open_at(int port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), off = 0, buf = 64 << 20;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buf, sizeof(buf)) < 0)
		perror("blast: receive buffer stays small");
	return fd;
}

static int blast_recv(char **arg)
{
	static uint8_t payload[BURST][2048];
	static struct mmsghdr msg[BURST];
	static struct iovec iov[BURST];
	int fd = open_at(atoi(arg[0]));
	double limit = now_s() + atof(arg[1]), first = 0, last = 0;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t got = 0;

	if (fd < 0) {
		perror("blast: bind");
		return 1;
	}
	for (unsigned i = 0; i < BURST; i++) {
		iov[i] = (struct iovec){ payload[i], sizeof(payload[i]) };
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	puts("ready");
	fflush(stdout);
	while (now_s() < limit) {
		int n;

		if (poll(&pfd, 1, 100) <= 0) {
			if (got && now_s() - last > 0.5)
				break;
			continue;
		}
		n = recvmmsg(fd, msg, BURST, MSG_DONTWAIT, NULL);
		if (n <= 0)
			continue;
		last = now_s();
		if (!got)
			first = last;
		got += (uint64_t)n;
	}
	printf("%.0f\n", last > first ? (double)got / (last - first) : 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "send"))
		return blast_send(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "recv"))
		return blast_recv(argv + 2);
	fprintf(stderr, "usage: blast send ADDRESS PORT OCTETS SECONDS FLOWS | blast recv PORT SECONDS\n");
	return 2;
}
