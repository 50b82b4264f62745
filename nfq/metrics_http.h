/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics_http - metrics over HTTP, from a process that can do nothing else.
 *
 * A child of the main process: no capabilities, another user, no files. It
 * has the listening socket and a line to main on which it may ask for
 * `metrics` and for nothing else; so foreign HTTP is parsed (by
 * libmicrohttpd) where nothing can be taken.
 */
#ifndef NFQ_METRICS_HTTP_H
#define NFQ_METRICS_HTTP_H

#include <ev.h>

#include "nfq/sandbox.h"

/**
 * metrics_http_open - serve, and start the child again if it dies
 * @listen: "127.0.0.1:9477", "[::1]:9477"; "off": nothing
 * A failure is a line in the log; forwarding does not need it.
 */
void metrics_http_open(struct ev_loop *loop, const char *listen, const struct sandbox *user);
void metrics_http_close(void);

/* metrics_http_move - serve at @listen, or not at all ("off"), from now on; nothing happens if that is as it is */
void metrics_http_move(struct ev_loop *loop, const char *listen, const struct sandbox *user);

#endif
