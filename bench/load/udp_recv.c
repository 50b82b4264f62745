/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp_recv - what arrives of udp_send's datagrams, and how late.
 *
 * Prints `ready` when it listens. Told to stop (SIGTERM), it waits until
 * nothing has come for a quarter of a second: what is still in a queue counts.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bench/load/load.h"

enum { BURST = 64, ROOM = 2048, SILENCE_MS = 250 };

struct receiver {
	uint8_t payload[BURST][ROOM];
	struct iovec iov[BURST];
	struct mmsghdr msg[BURST];
	uint64_t received, octets, first_ns, last_ns;
	struct hist late;
};

static void note(struct receiver *r, unsigned i, uint64_t now)
{
	struct load_stamp stamp;

	r->octets += r->msg[i].msg_len;
	if (r->msg[i].msg_len < sizeof(stamp))
		return;
	memcpy(&stamp, r->payload[i], sizeof(stamp));
	if (stamp.sent_ns <= now)
		hist_add(&r->late, now - stamp.sent_ns);
}

static void drain(struct receiver *r, int fd)
{
	int n;

	while ((n = recvmmsg(fd, r->msg, BURST, MSG_DONTWAIT, NULL)) > 0) {
		r->last_ns = load_now();
		if (!r->received)
			r->first_ns = r->last_ns;
		r->received += (unsigned)n;
		for (unsigned i = 0; i < (unsigned)n; i++)
			note(r, i, r->last_ns);
	}
}

int load_udp_recv(const struct load_opts *o)
{
	static struct receiver r;
	struct pollfd pfd = { .fd = load_listen(o->port, SOCK_DGRAM), .events = POLLIN };
	double seconds;

	if (pfd.fd < 0)
		return 1;
	for (unsigned i = 0; i < BURST; i++) {
		r.iov[i] = (struct iovec){ r.payload[i], ROOM };
		r.msg[i].msg_hdr = (struct msghdr){ .msg_iov = &r.iov[i], .msg_iovlen = 1 };
	}
	load_until_told();
	puts("ready");
	fflush(stdout);
	while (poll(&pfd, 1, load_told_to_stop ? SILENCE_MS : 50) > 0 || !load_told_to_stop)
		drain(&r, pfd.fd);
	seconds = (double)(r.last_ns - r.first_ns) / 1e9;
	return load_print(json_pack("{sI sI sf sf}", "received", (json_int_t)r.received, "octets", (json_int_t)r.octets,
				    "seconds", seconds, "per_second", seconds > 0 ? (double)r.received / seconds : 0.),
			  &r.late);
}
