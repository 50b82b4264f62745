/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lines - JSON texts, one per line, from a non-blocking descriptor.
 *
 * Memory   one buffer that grows to VIRT_LINE_OCTETS at most
 * Threads  none
 */
#ifndef VIRT_WATCH_LINES_H
#define VIRT_WATCH_LINES_H

#include <jansson.h>
#include <stddef.h>

struct lines {
	char *buf;
	size_t len, room;
};

/**
 * lines_read - take what there is and call @take with each whole text
 * @object: borrowed, always a JSON object
 * Returns 0; -EPIPE: the other side is gone; -EMSGSIZE: a line too long; -EBADMSG: a line that is no JSON object.
 * After an error the descriptor is good for nothing more.
 */
int lines_read(struct lines *l, int fd, void (*take)(void *arg, json_t *object), void *arg);

void lines_fini(struct lines *l);

#endif
