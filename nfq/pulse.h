/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pulse - does every thread of the worker still do something?
 *
 * Each counts up in the shared state twice a second and in long jobs
 * (state_beat()). The main process looks once a second and counts its own
 * looks, not time: when the whole host or both processes stand still and go
 * on together, nothing is blamed for it.
 */
#ifndef NFQ_PULSE_H
#define NFQ_PULSE_H

#include <stdbool.h>

#include "nfq/state.h"

enum {
	PULSE_LOOKS_MAX = 5,		/* so many looks without a beat: the thread hangs */
	PULSE_START_LOOKS_MAX = 30,	/* before it said that it is ready; checking a large table takes a while */
};

struct pulse {
	uint32_t last[STATE_THREADS_MAX];
	unsigned silent[STATE_THREADS_MAX];	/* looks without a beat */
	unsigned looks;				/* since pulse_start() */
	bool ready;				/* it handles packets */
};

/* pulse_start - another worker begins */
void pulse_start(struct pulse *p);

/* pulse_look - once a second; returns the number of a thread that hangs, or -1: none */
int pulse_look(struct pulse *p, const struct state *s, unsigned threads);

#endif
