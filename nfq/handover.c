/* SPDX-License-Identifier: GPL-2.0-or-later */
/* handover - see handover.h */
#include "nfq/handover.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nfq/kept.h"
#include "nfq/log.h"
#include "nfq/notify.h"
#include "nfq/steer/run.h"

enum { WORDS_OCTETS = 256, ALSO_MAX = 4 };

#define STATE_NAME "state"

static char **arguments;
static char program[PATH_MAX];
static struct {
	const char *name;
	int fd;
} also[ALSO_MAX];
static unsigned n_also;

void handover_begin(char **argv)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[n > 0 ? n : 0] = '\0';
	arguments = argv;
	kept_open();
}

int handover_state(void)
{
	return kept_take(STATE_NAME);
}

int handover_take(const char *name)
{
	return kept_take(name);
}

void handover_also(const char *name, int fd)
{
	if (n_also == ALSO_MAX)
		return;
	also[n_also].name = name;
	also[n_also++].fd = fd;
}

/* What it is for is part of the name: it was set up for that. */
static void queue_name(char *name, uint16_t num, const char *what)
{
	snprintf(name, KEPT_NAME_OCTETS, "queue-%u-%s", num, what);
}

static void take(struct queue *q, uint16_t num, const char *what)
{
	char name[KEPT_NAME_OCTETS];
	int fd;

	queue_name(name, num, what);
	fd = kept_take(name);
	if (fd >= 0 && queue_adopt(q, fd, num) < 0) {
		notify_forget(name);
		close(fd);
	}
}

void handover_queues(struct worker_queues *q, unsigned threads, uint16_t first)
{
	unsigned dropped;

	for (unsigned i = 0; i < threads; i++) {
		take(&q[i].tcp, (uint16_t)(first + i), "tcp");
		take(&q[i].rest, (uint16_t)(first + threads + i), "rest");
		if (first + 2 * threads + i <= UINT16_MAX)
			take(&q[i].headers, (uint16_t)(first + 2 * threads + i), "headers");
		q[i].headers.headers = q[i].headers.nl;
		q[i].headers.whole = (uint16_t)(first + i);
	}
	dropped = kept_drop();
	if (dropped)
		log_info("%u descriptors of the run before are of no use now", dropped);
}

/* Call @give with each descriptor and its name until one fails. */
static int each(int (*give)(const char *name, int fd), const struct state *s, const struct worker_queues *q, unsigned threads)
{
	char name[KEPT_NAME_OCTETS];
	int err = s ? give(STATE_NAME, s->fd) : 0;

	for (unsigned i = 0; i < n_also && !err; i++)
		err = give(also[i].name, also[i].fd);
	for (unsigned i = 0; i < threads && !err; i++) {
		queue_name(name, q[i].tcp.num, "tcp");
		err = give(name, q[i].tcp.fd);
		if (err)
			break;
		queue_name(name, q[i].rest.num, "rest");
		err = give(name, q[i].rest.fd);
		if (err || !q[i].headers.nl)
			continue;
		queue_name(name, q[i].headers.num, "headers");
		err = give(name, q[i].headers.fd);
	}
	return err;
}

void handover_keep(const struct state *s, const struct worker_queues *q, unsigned threads)
{
	int err;

	if (!notify_wanted())
		return;
	if (s)
		notify_forget(STATE_NAME);	/* another one of an earlier run */
	for (unsigned i = 0; i < n_also; i++)
		notify_forget(also[i].name);
	err = each(notify_keep, s, q, threads);
	if (err)
		log_warn("flows and queues cannot be kept by the service manager: %s; they are lost if this process dies",
			 strerror(-err));
}

int handover_check(const char *config)
{
	const char *const argv[] = { program, "--check", "--config", config, NULL };
	char words[WORDS_OCTETS], *out = NULL;
	int ret = run_program(argv, NULL, &out, words, sizeof(words));

	free(out);
	if (!ret)
		return 0;
	log_error("%s does not start with %s: %s", program, config, words);
	return ret < 0 ? ret : -EINVAL;
}

int handover_exec(const char *config, const struct state *s, const struct worker_queues *q, unsigned threads)
{
	int err = handover_check(config);

	if (!err)
		err = each(kept_leave, s, q, threads);
	if (!err) {
		execv(program, arguments);
		err = -errno;
		log_error("%s: %s", program, strerror(errno));
	}
	kept_undo();
	return err;
}
