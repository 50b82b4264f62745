/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire - what both ends of a test conversation share: addresses as text,
 * deterministic octets, whole writes. Static, so that each tool is one file.
 */
#ifndef TESTS_TOOLS_WIRE_H
#define TESTS_TOOLS_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Exit status: a refused conversation differs from a silent one. */
enum status { OK = 0, USAGE = 1, REFUSED = 2, TIMED_OUT = 3, RESET = 4, FAILED = 5 };

#define CHUNK ((size_t)1 << 17)
#define DATAGRAM 65536

union addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(FAILED);
}

static inline socklen_t addr_len(const union addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static inline bool addr_parse(const char *text, uint16_t port, union addr *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		return true;
	}
	return false;
}

/* addr_print - "ADDRESS PORT" */
static inline const char *addr_print(const union addr *a, char *out, size_t octets)
{
	char text[INET6_ADDRSTRLEN];

	if (a->sa.sa_family == AF_INET)
		snprintf(out, octets, "%s %u", inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof(text)),
			 ntohs(a->v4.sin_port));
	else
		snprintf(out, octets, "%s %u", inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof(text)),
			 ntohs(a->v6.sin6_port));
	return out;
}

/* gen_fill - word i of the stream is a mix of i, so it can be made from any @offset (a multiple of 8) */
static inline void gen_fill(uint8_t *out, size_t octets, uint64_t offset)
{
	uint64_t word[CHUNK / 8];
	uint64_t i = offset / 8;
	size_t n = (octets + 7) / 8;

	for (size_t k = 0; k < n; k++, i++) {
		uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u;

		x ^= x >> 32;
		x *= 0xd6e8feb86659fd93u;
		word[k] = x ^ (x >> 29);
	}
	memcpy(out, word, octets);
}

/* write_all - blocking; returns 0 or errno */
static inline int write_all(int fd, const uint8_t *from, size_t octets)
{
	while (octets) {
		ssize_t n = write(fd, from, octets);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		from += n;
		octets -= (size_t)n;
	}
	return 0;
}

/* gen_write - the first @octets of the stream; returns 0 or errno */
static inline int gen_write(int fd, uint64_t octets)
{
	static uint8_t block[CHUNK];

	for (uint64_t done = 0; done < octets;) {
		size_t n = octets - done < CHUNK ? (size_t)(octets - done) : CHUNK;
		int err;

		gen_fill(block, n, done);
		err = write_all(fd, block, n);
		if (err)
			return err;
		done += n;
	}
	return 0;
}

#endif
