/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hub - see hub.h */
#include "virt/watch/hub.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "virt/protocol.h"
#include "virt/watch/agents.h"
#include "virt/watch/broker.h"
#include "virt/watch/child.h"
#include "virt/watch/leases.h"
#include "virt/watch/out.h"
#include "virt/watch/world.h"

#define SOON_S	.005	/* from a change to the message; the connections' own pause comes before it */
#define POLL_S	30.	/* for what tells no news */
#define SLOW_S	2.	/* the first world waits so long for connections that have not said anything */

struct hub {
	const struct hub_options *options;
	struct ev_loop *loop;
	struct child *children;
	struct child_calls calls;
	struct kernel kernel;
	struct leases leases;
	char *lease_dir;
	bool metadata;
	struct claims claims;
	struct agents agents;
	struct lines in;
	struct out out;
	char *sent;		/* the last world */
	char *bad_leases;	/* the bridge whose lease file was complained about last */
	int64_t lease_ends_s;	/* the next lease that ends by itself */
	ev_tstamp born;
	int status;
	ev_io io_in, io_out, io_kernel, io_leases;
	ev_timer soon, beat, second, poll;
	ev_signal term, interrupt;
};

/* ---- out ---- */

static void flush(struct hub *h)
{
	int more = out_flush(&h->out);

	if (more < 0)
		ev_break(h->loop, EVBREAK_ALL);
	else if (more)
		ev_io_start(h->loop, &h->io_out);
	else
		ev_io_stop(h->loop, &h->io_out);
}

static void say(void *arg, const char *level, const char *text)
{
	struct hub *h = arg;
	json_t *m;
	char *line;

	if (!level || !text)
		return;
	if (h->options->mode != HUB_SERVE) {
		fprintf(stderr, "nfqnat-virt: %s: %s\n", level, text);
		return;
	}
	m = json_pack("{s:s, s:s, s:s}", "type", "log", "level", level, "text", text);
	line = json_dumps(m, JSON_COMPACT);
	if (line)
		out_log(&h->out, line);
	free(line);
	json_decref(m);
	flush(h);
}

/* ---- the world ---- */

static void soon(struct hub *h)
{
	if (ev_is_active(&h->soon))
		return;
	ev_timer_set(&h->soon, SOON_S, 0);
	ev_timer_start(h->loop, &h->soon);
}

static void changed(void *arg)
{
	soon(arg);
}

static void read_leases(void *arg, const char *bridge)
{
	struct hub *h = arg;
	int err = leases_read(&h->leases, bridge, &h->lease_ends_s, &h->claims);
	char text[256];

	if (!err) {
		if (h->bad_leases && !strcmp(h->bad_leases, bridge)) {
			free(h->bad_leases);
			h->bad_leases = NULL;
		}
		return;
	}
	if (h->bad_leases && !strcmp(h->bad_leases, bridge))
		return;
	free(h->bad_leases);
	h->bad_leases = strdup(bridge);
	snprintf(text, sizeof(text), "%.150s/%.15s.status: %s: its leases are not known", h->leases.dir, bridge,
		 err == -EBADMSG ? "not a lease file of libvirt" : strerror(-err));
	say(h, "warn", text);
}

static char *world_now(struct hub *h)
{
	struct world w;
	char *text;

	if (!world_init(&w))
		return NULL;
	for (struct child *c = h->children; c; c = c->next) {
		json_t *fragment = child_fragment(c);

		world_add(&w, c->uri, fragment, h->metadata);
		json_decref(fragment);
	}
	claims_clear(&h->claims);
	h->lease_ends_s = INT64_MAX;
	world_bridges(&w, read_leases, h);
	world_join(&w, &h->claims, &h->kernel, &h->agents);
	text = world_text(&w, h->options->mode == HUB_ONCE);
	world_fini(&w);
	return text;
}

/* A world without guests that are only not known yet would take their forwards away. */
static bool complete(const struct hub *h)
{
	const struct child *c = h->children;

	while (c && c->reported)
		c = c->next;
	return !c;
}

static void finish_once(struct hub *h, const char *text)
{
	puts(text);
	for (const struct child *c = h->children; c; c = c->next)
		if (!json_is_true(json_object_get(c->connection, "up")))
			h->status = 1;
	ev_break(h->loop, EVBREAK_ALL);
}

static void on_soon(struct ev_loop *loop, ev_timer *w, int events)
{
	struct hub *h = w->data;
	char *text;

	(void)events;
	if (!h->children || (!h->sent && !complete(h) &&
			     (h->options->mode == HUB_ONCE || ev_now(loop) - h->born < SLOW_S)))
		return;
	text = world_now(h);
	if (!text || (h->sent && !strcmp(text, h->sent))) {
		free(text);
		return;
	}
	free(h->sent);
	h->sent = text;
	if (h->options->mode == HUB_ONCE) {
		finish_once(h, text);
		return;
	}
	out_world(&h->out, text);
	flush(h);
}

/* ---- in ---- */

static void watch_leases(struct hub *h)
{
	leases_watch(&h->leases, h->lease_dir);
}

static struct child **find(struct hub *h, const char *uri)
{
	struct child **c = &h->children;

	while (*c && strcmp((*c)->uri, uri) != 0)
		c = &(*c)->next;
	return c;
}

static bool wanted(const json_t *uris, const char *uri)
{
	json_t *one;
	size_t i;

	json_array_foreach(uris, i, one)
		if (json_is_string(one) && !strcmp(json_string_value(one), uri))
			return true;
	return false;
}

/* Connections that stay are not touched. */
static void follow(struct hub *h, const json_t *uris)
{
	struct child **c = &h->children;
	json_t *one;
	size_t i;

	while (*c) {
		struct child *gone = *c;

		if (wanted(uris, gone->uri)) {
			c = &gone->next;
			continue;
		}
		*c = gone->next;
		child_stop(gone);
	}
	json_array_foreach(uris, i, one)
		if (json_is_string(one) && i < VIRT_CONNECTIONS && !*find(h, json_string_value(one)))
			*find(h, json_string_value(one)) = child_start(h->loop, json_string_value(one), &h->calls);
	h->born = ev_now(h->loop);
}

static void take(void *arg, json_t *m)
{
	const char *type = json_string_value(json_object_get(m, "type"));
	const char *dir = json_string_value(json_object_get(m, "lease_dir"));
	struct hub *h = arg;
	char *copy;

	if (!type || strcmp(type, "configure") != 0)
		return;
	h->metadata = !json_is_false(json_object_get(m, "metadata"));
	copy = dir && *dir == '/' ? strdup(dir) : NULL;
	if (copy) {
		free(h->lease_dir);
		h->lease_dir = copy;
	}
	agents_ask(&h->agents, json_is_true(json_object_get(m, "agent")));
	watch_leases(h);
	follow(h, json_object_get(m, "uris"));
	soon(h);
}

static void on_in(struct ev_loop *loop, ev_io *w, int events)
{
	struct hub *h = w->data;

	(void)events;
	if (lines_read(&h->in, w->fd, take, h))
		ev_break(loop, EVBREAK_ALL);
}

static void on_out(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	flush(w->data);
}

static void on_kernel(struct ev_loop *loop, ev_io *w, int events)
{
	struct hub *h = w->data;

	(void)loop;
	(void)events;
	if (kernel_read(&h->kernel))
		soon(h);
}

static void ask_all(struct hub *h)
{
	for (struct child *c = h->children; c; c = c->next)
		child_ask(c);
}

static void on_leases(struct ev_loop *loop, ev_io *w, int events)
{
	struct hub *h = w->data;
	unsigned what = leases_event(&h->leases);

	(void)loop;
	(void)events;
	if (what & LEASES_HOSTS)
		ask_all(h);
	if (what & LEASES_CHANGED)
		soon(h);
}

static void on_beat(struct ev_loop *loop, ev_timer *w, int events)
{
	struct hub *h = w->data;

	(void)loop;
	(void)events;
	out_heartbeat(&h->out);
	flush(h);
}

static void on_second(struct ev_loop *loop, ev_timer *w, int events)
{
	struct hub *h = w->data;

	(void)loop;
	(void)events;
	for (struct child *c = h->children; c; c = c->next)
		child_watch(c);
	/* The directory may come with the first network; a lease may end. */
	if (h->leases.watch < 0) {
		watch_leases(h);
		if (h->leases.watch >= 0)
			soon(h);
	}
	if (!h->sent || time(NULL) >= h->lease_ends_s)
		soon(h);
}

static void on_poll(struct ev_loop *loop, ev_timer *w, int events)
{
	struct hub *h = w->data;

	(void)loop;
	(void)events;
	kernel_refresh(&h->kernel);
	soon(h);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* ---- life ---- */

static const char *open_all(struct hub *h)
{
	int err = kernel_open(&h->kernel);

	if (err) {
		errno = -err;
		return "rtnetlink";
	}
	err = leases_open(&h->leases);
	if (err) {
		errno = -err;
		return "inotify";
	}
	if (h->options->mode == HUB_SERVE && fcntl(VIRT_FD, F_SETFL, O_NONBLOCK) < 0)
		return "descriptor 3 (nfqnatd starts this program; by hand, use --once or --follow)";
	return NULL;
}

static void init_io(struct hub *h)
{
	ev_io_init(&h->io_in, on_in, VIRT_FD, EV_READ);
	ev_io_init(&h->io_out, on_out, h->out.fd, EV_WRITE);
	ev_io_init(&h->io_kernel, on_kernel, h->kernel.fd, EV_READ);
	ev_io_init(&h->io_leases, on_leases, h->leases.fd, EV_READ);
	h->io_in.data = h->io_out.data = h->io_kernel.data = h->io_leases.data = h;
}

static void init_timers(struct hub *h)
{
	ev_init(&h->soon, on_soon);
	ev_timer_init(&h->beat, on_beat, VIRT_HEARTBEAT_S, VIRT_HEARTBEAT_S);
	ev_timer_init(&h->second, on_second, 1, 1);
	ev_timer_init(&h->poll, on_poll, POLL_S, POLL_S);
	ev_signal_init(&h->term, on_signal, SIGTERM);
	ev_signal_init(&h->interrupt, on_signal, SIGINT);
	h->soon.data = h->beat.data = h->second.data = h->poll.data = h;
}

static void start_all(struct hub *h)
{
	if (h->options->mode == HUB_SERVE) {
		ev_io_start(h->loop, &h->io_in);
		ev_timer_start(h->loop, &h->beat);
	}
	ev_io_start(h->loop, &h->io_kernel);
	ev_io_start(h->loop, &h->io_leases);
	ev_timer_start(h->loop, &h->second);
	ev_timer_start(h->loop, &h->poll);
	ev_signal_start(h->loop, &h->term);
	ev_signal_start(h->loop, &h->interrupt);
}

static void begin(struct hub *h)
{
	json_t *uris = json_array();

	if (h->options->mode == HUB_SERVE) {
		out_log(&h->out, "{\"type\":\"hello\",\"version\":1}");
		flush(h);
	}
	for (unsigned i = 0; i < h->options->n_uris; i++)
		json_array_append_new(uris, json_string(h->options->uris[i]));
	agents_init(&h->agents);
	agents_ask(&h->agents, h->options->mode != HUB_SERVE && h->options->broker >= 0);
	watch_leases(h);
	follow(h, uris);
	json_decref(uris);
}

static void end(struct hub *h)
{
	while (h->children) {
		struct child *c = h->children;

		h->children = c->next;
		child_stop(c);
	}
	agents_fini(&h->agents);
	kernel_close(&h->kernel);
	leases_close(&h->leases);
	claims_fini(&h->claims);
	lines_fini(&h->in);
	out_fini(&h->out);
	free(h->sent);
	free(h->bad_leases);
	free(h->lease_dir);
}

int hub_run(const struct hub_options *options)
{
	struct hub h = {
		.options = options, .metadata = true, .lease_dir = strdup(options->lease_dir),
		.out = { .fd = options->mode == HUB_SERVE ? VIRT_FD : STDOUT_FILENO },
	};
	const char *bad;

	h.loop = ev_default_loop(0);
	bad = h.loop && h.lease_dir ? open_all(&h) : "start";
	if (bad) {
		fprintf(stderr, "nfqnat-virt: %s: %s\n", bad, strerror(errno));
		free(h.lease_dir);
		return 1;
	}
	h.agents = (struct agents){ .loop = h.loop, .broker = options->broker, .ask = broker_ask, .arg = &h, .changed = changed, .log = say };
	h.calls = (struct child_calls){ .arg = &h, .changed = changed, .log = say };
	signal(SIGPIPE, SIG_IGN);
	init_io(&h);
	init_timers(&h);
	start_all(&h);
	begin(&h);
	ev_run(h.loop, 0);
	end(&h);
	return h.status;
}
