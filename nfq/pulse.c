/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pulse - see pulse.h */
#include "nfq/pulse.h"

void pulse_start(struct pulse *p)
{
	*p = (struct pulse){ 0 };
}

int pulse_look(struct pulse *p, const struct state *s, unsigned threads)
{
	p->looks++;
	if (!p->ready)
		return p->looks > PULSE_START_LOOKS_MAX ? 0 : -1;
	for (unsigned i = 0; i < threads; i++) {
		uint32_t now = __atomic_load_n(&s->shared->beat[i], __ATOMIC_RELAXED);

		p->silent[i] = now == p->last[i] ? p->silent[i] + 1 : 0;
		p->last[i] = now;
		if (p->silent[i] > PULSE_LOOKS_MAX)
			return (int)i;
	}
	return -1;
}
