/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coalesce - see coalesce.h */
#include "nfq/coalesce.h"

#include <poll.h>
#include <time.h>

void coalesce_count(struct coalesce *c, unsigned packets, nat_ns now)
{
	nat_ns elapsed = now - c->since;

	c->packets += packets;
	if (elapsed < COALESCE_WINDOW_NS)
		return;
	c->on = c->packets * (nat_ns)COALESCE_WINDOW_NS >= elapsed * COALESCE_PER_MS;
	c->packets = 0;
	c->since = now;
}

bool coalesce_wait(const struct coalesce *c, const int *fd, unsigned n)
{
	const struct timespec most = { .tv_nsec = COALESCE_WAIT_NS };
	struct pollfd pfd[COALESCE_FDS_MAX];

	if (!c->on)
		return false;
	for (unsigned i = 0; i < n; i++)
		pfd[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
	return ppoll(pfd, n, &most, NULL) > 0;
}
