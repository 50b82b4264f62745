/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lines - see lines.h */
#include "virt/watch/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "virt/protocol.h"

enum { PIECE = 65536 };

static int make_room(struct lines *l)
{
	size_t room = l->room ? l->room * 2 : PIECE;
	char *buf;

	if (l->room - l->len >= PIECE / 2)
		return 0;
	if (l->len >= VIRT_LINE_OCTETS)
		return -EMSGSIZE;
	buf = realloc(l->buf, room);
	if (!buf)
		return -ENOMEM;
	l->buf = buf;
	l->room = room;
	return 0;
}

static int take_lines(struct lines *l, void (*take)(void *arg, json_t *object), void *arg)
{
	size_t at = 0;
	char *end;

	while ((end = l->len > at ? memchr(l->buf + at, '\n', l->len - at) : NULL)) {
		size_t len = (size_t)(end - l->buf) - at;
		json_t *object = json_loadb(l->buf + at, len, JSON_REJECT_DUPLICATES, NULL);

		if (!json_is_object(object)) {
			json_decref(object);
			return -EBADMSG;
		}
		take(arg, object);
		json_decref(object);
		at += len + 1;
	}
	if (at) {
		memmove(l->buf, l->buf + at, l->len - at);
		l->len -= at;
	}
	return 0;
}

int lines_read(struct lines *l, int fd, void (*take)(void *arg, json_t *object), void *arg)
{
	for (;;) {
		int err = make_room(l);
		ssize_t n;

		if (err)
			return err;
		n = read(fd, l->buf + l->len, l->room - l->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n <= 0)
			return -EPIPE;
		l->len += (size_t)n;
		err = take_lines(l, take, arg);
		if (err)
			return err;
	}
}

void lines_fini(struct lines *l)
{
	free(l->buf);
	*l = (struct lines){ 0 };
}
