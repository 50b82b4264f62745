/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpus - see cpus.h */
#include "nfq/cpus.h"

/* If the kernel refuses, the CPU is gone or forbidden by now: the thread runs where it did. */
static void move(struct cpus *c, bool pin)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)c->own, &one);
	if (!sched_setaffinity(0, sizeof(one), pin ? &one : &c->allowed))
		c->pinned = pin;
}

void cpus_init(struct cpus *c, unsigned index)
{
	unsigned seen = 0;

	*c = (struct cpus){ .own = -1 };
	if (sched_getaffinity(0, sizeof(c->allowed), &c->allowed) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE && c->own < 0; cpu++)
		if (CPU_ISSET((size_t)cpu, &c->allowed) && seen++ == index)
			c->own = cpu;
	if (c->own >= 0)
		move(c, true);
}

void cpus_look(struct cpus *c)
{
	bool any = c->by_cpu || c->by_hash, pin = c->by_cpu >= c->by_hash;

	if (any && c->own >= 0 && pin != c->pinned)
		move(c, pin);
	c->by_cpu = c->by_hash = 0;
}
