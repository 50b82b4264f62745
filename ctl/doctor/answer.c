/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer - see answer.h */
#include "ctl/doctor/answer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 4, TRY_MS = 250, DISCARD_PORT = 9 };

/* Either family's address. */
union at {
	struct sockaddr sa;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static union at at(const struct nat_addr *a, uint8_t family)
{
	union at to = { 0 };

	if (family == NAT_IPV4) {
		to.four.sin_family = AF_INET;
		to.four.sin_port = htons(DISCARD_PORT);
		memcpy(&to.four.sin_addr, nat_addr_wire(a, NAT_IPV4), 4);
	} else {
		to.six.sin6_family = AF_INET6;
		to.six.sin6_port = htons(DISCARD_PORT);
		memcpy(&to.six.sin6_addr, a->octet, 16);
	}
	return to;
}

static socklen_t octets(uint8_t family)
{
	return family == NAT_IPV4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* A socket that talks to @to, from @from or, NULL, from what the host would take; -1 */
static int talk(const struct nat_addr *to, uint8_t family, const struct nat_addr *from)
{
	union at there = at(to, family), here;
	int fd = socket(there.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (from) {
		here = at(from, family);
		here.four.sin_port = 0;		/* both families have it in the same place */
	}
	if (fd >= 0 && ((from && bind(fd, &here.sa, octets(family)) < 0) || connect(fd, &there.sa, octets(family)) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What this host would use as source toward @to; nothing is sent. */
static bool source_toward(const struct nat_addr *to, uint8_t family, struct nat_addr *source)
{
	int fd = talk(to, family, NULL);
	union at here = { 0 };
	socklen_t len = sizeof(here);
	bool good = fd >= 0 && !getsockname(fd, &here.sa, &len);

	if (good)
		*source = family == NAT_IPV4 ? nat_addr_v4((const uint8_t *)&here.four.sin_addr) : nat_addr_v6(here.six.sin6_addr.s6_addr);
	if (fd >= 0)
		close(fd);
	return good;
}

/* Anything that comes back is an answer: the error that nobody listens, as a rule. */
static bool answers(const struct conf_row *row, const struct nat_addr *from)
{
	int fd = talk(&row->to, row->family, from);
	bool heard = false;

	for (unsigned i = 0; fd >= 0 && !heard && i < TRIES; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		heard = send(fd, "", 1, 0) < 0 || poll(&p, 1, TRY_MS) > 0;
	}
	if (fd >= 0)
		close(fd);
	return heard;
}

enum answer answer_of(const struct conf_row *row, struct nat_addr *from, struct nat_addr *near)
{
	static const uint8_t outside4[4] = { 192, 0, 2, 1 }, outside6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	const struct nat_addr outside = row->family == NAT_IPV4 ? nat_addr_v4(outside4) : nat_addr_v6(outside6);

	if (!source_toward(&outside, row->family, from) || !source_toward(&row->to, row->family, near) || nat_addr_eq(from, near))
		return ANSWER_UNKNOWN;
	if (answers(row, from))
		return ANSWER_YES;
	return answers(row, near) ? ANSWER_NEAR_ONLY : ANSWER_UNKNOWN;
}
