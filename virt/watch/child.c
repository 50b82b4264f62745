/* SPDX-License-Identifier: GPL-2.0-or-later */
/* child - see child.h */
#include "virt/watch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virt/watch/source.h"
#include "virt/watch/text.h"

/* ---- what it says ---- */

/*
 * A guest's generation: libvirt gives each start another id. The first one
 * seen is taken as it is, so another hub says the same.
 */
static void step(const struct child *c, json_t *guest)
{
	const char *uuid = json_string_value(json_object_get(guest, "uuid"));
	json_int_t run = json_integer_value(json_object_get(guest, "run"));
	json_t *was = json_object_get(c->runs, uuid);
	json_int_t generation = was ? json_integer_value(json_object_get(was, "generation")) : run;

	if (was && run && run != json_integer_value(json_object_get(was, "run")))
		generation = run > generation ? run : generation + 1;
	json_object_set_new(guest, "generation", json_integer(generation));
	json_object_set_new(c->runs, uuid, json_pack("{s:I, s:I}", "run", run, "generation", generation));
}

/* Guests that were undefined are of no more interest. */
static void forget_runs(struct child *c, const json_t *guests)
{
	json_t *runs = json_object(), *guest;
	size_t i;

	json_array_foreach(guests, i, guest) {
		const char *uuid = json_string_value(json_object_get(guest, "uuid"));

		json_object_set(runs, uuid, json_object_get(c->runs, uuid));
	}
	json_decref(c->runs);
	c->runs = runs;
}

static void take_world(struct child *c, json_t *message)
{
	json_t *guests = json_object_get(message, "guests"), *guest;
	json_t *connection = json_array_get(json_object_get(message, "connections"), 0);
	size_t i;

	json_decref(c->connection);
	c->connection = json_incref(connection);
	c->reported = true;
	if (json_is_true(json_object_get(connection, "up"))) {
		json_array_foreach(guests, i, guest)
			step(c, guest);
		forget_runs(c, guests);
		json_decref(c->fragment);
		c->fragment = json_incref(message);
	}
	c->calls->changed(c->calls->arg);
}

static void take(void *arg, json_t *message)
{
	struct child *c = arg;
	const char *type = json_string_value(json_object_get(message, "type"));

	c->heard = ev_now(c->loop);
	if (type && !strcmp(type, "world"))
		take_world(c, message);
	else if (type && !strcmp(type, "log"))
		c->calls->log(c->calls->arg, json_string_value(json_object_get(message, "level")),
			      json_string_value(json_object_get(message, "text")));
}

static void set_down(struct child *c, const char *why)
{
	json_decref(c->connection);
	c->connection = json_pack("{s:o, s:b, s:s}", "uri", text_json(c->uri), "up", 0, "why", why);
	c->calls->changed(c->calls->arg);
}

/* ---- its process ---- */

static void let_go(struct child *c)
{
	ev_io_stop(c->loop, &c->io);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	lines_fini(&c->lines);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct child *c = w->data;

	(void)loop;
	(void)events;
	/* Whatever it did: it is of no more use. Its end starts another. */
	if (lines_read(&c->lines, c->fd, take, c)) {
		let_go(c);
		if (c->pid)
			kill(c->pid, SIGKILL);
	}
}

static void on_exit_of(struct ev_loop *loop, ev_child *w, int events)
{
	struct child *c = w->data;

	(void)events;
	ev_child_stop(loop, w);
	c->pid = 0;
	let_go(c);
	c->reported = true;
	set_down(c, "the process that talks to libvirt has ended; another is started");
	ev_timer_set(&c->again, CHILD_AGAIN_MS / 1000., 0);
	ev_timer_start(loop, &c->again);
}

/* In the new process: nothing of the hub is left but the socket, and it ends with the hub. */
static _Noreturn void run(const char *uri, int fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (fd != VIRT_FD && dup2(fd, VIRT_FD) < 0)
		_exit(1);
	syscall(SYS_close_range, VIRT_FD + 1, ~0u, 0);
	fcntl(VIRT_FD, F_SETFD, FD_CLOEXEC);
	prctl(PR_SET_NAME, "nfqnat-libvirt");
	_exit(source_run(uri, VIRT_FD));
}

static void start(struct child *c)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		goto again;
	c->pid = fork();
	if (!c->pid) {
		close(pair[0]);
		run(c->uri, pair[1], parent);
	}
	close(pair[1]);
	if (c->pid < 0) {
		c->pid = 0;
		close(pair[0]);
		goto again;
	}
	c->fd = pair[0];
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->heard = ev_now(c->loop);
	ev_io_set(&c->io, c->fd, EV_READ);
	ev_io_start(c->loop, &c->io);
	ev_child_set(&c->exit, c->pid, 0);
	ev_child_start(c->loop, &c->exit);
	return;
again:
	set_down(c, strerror(errno));
	ev_timer_set(&c->again, CHILD_AGAIN_MS / 1000., 0);
	ev_timer_start(c->loop, &c->again);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	start(w->data);
}

struct child *child_start(struct ev_loop *loop, const char *uri, const struct child_calls *calls)
{
	struct child *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->uri = strdup(uri);
	c->runs = json_object();
	c->calls = calls;
	c->loop = loop;
	c->fd = -1;
	if (!c->uri || !c->runs) {
		free(c->uri);
		json_decref(c->runs);
		free(c);
		return NULL;
	}
	ev_init(&c->io, on_readable);
	ev_init(&c->exit, on_exit_of);
	ev_init(&c->again, on_again);
	c->io.data = c->exit.data = c->again.data = c;
	start(c);
	return c;
}

void child_stop(struct child *c)
{
	let_go(c);
	ev_timer_stop(c->loop, &c->again);
	ev_child_stop(c->loop, &c->exit);
	if (c->pid) {
		kill(c->pid, SIGKILL);
		/* libev reaps only what it watches. */
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	json_decref(c->fragment);
	json_decref(c->runs);
	json_decref(c->connection);
	free(c->uri);
	free(c);
}

void child_watch(struct child *c)
{
	ev_tstamp silence = ev_now(c->loop) - c->heard;
	char text[TEXT_ROOM];

	if (!c->pid)
		return;
	if (silence > CHILD_HANGS_S) {
		snprintf(text, sizeof(text), "%.150s does not answer for %d s: the connection is given up and tried anew", c->uri,
			 CHILD_HANGS_S);
		c->calls->log(c->calls->arg, "warn", text);
		kill(c->pid, SIGKILL);
	} else if (silence > CHILD_SLOW_S && (!c->connection || json_is_true(json_object_get(c->connection, "up")))) {
		c->reported = true;
		set_down(c, "libvirtd does not answer");
	}
}

void child_ask(struct child *c)
{
	/* One octet more or less in its socket does not matter: it will be read. */
	if (c->fd >= 0 && send(c->fd, "r", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

json_t *child_fragment(const struct child *c)
{
	json_t *all = c->fragment ? json_copy(c->fragment) : json_object();

	json_object_set_new(all, "connections", c->connection ? json_pack("[O]", c->connection) : json_array());
	return all;
}
