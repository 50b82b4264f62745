/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doc - a YAML text as a tree that knows the place of everything in it.
 *
 * libcyaml keeps no places, so the tree of libyaml is kept beside its data.
 * Anchors, aliases, tags, second documents and deep nesting are refused before
 * a tree is made: aliases let a small file grow without bound.
 *
 * Memory   conf_doc_close() gives all back
 */
#ifndef CONF_DOC_H
#define CONF_DOC_H

#include <yaml.h>

#include "conf/errors.h"

#define CONF_FILE_MAX (4u << 20)	/* octets of one file */

struct conf_doc {
	const char *file;		/* borrowed; names it in messages */
	yaml_document_t yaml;
};

/**
 * conf_doc_open - parse @text
 * @text: @len octets, any
 * Returns 0, or -1 with at least one line in @errs and nothing to close.
 */
int conf_doc_open(struct conf_doc *d, const char *file, const char *text, size_t len, struct conf_errors *errs);

/* conf_doc_init - an empty tree, to be filled with yaml_document_add_*(); 0, or -1: no memory */
int conf_doc_init(struct conf_doc *d, const char *file);

void conf_doc_close(struct conf_doc *d);

/* conf_doc_at - the place of @node */
struct conf_at conf_doc_at(const struct conf_doc *d, const yaml_node_t *node);

/* conf_doc_root - NULL if the tree is empty */
yaml_node_t *conf_doc_root(struct conf_doc *d);

/* conf_doc_key - the value of @key in @map; NULL: none, or @map is NULL or not a mapping */
yaml_node_t *conf_doc_key(struct conf_doc *d, const yaml_node_t *map, const char *key);

/* conf_doc_item - item @i of list @seq; NULL: none, or @seq is NULL or not a list */
yaml_node_t *conf_doc_item(struct conf_doc *d, const yaml_node_t *seq, unsigned i);

#endif
