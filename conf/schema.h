/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema - the shape of the YAML files, as libcyaml's tables.
 *
 * Every leaf is text: what it means is decided by keys, publish and forward,
 * which can say more about a mistake than a schema can. Lists are never
 * absent or NULL for us: an absent one has a count of 0.
 *
 * Memory   what conf_raw_load() gives is libcyaml's and goes with conf_raw_free()
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <cyaml/cyaml.h>

#include "conf/keys.h"

#define CONF_TEXT_MAX 255	/* octets in one value; the longest good one has 76 */

struct conf_raw_forward {
	char *name;			/* NULL: not given; the same of all that are one text */
	char *guest, *network, *when_off, *isolated, *source;
	char **to, **publish, **allow;
	unsigned n_to, n_publish, n_allow;
	char *mss;
#define X(id, ...) char *id;
	struct {
		CONF_OWN_LIMIT_LIST(X)
	} limits;
	struct {
		CONF_TIMEOUT_LIST(X)
	} timeouts;
#undef X
};

/* An outbound rule of any kind; NULL: not given. */
struct conf_raw_out {
	char *inside, *outside, *out, *ports, *filter, *mid_stream, *max_mappings;
	char **from, **to, **except;
	unsigned n_from, n_to, n_except;
};

/* A file as text. Settings are NULL where the file does not have them. */
struct conf_raw {
#define X(id, ...) char *id;
	CONF_SETTING_LIST(X)
	struct {
		CONF_TIMEOUT_LIST(X)
	} timeouts;
	struct {
		CONF_LIMIT_LIST(X)
	} limits;
	struct {
		CONF_CONTROL_LIST(X)
	} control;
	struct {
		CONF_METRICS_LIST(X)
	} metrics;
	struct {
		CONF_LIBVIRT_LIST(X)
		char **uri;
		unsigned n_uri;
	} libvirt;
#undef X
	struct conf_raw_out *masquerade, *nptv6, *one_to_one;
	unsigned n_masquerade, n_nptv6, n_one_to_one;
	struct conf_raw_forward *forwards;
	unsigned n_forwards;
};

/* conf_schema - what the main file, or a drop-in of forwards.d, may hold */
const cyaml_schema_value_t *conf_schema(bool dropin);

/**
 * conf_raw_load - let libcyaml read a file that has the right shape
 * @raw: out; NULL if the file sets nothing at all
 * Returns NULL, or libcyaml's word for what it disliked.
 */
const char *conf_raw_load(const char *yaml, size_t len, bool dropin, struct conf_raw **raw);

void conf_raw_free(struct conf_raw *raw, bool dropin);

#endif
