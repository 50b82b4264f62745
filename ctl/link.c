/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link - see link.h */
#include "ctl/link.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "nfq/ctl/ctl.h"

static void explain(const struct ctl *c, int err)
{
	switch (err) {
	case ENOENT:
	case ECONNREFUSED:
		cmd_error("no nfqnatd answers at %s: %s; start it (systemctl start nfqnatd), or name its socket with --socket",
			  c->socket, strerror(err));
		break;
	case EACCES:
	case EPERM:
		cmd_error("%s: %s; be root, or in the group that `control: { group: ... }` names", c->socket, strerror(err));
		break;
	case EAGAIN:
		cmd_error("%s: nfqnatd is too busy to answer; try again", c->socket);
		break;
	default:
		cmd_error("%s: %s", c->socket, strerror(err));
	}
}

bool link_open(struct link *l, const struct ctl *c)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(c->socket) >= sizeof(sa.sun_path)) {
		cmd_error("%s is too long for a socket's name", c->socket);
		return false;
	}
	memcpy(sa.sun_path, c->socket, strlen(c->socket) + 1);
	signal(SIGPIPE, SIG_IGN);
	*l = (struct link){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .buf = malloc(CTL_LINE_OCTETS) };
	if (l->fd >= 0 && l->buf && !connect(l->fd, (const struct sockaddr *)&sa, sizeof(sa)))
		return true;
	explain(c, l->buf ? errno : ENOMEM);
	link_close(l);
	return false;
}

void link_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->buf);
	*l = (struct link){ .fd = -1 };
}

bool link_send(struct link *l, json_t *req)
{
	char *text = json_dumps(req, JSON_COMPACT);
	size_t left, at = 0;

	json_decref(req);
	if (!text) {
		cmd_error("no memory for the request");
		return false;
	}
	left = strlen(text);
	text[left++] = '\n';		/* in place of the NUL: the text is not used as a string again */
	while (left) {
		ssize_t n = send(l->fd, text + at, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;		/* the daemon hung up: it may have said why, so read */
		at += (size_t)n;
		left -= (size_t)n;
	}
	free(text);
	return true;
}

/* Read something; 0: the end. */
static ssize_t fill(struct link *l)
{
	ssize_t n;

	if (l->n == CTL_LINE_OCTETS)
		return -1;
	do {
		n = read(l->fd, l->buf + l->n, CTL_LINE_OCTETS - l->n);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		l->n += (size_t)n;
	return n;
}

static void take(struct link *l, size_t octets)
{
	l->n -= octets;
	memmove(l->buf, l->buf + octets, l->n);
}

json_t *link_next(struct link *l)
{
	const char *end;
	json_t *line;

	while (!(end = memchr(l->buf, '\n', l->n)))
		if (fill(l) <= 0) {
			cmd_error("nfqnatd hung up in the middle of its answer");
			return NULL;
		}
	line = json_loadb(l->buf, (size_t)(end - l->buf), 0, NULL);
	take(l, (size_t)(end - l->buf) + 1);
	if (!line)
		cmd_error("nfqnatd's answer is not JSON; are both of the same version?");
	return line;
}

int link_read(struct link *l, void *to, size_t octets)
{
	size_t have = 0;

	while (have < octets) {
		size_t n = l->n < octets - have ? l->n : octets - have;
		ssize_t got;

		memcpy((char *)to + have, l->buf, n);
		take(l, n);
		have += n;
		if (have == octets)
			break;
		got = fill(l);
		if (got <= 0)
			return got == 0 && !have ? 0 : -1;
	}
	return 1;
}

int link_ask(const struct ctl *c, json_t *req, void (*line)(void *ctx, json_t *line), void *ctx, json_t **out)
{
	struct link l;
	json_t *got;
	int ret;

	if (!req) {
		cmd_error("what was given is not text in UTF-8");
		return CMD_USAGE;
	}
	if (!link_open(&l, c)) {
		json_decref(req);
		return CMD_NO_DAEMON;
	}
	if (!link_send(&l, req)) {
		link_close(&l);
		return CMD_NO;
	}
	while ((got = link_next(&l)) && !json_object_get(got, "end") && !json_object_get(got, "error")) {
		if (line)
			line(ctx, got);
		json_decref(got);
	}
	ret = !got ? CMD_NO_DAEMON : json_object_get(got, "error") ? CMD_NO : CMD_OK;
	if (ret == CMD_NO)
		cmd_error("%s", json_string_value(json_object_get(got, "error")));
	if (out)
		*out = ret == CMD_OK ? json_incref(got) : NULL;
	json_decref(got);
	link_close(&l);
	return ret;
}

void link_print(const struct ctl *c, const json_t *obj)
{
	json_dumpf(obj, c->out, JSON_COMPACT | JSON_REAL_PRECISION(16));
	fputc('\n', c->out);
}
