/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queues - see queues.h */
#include "nfq/queues.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>

#include "nfq/handover.h"
#include "nfq/log.h"

enum {
	WHY_OCTETS = 512,
	WAIT_MS = 1000,			/* the worker of a daemon that was killed takes a moment to die */
	STEP_MS = 20,
};

static unsigned cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set) > WORKER_THREADS_MAX ? WORKER_THREADS_MAX : (unsigned)CPU_COUNT(&set);
}

static int open_wait(struct queue *q, uint16_t num, bool gso, char *why, size_t why_octets)
{
	for (int waited = 0;; waited += STEP_MS) {
		int err = queue_open(q, num, gso, why, why_octets);

		if (err != -EBUSY || waited >= WAIT_MS)
			return err;
		poll(NULL, 0, STEP_MS);
	}
}

int queues_open(struct worker_queues *q, const struct conf *c, unsigned *threads)
{
	const unsigned n = c->workers ? c->workers : cpus();
	char why[WHY_OCTETS];

	if (c->queue + 2 * n > 65536) {
		log_error("queue %u: %u workers need %u numbers from there on; choose a smaller `queue:`", c->queue, n, 2 * n);
		return -ERANGE;
	}
	*threads = n;
	handover_queues(q, n, c->queue);
	for (unsigned i = 0; i < n; i++) {
		uint16_t tcp = (uint16_t)(c->queue + i), rest = (uint16_t)(tcp + n);

		if ((!q[i].tcp.nl && open_wait(&q[i].tcp, tcp, true, why, sizeof(why)) < 0) ||
		    (!q[i].rest.nl && open_wait(&q[i].rest, rest, false, why, sizeof(why)) < 0)) {
			log_error("%s", why);
			queues_close(q, n);
			return -EIO;
		}
	}
	return 0;
}

void queues_close(struct worker_queues *q, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++) {
		if (q[i].tcp.nl)
			queue_close(&q[i].tcp);
		if (q[i].rest.nl)
			queue_close(&q[i].rest);
	}
}
