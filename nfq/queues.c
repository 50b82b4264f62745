/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queues - see queues.h */
#include "nfq/queues.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>

#include "nfq/handover.h"
#include "nfq/log.h"
#include "nfq/steer/marks.h"
#include "nfq/steer/rules.h"

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

/* One queue of thread's set @w, if it was not left to us. */
static int open_wait(struct worker_queues *w, enum rules_set set, unsigned num, char *why, size_t why_octets)
{
	struct queue *q = set == RULES_TCP ? &w->tcp : set == RULES_REST ? &w->rest : &w->headers;

	for (int waited = 0; !q->nl; waited += STEP_MS) {
		int err = set == RULES_HEADERS ? queue_open_headers(q, (uint16_t)num, w->tcp.num, why, why_octets)
					       : queue_open(q, (uint16_t)num, set == RULES_TCP, why, why_octets);

		if (err && (err != -EBUSY || waited >= WAIT_MS))
			return err;
		if (err)
			poll(NULL, 0, STEP_MS);
	}
	return 0;
}

static int open_all(struct worker_queues *q, unsigned first, unsigned n, unsigned sets)
{
	char why[WHY_OCTETS];

	for (unsigned i = 0; i < n; i++)
		for (enum rules_set set = RULES_TCP; set < sets; set++)
			if (open_wait(&q[i], set, first + set * n + i, why, sizeof(why)) < 0) {
				log_error("%s", why);
				return -EIO;
			}
	return 0;
}

/* Do headers of large TCP packets suffice? What a run before has left goes on, for so do its rules. */
static void choose_headers(const struct worker_queues *q, const struct conf *c, struct queues_road *road)
{
	char why[WHY_OCTETS];

	*road = (struct queues_road){ .headers = q[0].headers.nl };
	if (road->headers)
		return;
	if (!c->headers_only) {
		marks_stop();		/* of a run before that was killed */
		snprintf(road->why_whole, sizeof(road->why_whole), "headers-only: off");
		return;
	}
	road->headers = !marks_start(why, sizeof(why));
	if (!road->headers)
		snprintf(road->why_whole, sizeof(road->why_whole), "the kernel does not rewrite them: %.200s", why);
}

int queues_open(struct worker_queues *q, const struct conf *c, unsigned *threads, struct queues_road *road)
{
	const unsigned n = c->workers ? c->workers : cpus(), want = conf_queues(c, n);

	if (c->queue + want > 65536) {
		log_error("queue %u: %u workers need %u numbers from there on; choose a smaller `queue:`", c->queue, n, want);
		return -ERANGE;
	}
	*threads = n;
	handover_queues(q, n, c->queue);
	choose_headers(q, c, road);
	if (!open_all(q, c->queue, n, road->headers ? 3 : 2))
		return 0;
	queues_close(q, n);
	if (road->headers)
		marks_stop();
	return -EIO;
}

void queues_close(struct worker_queues *q, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++) {
		if (q[i].tcp.nl)
			queue_close(&q[i].tcp);
		if (q[i].rest.nl)
			queue_close(&q[i].rest);
		if (q[i].headers.nl)
			queue_close(&q[i].headers);
	}
}
