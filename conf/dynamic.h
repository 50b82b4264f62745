/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dynamic - forwards that come while the daemon runs, beside those of the file.
 *
 * Guests and the control socket contribute lists of forwards; the file and
 * the lists together become one configuration, the one that tables and rules
 * are made of. Pure data: no I/O.
 *
 * Two forwards must not have the same listener and port. Who comes first has
 * it: the file, then each list in turn. Claims keep account of that.
 *
 * Memory   lists, claims and configurations own what they hold
 */
#ifndef CONF_DYNAMIC_H
#define CONF_DYNAMIC_H

#include "conf/conf.h"

struct conf_dynamic {
	struct conf_forward *forwards;
	unsigned n_forwards, forwards_room;
	struct conf_row *rows;		/* row.forward is an index of forwards above */
	unsigned n_rows, rows_room;
};

/**
 * conf_dynamic_forward - add a forward without rows
 * @name:  copied
 * @allow: copied, @n_allow prefixes; none: everyone
 * Returns its index, or -ENOMEM and changes nothing.
 */
int conf_dynamic_forward(struct conf_dynamic *d, const char *name, const struct nat_prefix *allow, unsigned n_allow);

/* conf_dynamic_row - add a row, its `forward` filled in; 0, or -ENOMEM */
int conf_dynamic_row(struct conf_dynamic *d, const struct conf_row *row);

void conf_dynamic_free(struct conf_dynamic *d);

/* Which ports of which listeners are somebody's. Kept in order: no two of one listener overlap. */
struct conf_claims {
	struct conf_row *row;
	unsigned n, room;
};

/* conf_claims_init - everything that a file forwards; 0, or -ENOMEM */
int conf_claims_init(struct conf_claims *claims, const struct conf *file);

/**
 * conf_claims_add - claim a row's ports
 * Returns 0; -EEXIST: one of them is somebody's, and nothing is claimed; -ENOMEM.
 * Cost: log2(n) steps, and a move of what comes behind.
 */
int conf_claims_add(struct conf_claims *claims, const struct conf_row *row);

/* conf_claims_has - is one of the row's ports somebody's? */
bool conf_claims_has(const struct conf_claims *claims, const struct conf_row *row);

void conf_claims_free(struct conf_claims *claims);

/**
 * conf_compose - a file and lists as one configuration
 * @file:  its settings and rows are copied
 * @lists: @n_lists of them, copied; they claim nothing twice
 *
 * Forwards of the file keep their index; those of the lists come behind, in
 * order. Returns 0, -ENOMEM, or -E2BIG: more rows than a configuration may have.
 */
int conf_compose(const struct conf *file, const struct conf_dynamic *lists, unsigned n_lists, struct conf **out);

#endif
