/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor - what of this host stands in the way of forwarding, and the command that mends it.
 *
 * A check is one row of doctor_checks: it looks, and says what it found. It
 * changes nothing on the host; what it tries, it tries in a network namespace
 * of its own. Works without the daemon: all comes from the configuration
 * and the kernel of the network namespace it runs in. With the daemon, what
 * it forwards beside the file (guests that libvirt knows) is looked at too.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "conf/conf.h"
#include "ctl/doctor/net.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_NOTE,		/* worth knowing; nothing has to be done */
	DOCTOR_WARNING,		/* some packets, or some day */
	DOCTOR_PROBLEM,		/* forwarding cannot work like this */
	DOCTOR_LEVELS
};

struct doctor_finding {
	const char *check;
	enum doctor_level level;
	char *what;
	const char *why;	/* NULL: nothing to explain */
	char *mend;		/* a command, or what to write; NULL: nothing to do */
};

struct doctor {
	const struct conf *conf;
	const char *conf_path;
	bool running;		/* the daemon answers at its socket */
	struct net net;		/* devices and default routes */
	const char *check;	/* that runs now */
	struct doctor_finding *list;
	unsigned n, room;
};

struct doctor_check {
	const char *name;
	const char *looks;	/* what it looks at, one line */
	void (*run)(struct doctor *d);
};

extern const struct doctor_check doctor_checks[];	/* ends with a name of NULL */

/* doctor_run - every check, or the one of this name (NULL: all) */
void doctor_run(struct doctor *d, const char *only);

/* doctor_worst - the level of the worst finding */
enum doctor_level doctor_worst(const struct doctor *d);

/* doctor_level_name - "ok", "note", "warning", "problem" */
const char *doctor_level_name(enum doctor_level level);

void doctor_fini(struct doctor *d);

/* doctor_say - one finding of the check that runs; a check that says nothing worse gets an ok by itself */
void doctor_say(struct doctor *d, enum doctor_level level, const char *why, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* doctor_mend - what mends the last finding */
void doctor_mend(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* doctor_row - the i-th published range: of the file's addresses, then of guests whose `to` is not known; NULL: no more */
const struct conf_row *doctor_row(const struct doctor *d, unsigned i);

/* doctor_guest - the i-th different guest address of the file, in a row that leads to it; NULL: no more */
const struct conf_row *doctor_guest(const struct doctor *d, unsigned i);

/* doctor_has_family - is anything forwarded over this family? */
bool doctor_has_family(const struct doctor *d, enum nat_family family);

/* doctor_read - the number in a file below /proc/sys; -1: it is not there */
long doctor_read(const char *path, ...) __attribute__((format(printf, 1, 2)));

/* The checks. */
void doctor_nfqueue(struct doctor *d);
void doctor_queue(struct doctor *d);
void doctor_forwarding(struct doctor *d);
void doctor_accept_ra(struct doctor *d);
void doctor_bridge_nf(struct doctor *d);
void doctor_rp_filter(struct doctor *d);
void doctor_ephemeral(struct doctor *d);
void doctor_firewall(struct doctor *d);
void doctor_rivals(struct doctor *d);
void doctor_listeners(struct doctor *d);
void doctor_libvirt(struct doctor *d);
void doctor_guests(struct doctor *d);
void doctor_ula(struct doctor *d);
void doctor_outside(struct doctor *d);
void doctor_mtu(struct doctor *d);
void doctor_offload(struct doctor *d);

#endif
