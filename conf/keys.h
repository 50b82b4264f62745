/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys - the settings: one row per key.
 *
 * The rows drive the schema that libcyaml is given, the reader and the
 * printer; a default is text and goes through the same reader.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include <stddef.h>

#include "conf/conf.h"
#include "conf/errors.h"

enum conf_type {
	CONF_U16,		/* a number, into uint16_t */
	CONF_U32,		/* a number, into uint32_t */
	CONF_WORKERS,		/* a number or `auto` = 0, into unsigned */
	CONF_SPAN,		/* 300s, 5m, 2h, into uint32_t seconds */
	CONF_STEERING,		/* a word, into enum conf_steering */
	CONF_FLAG,		/* the first or the second of two words, into bool */
	CONF_PORTS,		/* 61000-65535, into two uint16_t: the lowest and the highest */
	CONF_LIMIT,		/* a number or `off` = 0, into uint32_t */
	CONF_MSS,		/* off, clamp or octets, into uint32_t: enum conf_mss or the number */
	CONF_TEXT,		/* letters, digits and some marks, into a char[] of min octets; max: an enum conf_text */
};

/* What a CONF_TEXT must look like. */
enum conf_text {
	CONF_TEXT_PATH,		/* begins with a slash */
	CONF_TEXT_NAME,		/* of a group */
	CONF_TEXT_LISTEN,	/* address:port with the address as a number, or "off" */
};

/*
 * id = member of struct conf_raw; field = member of struct conf; words = their
 * list in keys.c, the index is the value; limits are of the value (of ports:
 * the lowest and the highest port).
 *
 *        id            name            type           field             min   max       default        words */
#define CONF_SETTING_LIST(X)                                                                                        \
	X(queue,        "queue",        CONF_U16,      queue,            0,    65535,    "0",           NULL)           \
	X(workers,      "workers",      CONF_WORKERS,  workers,          1,    64,       "auto",        NULL)           \
	X(max_flows,    "max-flows",    CONF_U32,      max_flows,        1024, 16777216, "262144",      NULL)           \
	X(steering,     "steering",     CONF_STEERING, steering,         0,    4,        "auto",        steering_words) \
	X(headers_only, "headers-only", CONF_FLAG,     headers_only,     0,    1,        "auto",        headers_words)  \
	X(firewall,     "firewall",     CONF_FLAG,     respect_firewall, 0,    1,        "pass",        firewall_words) \
	X(fail,         "fail",         CONF_FLAG,     fail_open,        0,    1,        "closed",      fail_words)     \
	X(source_ports, "source-ports", CONF_PORTS,    source_lo,        1024, 65535,    "61000-65535", NULL)           \
	X(mss,          "mss",          CONF_MSS,      mss,              536,  65495,    "off",         NULL)           \
	X(connection_log, "connection-log", CONF_FLAG, connection_log,   0,    1,        "off",         switch_words)

/* What strangers may take: section `limits`; those of a forward are in policy.h. */
#define CONF_LIMIT_LIST(X)                                                                                          \
	X(source_flows, "source-flows", CONF_LIMIT,    limits.source_flows, 1, 16777216, "off",       NULL)           \
	X(new_flows,    "new-flows",    CONF_LIMIT,    limits.new_flows,    1, 1000000,  "off",       NULL)           \
	X(half_open,    "half-open",    CONF_WORKERS,  half_open,           16, 16777216, "auto",     NULL)

/* The same section inside a forward; members of struct conf_policy. */
#define CONF_OWN_LIMIT_LIST(X)                                                 \
	X(flows,        "flows",        limits.flows,        1, 16777216)        \
	X(source_flows, "source-flows", limits.source_flows, 1, 16777216)        \
	X(new_flows,    "new-flows",    limits.new_flows,    1, 1000000)

/* Who may ask, and where: sections `control` and `metrics`; the same columns. */
#define CONF_CONTROL_LIST(X)                                                                                        \
	X(socket,       "socket",       CONF_TEXT,     control_socket,   sizeof(((struct conf *)0)->control_socket), \
	  CONF_TEXT_PATH, "/run/nfqnat/control.sock", NULL)                                                          \
	X(group,        "group",        CONF_TEXT,     control_group,    sizeof(((struct conf *)0)->control_group),  \
	  CONF_TEXT_NAME, "root", NULL)
#define CONF_METRICS_LIST(X)                                                                                        \
	X(listen,       "listen",       CONF_TEXT,     metrics_listen,   sizeof(((struct conf *)0)->metrics_listen), \
	  CONF_TEXT_LISTEN, "off", NULL)

/*
 * All are CONF_SPAN in seconds; why = whose minimum it is, "" if our own: a
 * host under attack may need less than the default, but nobody less than this.
 *
 *        id               name               min   max     default  why */
#define CONF_TIMEOUT_LIST(X)                                                 \
	X(udp,             "udp",             120,  86400,  "300s",  "RFC 4787 REQ-5") \
	X(tcp_opening,     "tcp-opening",     10,   86400,  "240s",  "")               \
	X(tcp_established, "tcp-established", 7440, 604800, "7440s", "RFC 5382 REQ-5") \
	X(tcp_doubt,       "tcp-doubt",       10,   86400,  "300s",  "")               \
	X(tcp_closing,     "tcp-closing",     240,  86400,  "240s",  "RFC 5382 REQ-5") \
	X(icmp,            "icmp",            60,   86400,  "60s",   "RFC 5508 REQ-2")

/*
 * As the settings; fields are of struct conf_libvirt. `uri` is a list and has
 * no row: conf/libvirt.c.
 *
 *        id              name              type        field        min  max             default                     words */
#define CONF_LIBVIRT_LIST(X)                                                                                            \
	X(metadata,       "metadata",       CONF_FLAG,  metadata,    0,   1,              "true",                     bool_words) \
	X(metadata_ports, "metadata-ports", CONF_PORTS, metadata_lo, 1,   65535,          "1024-65535",               NULL)       \
	X(lease_dir,      "lease-dir",      CONF_TEXT,  lease_dir,   108, CONF_TEXT_PATH, "/var/lib/libvirt/dnsmasq", NULL)       \
	X(agent,          "agent",          CONF_FLAG,  agent,       0,   1,              "false",                    bool_words)

struct conf_key {
	const char *section;		/* "timeouts", "libvirt", or NULL at the top */
	const char *name;
	enum conf_type type;
	size_t field;			/* in struct conf */
	size_t raw;			/* in struct conf_raw: a char *, NULL if not written */
	uint32_t min, max;
	const char *def;
	const char *const *words;
	const char *why;
};

/* Those that a forward may have of its own: raw in struct conf_raw_forward, field in struct conf_policy. */
extern const struct conf_key conf_policy_keys[];
extern const unsigned conf_policy_keys_n;

extern const struct conf_key conf_keys[];
extern const unsigned conf_keys_n;

/* conf_keys_default - set every key of @c to its default */
void conf_keys_default(struct conf *c);

/* conf_key_read - set key @k of @c, a struct conf or what else the key's field is in, from @text; a mistake goes to @errs and leaves @c as it was */
void conf_key_read(const struct conf_key *k, const char *text, void *c, struct conf_errors *errs, struct conf_at at);

/* conf_key_print_value - as conf_key_read() takes it, without a newline */
void conf_key_print_value(const struct conf_key *k, const void *c, FILE *out);

/* conf_keys_print - all settings as YAML that reads back to the same values */
void conf_keys_print(const struct conf *c, FILE *out);

#endif
