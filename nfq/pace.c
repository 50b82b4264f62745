/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pace - see pace.h */
#include "nfq/pace.h"

#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void pace_begin(struct pace *p)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now - p->window_ns >= PACE_EVERY_MS * UINT64_C(1000000)) {
		p->window_ns = now;
		p->busy_ns = 0;
	}
	p->began_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

bool pace_spent(struct pace *p)
{
	uint64_t now = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	p->busy_ns += now - p->began_ns;
	p->began_ns = now;
	return p->busy_ns >= PACE_BUSY_MS * UINT64_C(1000000);
}
