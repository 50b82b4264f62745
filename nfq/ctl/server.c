/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_server - see server.h */
#include "nfq/ctl/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "nfq/ctl/listen.h"
#include "nfq/ctl/request.h"
#include "nfq/log.h"
#include "nfq/pace.h"

_Static_assert(CTL_STALL_S == 30, "said in on_stall()");

enum { ACCEPT_MAX = 64, GROUPS_MAX = 256 };

struct ctl_client {
	int fd;
	ev_io io;
	ev_timer stall;
	char *in;			/* allocated when something comes */
	size_t n_in;
	char *out;			/* CTL_OUT_OCTETS, allocated when something goes */
	size_t n_out;
	enum ctl_more (*more)(struct ctl_client *c, void *job);
	void (*drop)(void *job);
	void *job;
	const char *only;		/* the one command of a child; NULL: a client from outside */
	bool waiting;			/* the job said CTL_WAIT */
	bool ending;			/* hang up when everything is out */
	bool serving;			/* inside serve(): nothing below may free the client */
	bool broken;			/* to be freed */
};

/* One server per process. */
static struct {
	struct ev_loop *loop;
	int fd;
	ev_io io;
	gid_t group;
	const struct ctl_command *table;
	struct ctl_client *client[CTL_CLIENTS_MAX];
	struct ctl_counts counts;
	struct pace pace;
	struct log_rate stalled, no_room;
	ev_timer rest;			/* active: nobody is served; clients together have used up their share of the CPU */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
} server = { .fd = -1 };

bool ctl_may(uid_t uid, gid_t gid, const gid_t *groups, size_t n, gid_t group)
{
	if (uid == 0 || uid == geteuid())
		return true;
	if (group == (gid_t)-1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == group)
			return true;
	return gid == group;
}

static bool peer_may(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred), glen;
	gid_t groups[GROUPS_MAX];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	glen = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &glen) < 0)
		glen = 0;
	return ctl_may(cred.uid, cred.gid, groups, glen / sizeof(*groups), server.group);
}

/* Said at most every ten seconds: who may ask is no stranger, but may be a broken script. */
static void complain(struct log_rate *rate, const char *what)
{
	uint64_t held;

	if (!log_rate_pass(rate, 10000, &held))
		return;
	if (held)
		log_warn("control socket: %s; and %" PRIu64 " times before, not said", what, held);
	else
		log_warn("control socket: %s", what);
}

static void job_drop(struct ctl_client *c)
{
	void (*drop)(void *job) = c->drop;
	void *job = c->job;

	c->more = NULL;
	c->drop = NULL;
	c->job = NULL;
	if (drop)
		drop(job);
}

static void client_free(struct ctl_client *c)
{
	job_drop(c);
	ev_io_stop(server.loop, &c->io);
	ev_timer_stop(server.loop, &c->stall);
	close(c->fd);
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++)
		if (server.client[i] == c)
			server.client[i] = NULL;
	server.counts.clients--;
	free(c->in);
	free(c->out);
	free(c);
}

static void want(struct ctl_client *c, int events)
{
	if (c->io.events == events && ev_is_active(&c->io))
		return;
	ev_io_stop(server.loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	if (!ev_is_active(&server.rest))
		ev_io_start(server.loop, &c->io);
}

static void on_rested(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++)
		if (server.client[i])
			ev_io_start(loop, &server.client[i]->io);
	ev_io_start(loop, &server.io);
}

/* Work for clients is done: if it was too much, all of them wait a moment, who comes now as well. */
static void rest_if_spent(void)
{
	if (!pace_spent(&server.pace) || ev_is_active(&server.rest))
		return;
	ev_io_stop(server.loop, &server.io);
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++)
		if (server.client[i])
			ev_io_stop(server.loop, &server.client[i]->io);
	ev_timer_set(&server.rest, PACE_EVERY_MS / 1e3, 0.);
	ev_timer_start(server.loop, &server.rest);
}

size_t ctl_raw_room(const struct ctl_client *c)
{
	return CTL_OUT_OCTETS - c->n_out;
}

bool ctl_raw(struct ctl_client *c, const void *octets, size_t n)
{
	if (!c->out && !(c->out = malloc(CTL_OUT_OCTETS))) {
		c->broken = true;
		return false;
	}
	if (n > ctl_raw_room(c))
		return false;
	memcpy(c->out + c->n_out, octets, n);
	c->n_out += n;
	return true;
}

bool ctl_line(struct ctl_client *c, json_t *obj)
{
	char *text = obj ? json_dumps(obj, JSON_COMPACT) : NULL;
	bool fits = text && ctl_raw_room(c) > strlen(text) && ctl_raw(c, text, strlen(text)) && ctl_raw(c, "\n", 1);

	json_decref(obj);
	free(text);
	return fits;
}

void ctl_end(struct ctl_client *c, json_t *obj)
{
	json_t *last = obj ? obj : json_object();

	json_object_set_new(last, "end", json_true());
	if (!ctl_line(c, last)) {
		/* Half an answer must not look like a whole one. */
		c->broken = true;
		complain(&server.no_room, "an answer did not fit or there is no memory for it; hung up");
	}
}

void ctl_error(struct ctl_client *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* What a client sent may be quoted in it, and cut in the middle of a character. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '?';
	if (!ctl_line(c, json_pack("{s:s}", "error", text)))
		c->broken = true;
}

void ctl_job(struct ctl_client *c, enum ctl_more (*more)(struct ctl_client *c, void *job), void (*drop)(void *job),
	     void *job)
{
	c->more = more;
	c->drop = drop;
	c->job = job;
	c->waiting = false;
}

static void request(struct ctl_client *c, const char *line, size_t len)
{
	char why[CTL_WHY_OCTETS];
	const char *cmd;
	json_t *req = ctl_request_parse(line, len, &cmd, why, sizeof(why));

	server.counts.requests++;
	if (!req) {
		ctl_error(c, "%s", why);
		return;
	}
	for (const struct ctl_command *row = server.table; row->name; row++)
		if (!strcmp(row->name, cmd) && (!c->only || !strcmp(c->only, cmd))) {
			row->run(c, req);
			json_decref(req);
			return;
		}
	ctl_error(c, "there is no command '%s'; is nfqnatctl newer than nfqnatd?", cmd);
	json_decref(req);
}

/* Send what waits; false: the client is gone. */
static bool flush(struct ctl_client *c)
{
	size_t done = 0;

	while (done < c->n_out) {
		ssize_t n = send(c->fd, c->out + done, c->n_out - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	if (done) {
		c->n_out -= done;
		memmove(c->out, c->out + done, c->n_out);
		ev_timer_again(server.loop, &c->stall);
	}
	return true;
}

/* Requests that are here, one after the other, while nothing is in their way. */
static void requests(struct ctl_client *c)
{
	const char *end;

	while (!c->more && !c->broken && !c->ending && ctl_raw_room(c) >= CTL_LINE_OCTETS && c->n_in &&
	       (end = memchr(c->in, '\n', c->n_in))) {
		size_t len = (size_t)(end - c->in);

		request(c, c->in, len);
		c->n_in -= len + 1;
		memmove(c->in, end + 1, c->n_in);
	}
	if (!c->more && c->n_in == CTL_REQUEST_OCTETS && !memchr(c->in, '\n', c->n_in)) {
		ctl_error(c, "the request is longer than %d octets", CTL_REQUEST_OCTETS);
		server.counts.dropped++;
		c->ending = true;
		c->n_in = 0;
	}
}

/* Which requests are here and could be answered? */
static bool request_waits(const struct ctl_client *c)
{
	return !c->more && c->n_in && memchr(c->in, '\n', c->n_in);
}

/* One step of the job, the next requests, and out with it; then wait for what the client must do. */
static void serve(struct ctl_client *c)
{
	int events = 0;

	c->serving = true;
	if (c->more && !c->waiting && ctl_raw_room(c) >= CTL_LINE_OCTETS) {
		enum ctl_more said = c->more(c, c->job);

		c->waiting = said == CTL_WAIT;
		if (said == CTL_DONE)
			job_drop(c);
	}
	requests(c);
	if (!c->broken && !flush(c))
		c->broken = true;
	c->serving = false;
	if (c->broken || (c->ending && !c->n_out)) {
		client_free(c);
		return;
	}
	if (c->n_in < CTL_REQUEST_OCTETS)
		events |= EV_READ;
	if (c->n_out || (c->more && !c->waiting) || request_waits(c))
		events |= EV_WRITE;
	want(c, events);
	/* Nobody may hold a place without asking, nor an answer without taking it; a quiet stream may last for ever. */
	if (!c->n_out && (c->more || c->only))
		ev_timer_stop(server.loop, &c->stall);
	else if (!ev_is_active(&c->stall))
		ev_timer_again(server.loop, &c->stall);
}

void ctl_job_kick(struct ctl_client *c)
{
	c->waiting = false;
	if (!c->serving)
		serve(c);
}

/* Read what there is; false: the end. */
static bool receive(struct ctl_client *c)
{
	ssize_t n;

	if (!c->in && !(c->in = malloc(CTL_REQUEST_OCTETS)))
		return false;
	if (c->n_in == CTL_REQUEST_OCTETS)
		return true;
	n = recv(c->fd, c->in + c->n_in, CTL_REQUEST_OCTETS - c->n_in, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	c->n_in += (size_t)n;
	ev_timer_again(server.loop, &c->stall);
	return true;
}

static void on_client(struct ev_loop *loop, ev_io *w, int events)
{
	struct ctl_client *c = w->data;

	(void)loop;
	pace_begin(&server.pace);
	if ((events & EV_READ) && !receive(c))
		client_free(c);
	else
		serve(c);
	rest_if_spent();
}

static void on_stall(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ctl_client *c = w->data;

	(void)loop;
	(void)events;
	if (c->n_out) {
		server.counts.dropped++;
		complain(&server.stalled, "a client did not read for 30 s; hung up");
	}
	client_free(c);
}

static int client_new(int fd, const char *only)
{
	struct ctl_client *c;

	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (server.client[i])
			continue;
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->fd = fd;
		ev_io_init(&c->io, on_client, fd, EV_READ);
		ev_init(&c->stall, on_stall);
		c->stall.repeat = CTL_STALL_S;
		c->only = only;
		c->io.data = c->stall.data = c;
		if (!ev_is_active(&server.rest))
			ev_io_start(server.loop, &c->io);
		if (!only)
			ev_timer_again(server.loop, &c->stall);
		server.client[i] = c;
		server.counts.clients++;
		return 0;
	}
	return -EUSERS;
}

int ctl_server_adopt(int fd, const char *only)
{
	return server.fd < 0 ? -ENOTCONN : client_new(fd, only);
}

/* Say why and hang up; whoever does not take this one line does not get it. */
static void turn_away(int fd, const char *why)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "{\"error\":\"%s\"}\n", why);

	server.counts.refused++;
	(void)!send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void on_listen(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	pace_begin(&server.pace);
	for (unsigned i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			break;
		if (!peer_may(fd))
			turn_away(fd, "permission denied; be root, or in the group that `control: { group: ... }` names");
		else if (client_new(fd, NULL) < 0)
			turn_away(fd, "too many clients are connected; try again when some have gone");
	}
	rest_if_spent();
}

static void listening(int fd, const char *path, gid_t gid)
{
	snprintf(server.path, sizeof(server.path), "%s", path);
	server.fd = fd;
	server.group = gid;
	ev_io_init(&server.io, on_listen, fd, EV_READ);
	ev_io_start(server.loop, &server.io);
}

int ctl_server_open(struct ev_loop *loop, const char *path, const char *group, const struct ctl_command *table, char *why,
		    size_t why_octets)
{
	gid_t gid;
	int fd = ctl_listen(path, group, &gid, why, why_octets);

	server.loop = loop;
	server.table = table;
	ev_timer_init(&server.rest, on_rested, 0., 0.);
	if (fd < 0)
		return fd;
	listening(fd, path, gid);
	return 0;
}

/* Who may not any more does not stay. */
static void check_clients(void)
{
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct ctl_client *c = server.client[i];

		if (!c || c->only || peer_may(c->fd))
			continue;
		if (c->serving)
			c->broken = true;	/* its own request has led here */
		else
			client_free(c);
	}
}

int ctl_server_move(const char *path, const char *group, char *why, size_t why_octets)
{
	bool there = server.fd >= 0 && !strcmp(path, server.path) && !access(path, F_OK);
	gid_t gid;
	int err, fd;

	if (there) {
		err = ctl_listen_group(group, &gid, why, why_octets);
		if (!err && gid != server.group)
			err = ctl_listen_give(path, group, gid, why, why_octets);
		if (!err && gid != server.group) {
			server.group = gid;
			check_clients();
		}
		return err;
	}
	fd = ctl_listen(path, group, &gid, why, why_octets);
	if (fd < 0)
		return fd;
	if (server.fd >= 0) {
		ev_io_stop(server.loop, &server.io);
		close(server.fd);
		if (strcmp(path, server.path) != 0)
			unlink(server.path);
	}
	listening(fd, path, gid);
	check_clients();
	return 0;
}

void ctl_server_close(void)
{
	if (server.fd < 0)
		return;
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++)
		if (server.client[i])
			client_free(server.client[i]);
	ev_io_stop(server.loop, &server.io);
	ev_timer_stop(server.loop, &server.rest);
	close(server.fd);
	server.fd = -1;
	unlink(server.path);
}

struct ctl_counts ctl_server_counts(void)
{
	return server.counts;
}
