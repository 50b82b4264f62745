/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_world - what the control commands may look at and change, and how
 * other parts add their own section to `status`.
 */
#ifndef NFQ_CTL_WORLD_H
#define NFQ_CTL_WORLD_H

#include <jansson.h>

#include "nfq/ctl/server.h"
#include "nfq/live.h"
#include "nfq/worker.h"

struct ctl_world {
	struct live *live;
	const struct worker_queues *queues;	/* live->threads pairs */
	struct ev_loop *loop;
	const int *control;			/* to the worker: control.h */
	const pid_t *worker;			/* 0: none runs now */
	const unsigned *worker_deaths;
	const char *(*guest_name)(void *ctx, const struct nat_addr *a, uint8_t family);	/* "": not known */
	void *guests;				/* its @ctx */
	nat_ns since;				/* when the daemon started, state_clock() */
};

/* ctl_world_open - start the control socket that @conf names; a failure is a warning, forwarding does not need it */
void ctl_world_open(const struct ctl_world *w, const char *path, const char *group);

/* ctl_world_move - the control socket is at @path and for @group from now on; a failure is a warning, then it stays as it was */
void ctl_world_move(const char *path, const char *group);

/* ctl_guest - the name of the guest at one end of a flow, "" if it is not known; valid until libvirt says something new */
const char *ctl_guest(const struct nat_flow *f);

/* ctl_world - as given to ctl_world_open() */
const struct ctl_world *ctl_world(void);

/**
 * ctl_status_add - a section of `status`
 * @name: key in the JSON object, a literal
 * @make: returns the section, to be given away; NULL: nothing to say now
 */
void ctl_status_add(const char *name, json_t *(*make)(void *ctx), void *ctx);

/* ctl_status_section - one of them as it is now, to be freed by the caller; NULL: there is none, or it has nothing to say */
json_t *ctl_status_section(const char *name);

/* ctl_flushed - the worker ended @ended flows that it was told of; ctl_flush_lost - it died */
void ctl_flushed(uint32_t ended);
void ctl_flush_lost(void);

/* The commands, one file each. */
void ctl_run_add(struct ctl_client *c, json_t *req);
void ctl_run_del(struct ctl_client *c, json_t *req);
void ctl_run_flush(struct ctl_client *c, json_t *req);
void ctl_run_metrics(struct ctl_client *c, json_t *req);
void ctl_run_reload(struct ctl_client *c, json_t *req);
void ctl_run_flows(struct ctl_client *c, json_t *req);
void ctl_run_forwards(struct ctl_client *c, json_t *req);
void ctl_run_why(struct ctl_client *c, json_t *req);
void ctl_run_watch(struct ctl_client *c, json_t *req);
void ctl_run_status(struct ctl_client *c, json_t *req);

#endif
