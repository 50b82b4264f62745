/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shape - hold a YAML tree against a libcyaml schema, and report all that differs.
 *
 * libcyaml stops at the first thing it dislikes. So the same tables are walked
 * here first: unknown, missing and repeated keys, wrong kinds and unusable
 * text are all reported, and what is right is copied into a second tree. That
 * tree has the shape libcyaml demands: a single value where a list may stand
 * has become a list of one, a required list that is missing has become empty.
 */
#ifndef CONF_SHAPE_H
#define CONF_SHAPE_H

#include <cyaml/cyaml.h>

#include "conf/doc.h"

/**
 * conf_shape_copy - report what is wrong with @in and copy the rest
 * @in:     tree as written
 * @schema: a mapping of mappings, lists and text
 * @out:    the copy, places included; closed by the caller, on success only
 * @errs:   NULL: copy without a word
 * Returns 0 (mistakes or not), or -1: no memory.
 */
int conf_shape_copy(struct conf_doc *in, const cyaml_schema_value_t *schema, struct conf_doc *out,
		    struct conf_errors *errs);

#endif
