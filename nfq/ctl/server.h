/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_server - the control socket: clients, their rights and their limits.
 *
 * Runs in the main process's loop and never blocks: a client's answer is made
 * only as fast as the client takes it. A command either answers at once
 * (ctl_end()) or leaves a job, which is asked for more whenever there is room.
 *
 * Memory   bounded: CTL_CLIENTS_MAX clients, each with a request buffer that
 *          grows to CTL_REQUEST_OCTETS and an output buffer of CTL_OUT_OCTETS
 * Threads  none: main process only
 */
#ifndef NFQ_CTL_SERVER_H
#define NFQ_CTL_SERVER_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "nfq/ctl/ctl.h"

struct ctl_client;

/* One row of the table of commands. */
struct ctl_command {
	const char *name;
	void (*run)(struct ctl_client *c, json_t *req);	/* answers, or leaves a job */
};

struct ctl_counts {
	unsigned clients;		/* now */
	uint64_t requests, refused;	/* refused: no rights, or too many clients */
	uint64_t dropped;		/* too slow, or requests too long */
};

/**
 * ctl_server_open - listen
 * @path:  of the socket; its directory is made if absent; a socket that nobody answers at is replaced
 * @group: name of the group that may ask too; "root": only root, and the user that the daemon runs as
 * @table: ends with a name of NULL; must outlive the server
 * @why:   out on error; what failed and what to do
 *
 * Returns 0 or -errno; -EADDRINUSE: another daemon answers there; -EEXIST: something that is no socket is there.
 */
int ctl_server_open(struct ev_loop *loop, const char *path, const char *group, const struct ctl_command *table, char *why,
		    size_t why_octets);

/**
 * ctl_server_move - listen at @path, for @group, from now on; if that is as it is now, nothing happens
 * A socket whose file somebody removed comes back. Clients stay, but for those that may not ask any more.
 * Returns 0, or -errno: then it listens where and for whom it did, and @why says what failed.
 */
int ctl_server_move(const char *path, const char *group, char *why, size_t why_octets);

/* ctl_server_close - hang up on everybody and remove the socket; harmless if it is not open */
void ctl_server_close(void);

/**
 * ctl_server_adopt - @fd is a client from now on, however long it is silent
 * @only: the one command it may use, a literal
 * For children of the daemon. Returns 0; -EUSERS: there are CTL_CLIENTS_MAX clients; -ENOMEM.
 */
int ctl_server_adopt(int fd, const char *only);

struct ctl_counts ctl_server_counts(void);

/* ctl_may - may a peer with this uid and these groups ask? Root and our own user always. @group: -1: none is configured */
bool ctl_may(uid_t uid, gid_t gid, const gid_t *groups, size_t n, gid_t group);

/* ---- for commands ---- */

/* What a job says when it was asked for more. */
enum ctl_more {
	CTL_MORE,		/* ask again as soon as there is room */
	CTL_WAIT,		/* nothing now: ask after ctl_job_kick() */
	CTL_DONE,		/* the answer was ended */
};

/* ctl_line - one line of an answer; @obj is given away. False: no room; make lines only in a job's @more. */
bool ctl_line(struct ctl_client *c, json_t *obj);

/* ctl_end - the last line: @obj (given away; NULL: an empty one) with "end":true */
void ctl_end(struct ctl_client *c, json_t *obj);

/* ctl_error - the last line: "what is wrong; what to do" */
void ctl_error(struct ctl_client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * ctl_job - the answer comes piece by piece
 * @more: called while there is room for at least one line of CTL_LINE_OCTETS; takes at most about a millisecond
 * @drop: called once, when done or when the client is gone; frees @job
 */
void ctl_job(struct ctl_client *c, enum ctl_more (*more)(struct ctl_client *c, void *job), void (*drop)(void *job),
	     void *job);

/* ctl_job_kick - a job that said CTL_WAIT has something now; the client may be gone afterwards */
void ctl_job_kick(struct ctl_client *c);

/* ctl_raw - octets of a stream; all or nothing; false: no room. ctl_raw_room - how many would fit. */
bool ctl_raw(struct ctl_client *c, const void *octets, size_t n);
size_t ctl_raw_room(const struct ctl_client *c);

#endif
