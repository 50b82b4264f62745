/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents - see agents.h */
#include "virt/watch/agents.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "virt/protocol.h"
#include "virt/watch/agent.h"
#include "virt/watch/ask.h"
#include "virt/watch/text.h"

struct agent {
	struct agent *next;
	struct agents *all;
	char uuid[VIRT_UUID_OCTETS + 1], name[TEXT_ROOM];
	bool here, connected;		/* in the world at hand; libvirt sees its agent */
	char *macs;			/* of its NICs, as they were asked for */
	struct agent_pair *said;
	int n_said;
	unsigned failures, nothings;	/* no answers in a row; answers without an address, in a row */
	ev_tstamp due, asked;		/* ask then; it was asked last */
	int fd;				/* the answer comes from here; -1: it is not asked */
	bool was_sick;			/* it counts in agents.sick */
	char *text;
	size_t len;
	ev_io io;
};

/* ---- one answer ---- */

static void stop_asking(struct agent *g)
{
	if (g->fd < 0)
		return;
	ev_io_stop(g->all->loop, &g->io);
	close(g->fd);
	g->fd = -1;
	g->all->asking--;
	g->all->sick -= g->was_sick;
	free(g->text);
	g->text = NULL;
	g->len = 0;
}

static void schedule(struct agents *a);

static void ask_again_in(struct agent *g, double seconds)
{
	g->due = ev_now(g->all->loop) + seconds;
	schedule(g->all);
}

/* The pause after the first, second ... time that nothing was heard, in seconds. */
static double soon(unsigned times)
{
	double pause = (double)AGENTS_SOON_S * (1u << (times < 7 ? times : 7));

	return pause < AGENTS_SOON_MAX_S ? pause : AGENTS_SOON_MAX_S;
}

static void no_answer(struct agent *g, const char *why)
{
	double pause = soon(g->failures);
	char clipped[TEXT_ROOM], text[2 * TEXT_ROOM];

	text_clip(clipped, why);
	snprintf(text, sizeof(text), "domain %.60s: its agent gives no answer: %.150s", g->name, clipped);
	g->all->log(g->all->arg, g->failures++ ? "debug" : "warn", text);
	ask_again_in(g, pause);
}

static void take_answer(struct agent *g)
{
	struct agent_pair pairs[AGENT_PAIRS];
	int n = agent_read(g->text + 1, g->len - 1, pairs);
	struct agent_pair *said = n > 0 ? calloc((size_t)n, sizeof(*said)) : NULL;
	double pause;

	if (n < 0 || (n && !said)) {
		no_answer(g, n < 0 ? "what it says is no list of interfaces" : "no memory");
		return;
	}
	if (n)
		memcpy(said, pairs, (size_t)n * sizeof(*said));
	free(g->said);
	g->said = said;
	g->n_said = n;
	g->failures = 0;
	g->nothings = n ? 0 : g->nothings + 1;
	pause = n ? AGENTS_AGAIN_S : soon(g->nothings - 1);
	ask_again_in(g, pause < AGENTS_AGAIN_S ? pause : AGENTS_AGAIN_S);
	g->all->changed(g->all->arg);
}

/* Its process has ended, or said too much. */
static void done(struct agent *g)
{
	if (g->len && g->len <= AGENT_OCTETS + 1 && g->text[0] == ASK_ANSWER) {
		take_answer(g);
	} else if (g->len > AGENT_OCTETS + 1) {
		no_answer(g, "it says too much");
	} else if (g->len) {
		g->text[g->len] = '\0';
		no_answer(g, g->text + 1);
	} else {
		no_answer(g, "the process that asked it was ended");
	}
	stop_asking(g);
	schedule(g->all);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct agent *g = w->data;
	ssize_t n = read(w->fd, g->text + g->len, AGENT_OCTETS + 2 - g->len);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	g->len += n > 0 ? (size_t)n : 0;
	if (n <= 0 || g->len > AGENT_OCTETS + 1)
		done(g);
}

/* ---- who is asked next ---- */

/* The broker has ended: nobody is asked any more, and what was said stays. */
static void give_up(struct agents *a)
{
	a->log(a->arg, "warn", "agents are not asked any more: the process that asks them has ended");
	close(a->broker);
	a->broker = -1;
}

static void start(struct agent *g)
{
	struct agents *a = g->all;

	g->text = malloc(AGENT_OCTETS + 3);
	g->fd = g->text ? a->ask(a->broker, g->uuid) : -1;
	if (g->fd < 0) {
		if (g->text && (errno == EPIPE || errno == ECONNRESET))
			give_up(a);
		free(g->text);
		g->text = NULL;
		g->due = ev_now(a->loop) + 1;
		return;
	}
	g->asked = ev_now(a->loop);
	g->was_sick = g->failures;
	a->asking++;
	a->sick += g->was_sick;
	ev_io_init(&g->io, on_readable, g->fd, EV_READ);
	g->io.data = g;
	ev_io_start(a->loop, &g->io);
}

static bool waits(const struct agent *g)
{
	return g->connected && g->fd < 0 && (!g->failures || g->all->sick < AGENTS_SICK_AT_ONCE);
}

static struct agent *next_due(const struct agents *a)
{
	struct agent *first = NULL;

	for (struct agent *g = a->first; g; g = g->next)
		if (waits(g) && (!first || g->due < first->due))
			first = g;
	return first;
}

/* Ask all who are due, and wake up when the next one is. */
static void schedule(struct agents *a)
{
	struct agent *g;

	ev_timer_stop(a->loop, &a->due);
	while (a->on && a->broker >= 0 && a->asking < AGENTS_AT_ONCE && (g = next_due(a))) {
		if (g->due > ev_now(a->loop)) {
			ev_timer_set(&a->due, g->due - ev_now(a->loop), 0);
			ev_timer_start(a->loop, &a->due);
			return;
		}
		start(g);
	}
}

static void on_due(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	schedule(w->data);
}

/* ---- guests ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void forget(struct agent *g)
{
	stop_asking(g);
	free(g->said);
	free(g->macs);
	free(g);
}

static struct agent *find(struct agents *a, const char *uuid)
{
	struct agent *g = a->first;

	while (g && strcmp(g->uuid, uuid) != 0)
		g = g->next;
	return g;
}

static struct agent *add(struct agents *a, const char *uuid)
{
	struct agent *g = strlen(uuid) == VIRT_UUID_OCTETS ? calloc(1, sizeof(*g)) : NULL;

	if (!g)
		return NULL;
	*g = (struct agent){ .next = a->first, .all = a, .fd = -1 };
	memcpy(g->uuid, uuid, VIRT_UUID_OCTETS);
	a->first = g;
	return g;
}

static char *macs_of(const json_t *guest)
{
	json_t *nic;
	char *all = NULL;
	size_t i, n = 0;
	FILE *f = open_memstream(&all, &n);

	if (!f)
		return NULL;
	json_array_foreach(json_object_get(guest, "nics"), i, nic)
		fprintf(f, "%s ", text_of(nic, "mac"));
	fclose(f);
	return all;
}

/* An agent that has come, or whose guest has other NICs, is asked at once. */
static void follow(struct agents *a, const json_t *guest)
{
	bool connected = json_is_true(json_object_get(guest, "agent"));
	struct agent *g = find(a, text_of(guest, "uuid"));
	char *macs;

	if (!g)
		g = connected ? add(a, text_of(guest, "uuid")) : NULL;
	if (!g)
		return;
	g->here = true;
	text_clip(g->name, text_of(guest, "name"));
	macs = macs_of(guest);
	if (connected && (!g->connected || !macs || !g->macs || strcmp(macs, g->macs) != 0))
		g->due = g->asked + AGENTS_PAUSE_S;
	g->connected = connected;
	free(g->macs);
	g->macs = macs;
}

static bool is_followed(const json_t *guest)
{
	return !strcmp(text_of(guest, "uri"), ASK_URI) && strcmp(text_of(guest, "state"), "off") != 0;
}

static void forget_gone(struct agents *a)
{
	for (struct agent **g = &a->first; *g;) {
		struct agent *gone = *g;

		if (gone->here) {
			gone->here = false;
			g = &gone->next;
			continue;
		}
		*g = gone->next;
		forget(gone);
	}
}

/* ---- claims ---- */

static json_t *nic_with(const json_t *guest, const char *mac)
{
	json_t *nic;
	size_t i;

	json_array_foreach(json_object_get(guest, "nics"), i, nic)
		if (!strcmp(text_of(nic, "mac"), mac))
			return nic;
	return NULL;
}

static void warn_of_anothers(const json_t *guests, json_t *guest, const char *mac)
{
	json_t *other;
	size_t i;

	json_array_foreach(guests, i, other)
		if (other != guest && nic_with(other, mac))
			text_warn(json_object_get(guest, "warnings"), "domain %.60s: its agent speaks of %s, which is a NIC of %.60s: refused",
				  text_of(guest, "name"), mac, text_of(other, "name"));
}

static void add_claim(const json_t *guests, json_t *guest, const struct agent_pair *s, struct claims *c)
{
	struct claim one = { .source = CLAIM_AGENT, .family = s->family, .addr = s->addr };
	const char *bridge;
	char mac[MAC_TEXT];
	json_t *nic;

	text_mac_print(mac, s->mac);
	nic = nic_with(guest, mac);
	if (!nic) {
		warn_of_anothers(guests, guest, mac);
		return;
	}
	bridge = text_of(nic, "bridge");
	memcpy(one.bridge, bridge, strnlen(bridge, sizeof(one.bridge) - 1));
	memcpy(one.mac, s->mac, sizeof(one.mac));
	claims_add(c, &one);
}

void agents_join(struct agents *a, json_t *guests, struct claims *c)
{
	json_t *guest;
	size_t i;

	if (!a->on)
		return;
	json_array_foreach(guests, i, guest) {
		const struct agent *g;

		if (!is_followed(guest))
			continue;
		follow(a, guest);
		g = find(a, text_of(guest, "uuid"));
		for (int k = 0; g && k < g->n_said; k++)
			add_claim(guests, guest, &g->said[k], c);
	}
	forget_gone(a);
	schedule(a);
}

/* ---- life ---- */

void agents_init(struct agents *a)
{
	ev_init(&a->due, on_due);
	a->due.data = a;
}

void agents_ask(struct agents *a, bool on)
{
	if (on && a->broker < 0)
		a->log(a->arg, "warn", "agents are not asked: this was not started to ask them");
	a->on = on;
	if (!on)
		forget_gone(a);		/* nobody is here */
}

void agents_fini(struct agents *a)
{
	ev_timer_stop(a->loop, &a->due);
	forget_gone(a);
	if (a->broker >= 0)
		close(a->broker);
}
