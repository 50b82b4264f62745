/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common - what the modes share; see load.h */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/load.h"

volatile bool load_told_to_stop;

static void told(int signum)
{
	(void)signum;
	load_told_to_stop = true;
}

void load_until_told(void)
{
	struct sigaction sa = { .sa_handler = told };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}

uint64_t load_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int load_resolve(const char *address, const char *port, struct sockaddr_storage *sa, socklen_t *octets)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	int err = getaddrinfo(address, port, &hints, &ai);

	if (err) {
		fprintf(stderr, "load: %s port %s: %s; give a numeric address and port\n", address, port, gai_strerror(err));
		return -1;
	}
	__builtin_memcpy(sa, ai->ai_addr, ai->ai_addrlen);
	*octets = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

int load_listen(const char *port, int type)
{
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0, octets = 64 << 20;
	struct sockaddr_storage sa;
	socklen_t len;

	if (fd < 0 || load_resolve("::", port, &sa, &len) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (type == SOCK_DGRAM)		/* a TCP window that large would only hide what the path does */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets));
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 4096) < 0)) {
		perror("load: bind");
		close(fd);
		return -1;
	}
	return fd;
}

int load_print(json_t *result, const struct hist *h)
{
	static const struct {
		const char *name;
		double share;
	} points[] = { { "p50_us", 0.5 }, { "p90_us", 0.9 }, { "p99_us", 0.99 }, { "p999_us", 0.999 }, { "max_us", 1 } };
	int bad;

	if (!result) {
		fputs("load: no memory for the result\n", stderr);
		return 1;
	}
	for (unsigned i = 0; h && i < sizeof(points) / sizeof(points[0]); i++)
		json_object_set_new(result, points[i].name, json_real((double)hist_at(h, points[i].share) / 1000));
	bad = json_dumpf(result, stdout, JSON_REAL_PRECISION(9) | JSON_PRESERVE_ORDER) < 0 || puts("") < 0 || fflush(stdout);
	json_decref(result);
	return bad;
}
