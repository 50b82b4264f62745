/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accept - the limit of this road: an NFQUEUE program that only says yes.
 *
 * Same queues, flags, copy range, batching and threads as nfqnat's worker
 * (it uses the same queue and message code), but no engine. By default it
 * gives each packet back whole, as a program that has changed it must; a
 * packet with an unfinished checksum that is no aggregate is accepted without
 * its payload, because giving it back would need the checksum finished: that
 * is cheaper than what nfqnat has to do, so the comparison is not in nfqnat's favour.
 * With -h only headers of TCP come, as on nfqnatd's road by marks; what does not
 * fit is accepted as it is. With -n no payload goes back at all: what a program
 * that changes nothing costs.
 *
 *     accept [-h] [-n] QUEUE WORKERS     TCP: QUEUE ..., the rest: QUEUE + WORKERS ...
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nfq/batch.h"
#include "nfq/msg.h"
#include "nfq/queue.h"

static bool no_payload, headers;

struct thread {
	struct queue q[2];
	unsigned cpu;
	bool pinned;
	uint8_t *slots;
	struct iovec out[BATCH_PACKETS];
};

static unsigned batch(struct thread *t, struct queue *q)
{
	struct msghdr m = { .msg_iov = t->out };
	size_t octets = 0;
	unsigned n = 0;

	while (n < BATCH_PACKETS && octets < BATCH_OCTETS) {
		uint8_t *buf = t->slots + (size_t)n * MSG_SLOT_OCTETS;
		ssize_t len = recv(q->fd, buf, MSG_SLOT_OCTETS - 4, MSG_DONTWAIT);
		struct nat_pkt p;
		uint16_t num;
		uint32_t id;
		int err;

		if (len < 0)
			break;
		if (msg_parse(buf, (size_t)len, &p, &id, &num, &err) != MSG_PACKET)
			continue;
		if (no_payload || p.truncated || (p.csum_partial && !p.gso))
			t->out[n++] = msg_verdict(buf, q->num, id, NAT_ACCEPT);
		else
			t->out[n++] = msg_verdict_in_place(&p, q->num, id, NAT_ACCEPT);
		octets += (size_t)len;
	}
	m.msg_iovlen = n;
	if (n && sendmsg(q->fd, &m, 0) < 0)
		perror("accept: sendmsg");
	return n;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct pollfd pfd[2] = { { .fd = t->q[0].fd, .events = POLLIN }, { .fd = t->q[1].fd, .events = POLLIN } };
	cpu_set_t set;

	if (t->pinned) {
		CPU_ZERO(&set);
		CPU_SET(t->cpu, &set);
		pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	}
	for (;;) {
		poll(pfd, 2, -1);
		for (unsigned i = 0; i < 2; i++)
			if (pfd[i].revents)
				for (unsigned round = 0; round < 16 && batch(t, &t->q[i]); round++)
					;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct thread thread[64];
	unsigned first, workers, at = 1;
	char why[512];
	pthread_t id;

	for (; (int)at < argc && argv[at][0] == '-'; at++) {
		no_payload |= !strcmp(argv[at], "-n");
		headers |= !strcmp(argv[at], "-h");
	}
	if (argc != (int)at + 2)
		return 2;
	first = (unsigned)atoi(argv[at]);
	workers = (unsigned)atoi(argv[at + 1]);
	for (unsigned i = 0; i < workers && i < 64; i++) {
		struct thread *t = &thread[i];

		t->cpu = i;
		t->pinned = workers > 1;
		t->slots = aligned_alloc(64, (size_t)BATCH_PACKETS * MSG_SLOT_OCTETS);
		if (!t->slots || (headers ? queue_open_headers(&t->q[0], (uint16_t)(first + i), 0, why, sizeof(why))
					  : queue_open(&t->q[0], (uint16_t)(first + i), true, why, sizeof(why))) < 0 ||
		    queue_open(&t->q[1], (uint16_t)(first + workers + i), false, why, sizeof(why)) < 0) {
			fprintf(stderr, "accept: %s\n", t->slots ? why : "no memory");
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	for (unsigned i = 1; i < workers; i++)
		pthread_create(&id, NULL, thread_main, &thread[i]);
	thread_main(&thread[0]);
}
