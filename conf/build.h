/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build - the parts that make a struct conf, inside conf/ only.
 *
 *	text --doc--> tree --shape--> tree --libcyaml--> raw text values
 *	     --keys, forward--> settings, targets, items --rows--> rows --check--> conf
 *
 * Every part reports into one list of mistakes and goes on as far as it can.
 */
#ifndef CONF_BUILD_H
#define CONF_BUILD_H

#include "conf/conf.h"
#include "conf/doc.h"
#include "conf/errors.h"
#include "conf/publish.h"
#include "conf/schema.h"

#define CONF_ROWS_MAX 131072

struct conf_build {
	struct conf *conf;		/* grows; complete after conf_check() */
	unsigned forwards_room, rows_room;
	struct conf_errors *errs;
	bool full;			/* CONF_ROWS_MAX was passed, and said */
};

/* The guest: at most one address per family. */
struct conf_targets {
	bool has4, has6;
	struct nat_addr to4, to6;
};

/* One publish item and its place. */
struct conf_item {
	struct publish p;
	struct conf_at at;
	const char *text;		/* as written */
};

/* conf_forward_add - read one forward, written at @node of @doc, and add it and its rows */
void conf_forward_add(struct conf_build *b, const struct conf_raw_forward *raw, struct conf_doc *doc,
		      const yaml_node_t *node);

/**
 * conf_guest_read - the keys of a forward with `guest:`, but for `to` and `publish`
 * Returns what they say, to be freed with conf_guest_free(); NULL: there is no `guest:`, or no memory.
 */
struct conf_guest *conf_guest_read(struct conf_build *b, const struct conf_raw_forward *raw, struct conf_doc *doc,
				   const yaml_node_t *node);
void conf_guest_free(struct conf_guest *g);

/* conf_guest_print - one line per item of a forward with `guest:` */
void conf_guest_print(const struct conf_forward *f, FILE *out);

/* conf_policy_read - the limits, timeouts and segment size that a forward, written at @node, has of its own */
void conf_policy_read(struct conf_build *b, const struct conf_raw_forward *raw, struct conf_doc *doc, const yaml_node_t *node,
		      struct conf_policy *p);

/* conf_policy_print - those that are written, each with a space before it */
void conf_policy_print(const struct conf_policy *p, FILE *out);

/* conf_rows_add - resolve the items of forward @forward against its exclusions and targets */
void conf_rows_add(struct conf_build *b, uint32_t forward, const struct conf_item *items, unsigned n,
		   const struct conf_targets *to);

/* conf_outbound_add - read one outbound rule of @kind (enum conf_out_kind), written at @node of @doc, and add it */
void conf_outbound_add(struct conf_build *b, const struct conf_raw_out *raw, unsigned kind, struct conf_doc *doc,
		       const yaml_node_t *node);

/* conf_check - what can be judged only when all is known; sorts the rows */
void conf_check(struct conf_build *b);

#endif
