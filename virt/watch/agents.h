/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents - whose agent is asked when, and what it said.
 *
 * Only if the admin wants that, and only guests of qemu:///system whose agent
 * libvirt has seen (the channel is connected). Each question is a process
 * (broker.h), so an agent that is silent costs nobody else anything: it is
 * asked ever more seldom, and those that were silent never have all the places.
 *
 * What was said last stays until the guest is off or says something else: an
 * agent that is updated, or ill, takes no forward away. It is a claim of
 * CLAIM_AGENT, and only for a MAC of that guest's own NICs.
 *
 * Threads  none
 */
#ifndef VIRT_WATCH_AGENTS_H
#define VIRT_WATCH_AGENTS_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>

#include "virt/watch/claims.h"

enum {
	AGENTS_AT_ONCE = 6,		/* fewer than BROKER_AT_ONCE: it may see an end later than we do */
	AGENTS_SICK_AT_ONCE = 4,	/* of them, for those that gave no answer the last time */
	AGENTS_AGAIN_S = 30,		/* after an answer with an address */
	AGENTS_SOON_S = 4,		/* after none, or one without (the guest is starting); doubled each time, up to ... */
	AGENTS_SOON_MAX_S = 512,
	AGENTS_PAUSE_S = 2,		/* at least, however often an agent comes and goes */
};

struct agent;
struct agents {
	struct ev_loop *loop;
	int broker;			/* -1: nobody is asked, or it has ended, which is said once */
	int (*ask)(int broker, const char *uuid);	/* broker_ask() */
	bool on;
	void *arg;
	void (*changed)(void *arg);
	void (*log)(void *arg, const char *level, const char *text);
	struct agent *first;
	unsigned asking, sick;		/* questions under way; of them to agents that gave no answer the last time */
	ev_timer due;
};

/* agents_init - @a's loop, broker, ask, arg, changed and log are set by the caller; the broker's descriptor becomes ours */
void agents_init(struct agents *a);
void agents_fini(struct agents *a);

/* agents_ask - whether anybody shall be asked from now on; false also forgets what was said */
void agents_ask(struct agents *a, bool on);

/**
 * agents_join - what agents said becomes claims, and who is new is asked
 * @guests: of a world, with `agent' and NICs with their `bridge'
 * A MAC in an answer that is another guest's is a warning of the guest; all
 * other MACs are a guest's own affair (containers, VPNs) and passed over.
 */
void agents_join(struct agents *a, json_t *guests, struct claims *c);

#endif
