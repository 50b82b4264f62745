/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link - nfqnatctl's connection to the daemon; the protocol is in nfq/ctl/ctl.h.
 */
#ifndef CTL_LINK_H
#define CTL_LINK_H

#include <jansson.h>

#include "ctl/cmd.h"

struct link {
	int fd;
	char *buf;			/* CTL_LINE_OCTETS; what was read and not yet used */
	size_t n;
};

/* link_open - connect; false after one line on standard error that says why and what to do */
bool link_open(struct link *l, const struct ctl *c);
void link_close(struct link *l);

/* link_send - send a request; @req is given away. False after a line on standard error. */
bool link_send(struct link *l, json_t *req);

/* link_next - the next line of the answer, to be freed by the caller; NULL after a line on standard error */
json_t *link_next(struct link *l);

/* link_read - the next @octets of a stream of records, after the line that began it; 1, 0: the end, -1: error */
int link_read(struct link *l, void *to, size_t octets);

/**
 * link_ask - open, send, read the whole answer, close
 * @req:  given away; NULL, which jansson makes of text that is not UTF-8: CMD_USAGE after a line on standard error
 * @line: called for each line before the last; may be NULL; must not keep @line
 * @out:  out; the last line, to be freed by the caller; may be NULL
 *
 * Returns CMD_OK; CMD_NO after the daemon's error was printed; CMD_NO_DAEMON.
 */
int link_ask(const struct ctl *c, json_t *req, void (*line)(void *ctx, json_t *line), void *ctx, json_t **out);

/* link_print - print @obj as one line of JSON; @obj is kept */
void link_print(const struct ctl *c, const json_t *obj);

#endif
