/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import - forwards written for other programs become our YAML.
 *
 * One reader per kind, one row in import_kinds, one file each. A reader sees
 * only text and a plan (plan.h); it is fuzzed.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "conf/import/plan.h"

/* What the source does not say, but the caller may. */
struct import_args {
	struct plan_head to;		/* the guest, for kinds that name none: docker, passt */
};

struct import_kind {
	const char *name;		/* on the command line */
	const char *what;		/* one line, for help */
	bool needs_to;			/* the source names no guest */
	/* @text ends with NUL and may be written to. False: not such a text at all, and that was said. */
	bool (*read)(struct plan *p, char *text, const struct import_args *args);
};

extern const struct import_kind import_kinds[];	/* ends with a name of NULL */

const struct import_kind *import_kind(const char *name);

/**
 * import_run - read, and write what was understood
 * @name: of the source, for messages
 * @text: ends with NUL; used up
 *
 * Returns 0; 1 if anything was left out (said on @notes) or nothing was understood.
 * The YAML on @out is always complete and correct.
 */
int import_run(const struct import_kind *kind, const char *name, char *text, const struct import_args *args, FILE *out,
	       FILE *notes);

bool import_docker(struct plan *p, char *text, const struct import_args *args);
bool import_hooks(struct plan *p, char *text, const struct import_args *args);
bool import_iptables(struct plan *p, char *text, const struct import_args *args);
bool import_natd(struct plan *p, char *text, const struct import_args *args);
bool import_passt(struct plan *p, char *text, const struct import_args *args);

#endif
