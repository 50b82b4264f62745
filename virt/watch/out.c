/* SPDX-License-Identifier: GPL-2.0-or-later */
/* out - see out.h */
#include "virt/watch/out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char *with_newline(const char *line)
{
	size_t len = strlen(line);
	char *copy = malloc(len + 2);

	if (copy) {
		memcpy(copy, line, len);
		copy[len] = '\n';
		copy[len + 1] = '\0';
	}
	return copy;
}

void out_world(struct out *o, const char *line)
{
	char *copy = with_newline(line);

	if (!copy)
		return;		/* the reader keeps what it has; the next change sends all again */
	free(o->world);
	o->world = copy;
}

void out_log(struct out *o, const char *line)
{
	size_t len = strlen(line);
	char *more;

	more = o->logs_len + len + 1 <= OUT_LOG_OCTETS ? realloc(o->logs, o->logs_len + len + 2) : NULL;
	if (!more) {
		o->dropped++;
		return;
	}
	memcpy(more + o->logs_len, line, len);
	more[o->logs_len + len] = '\n';
	more[o->logs_len + len + 1] = '\0';
	o->logs = more;
	o->logs_len += len + 1;
}

void out_heartbeat(struct out *o)
{
	o->heartbeat = true;
}

/* next - choose what is written now; false: nothing waits */
static bool next(struct out *o)
{
	char said[128];

	if (o->world) {
		o->now = o->world;
		o->world = NULL;
	} else if (o->logs) {
		o->now = o->logs;
		o->logs = NULL;
		o->logs_len = 0;
	} else if (o->dropped) {
		snprintf(said, sizeof(said), "{\"type\":\"log\",\"level\":\"warn\",\"text\":\"%u messages were not sent: nobody read them\"}",
			 o->dropped);
		o->dropped = 0;
		o->now = with_newline(said);
	} else if (o->heartbeat) {
		o->heartbeat = false;
		o->now = with_newline("{\"type\":\"heartbeat\"}");
	}
	o->len = o->now ? strlen(o->now) : 0;
	o->at = 0;
	return o->now;
}

/* A socket, or with --once whatever standard output is. */
static ssize_t put(int fd, const char *octets, size_t len)
{
	ssize_t n = send(fd, octets, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 && errno == ENOTSOCK ? write(fd, octets, len) : n;
}

int out_flush(struct out *o)
{
	while (o->now || next(o)) {
		ssize_t n = put(o->fd, o->now + o->at, o->len - o->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -errno;
		o->at += (size_t)n;
		if (o->at == o->len) {
			free(o->now);
			o->now = NULL;
		}
	}
	return 0;
}

void out_fini(struct out *o)
{
	free(o->now);
	free(o->world);
	free(o->logs);
	*o = (struct out){ .fd = -1 };
}
