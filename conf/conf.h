/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf - what shall be forwarded: a YAML file becomes one immutable object.
 *
 * The file is read by libcyaml with one schema; every mistake in it is
 * collected and reported at once as `file:line:col: what; what to do`.
 * An object is either complete and correct or not made at all.
 *
 * Memory   everything belongs to struct conf and goes with conf_free()
 * Threads  none; the object is never changed after conf_load()
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <net/if.h>
#include <stdio.h>

#include "conf/outbound.h"
#include "nat/addr.h"

enum conf_steering {
	CONF_STEER_AUTO,		/* nft if the kernel has nft `queue`, else iptables */
	CONF_STEER_NFT,
	CONF_STEER_IPTABLES,		/* whatever the alternatives link points to */
	CONF_STEER_IPTABLES_NFT,
	CONF_STEER_IPTABLES_LEGACY,
};

/* What becomes of packets to a row's ports: they are forwarded, or there is no guest now and these are the answers. */
enum conf_action {
	CONF_FORWARD,
	CONF_REJECT,			/* TCP: RST; UDP: port unreachable; ping: host unreachable. `to` means nothing */
	CONF_DROP,
	CONF_HOLD,			/* dropped too, for a guest that should come soon: who asks again may find it */
};

/* One published range, fully resolved: the unit of translation and of steering. */
struct conf_row {
	uint8_t family;			/* enum nat_family: of listen and of to */
	uint8_t proto;			/* IPPROTO_ICMP = ping of either family */
	bool rest;			/* what no other row of this host takes */
	struct nat_addr listen;		/* all zero: every address of this host */
	char dev[IFNAMSIZ];		/* "": whatever device it arrives on */
	uint16_t lo, hi;		/* host ports, inclusive, host order; 0, 0 for protocols without ports */
	struct nat_addr to;		/* the guest */
	uint16_t to_lo;			/* guest port for lo; lo + i goes to to_lo + i */
	uint32_t forward;		/* index in conf.forwards */
	unsigned line, col;		/* of the publish item, in conf.forwards[forward].file */
	uint8_t action;			/* enum conf_action */
	bool host_source;		/* the guest sees this host's address as source: full NAT */
	bool enclosed;			/* its network lets nothing in or out: every packet of it passes the host's FORWARD rules */
	bool frozen;			/* its guest is suspended: the flows' timers stand still */
	uint16_t life;			/* of the guest; flows of another life of it end */
	uint16_t block;			/* in conf_guest.rows: ports of each guest; lo..hi are the first's, to_lo 0: as the host's */
};

/* Whom a forward with `guest:` leads to, and what happens when nobody is there. */
struct conf_guest {
	char *name;			/* libvirt's name of the domain, or a glob(7) of names */
	char *network;			/* libvirt's name of the network; NULL: any */
	bool is_glob;
	bool has4, has6;		/* addresses are given in the file */
	struct nat_addr to4, to6;
	bool isolated;			/* isolated: allow -> also on a network without a way out; the guest sees this host as source */
	bool client_source;		/* source: client is written -> on such a network, too */
	enum conf_action when_off;	/* CONF_REJECT, CONF_DROP or CONF_HOLD */
	uint32_t hold_s;		/* CONF_HOLD: for so long, then it is rejected */
	struct conf_row *rows;		/* what is published: `to` is not known yet; of both families */
	unsigned n_rows;
};

enum conf_mss {
	CONF_MSS_OFF = 1,		/* 0: not written, as for all */
	CONF_MSS_CLAMP,			/* to what the links can carry; larger values are octets */
};

/* What a forward has of its own; 0: not written, or no limit. */
struct conf_limits {
	uint32_t flows;			/* at a time; of all forwards together that is max_flows */
	uint32_t source_flows;		/* of one source (IPv6: a /64) over all forwards */
	uint32_t new_flows;		/* a second */
};

/* Idle limits in seconds, with their defaults. */
struct conf_timeouts {
	uint32_t udp;			/* 300: RFC 4787 REQ-5, both before and after an answer */
	uint32_t tcp_opening;		/* 240: RFC 5382 REQ-5, RFC 7857 2.1 */
	uint32_t tcp_established;	/* 7440: RFC 5382 REQ-5 */
	uint32_t tcp_doubt;		/* 300: after an inexact RST, or picked up and not yet answered */
	uint32_t tcp_closing;		/* 240: RFC 5382 REQ-5, RFC 7857 2.2 */
	uint32_t icmp;			/* 60: RFC 5508 REQ-2 */
};

struct conf_policy {
	struct conf_limits limits;
	struct conf_timeouts timeouts;
	uint32_t mss;			/* enum conf_mss, or octets */
};

struct conf_forward {
	struct conf_policy policy;	/* its own; all 0: it has none */
	char *name;			/* as written, or made up: "192.168.122.50" */
	char *file;			/* file it was read from */
	unsigned line, col;		/* of its first key, or of its name */
	bool is_named;			/* the name was written: then it is the only one of that name */
	struct nat_prefix *allow;	/* sources let in, host bits zero; none: everyone */
	unsigned n_allow;
	bool host_source;		/* source: host -> the guest sees this host as source */
	struct conf_guest *guest;	/* NULL: the guest's addresses are all that is known, its rows are in conf.rows */
};

#define CONF_URIS 16

/* How libvirt is watched. */
struct conf_libvirt {
	bool on;			/* there is a `libvirt:` or a `guest:` */
	char uri[CONF_URIS][256];
	unsigned n_uris;
	bool metadata;			/* domains may publish ports by their metadata */
	uint16_t metadata_lo, metadata_hi;	/* these, and no others */
	char lease_dir[108];
	bool agent;			/* ask guests' agents for addresses too */
};

struct conf {
	uint16_t queue;			/* first queue number; conf_queues() are used */
	unsigned workers;		/* 0: one per CPU ("auto") */
	uint32_t max_flows;
	enum conf_steering steering;
	bool headers_only;		/* headers-only: auto -> of bulk TCP only headers come where the kernel can rewrite the rest */
	bool respect_firewall;		/* firewall: respect -> the host's FORWARD policy decides */
	bool fail_open;			/* fail: open -> untranslated to the host while the worker is down */
	uint16_t source_lo, source_hi;	/* ports nfqnat may take as a source of its own (hairpin, loopback) */
	struct conf_timeouts timeouts;
	struct conf_limits limits;	/* of all forwards together; source_flows: of each source */
	uint32_t half_open;		/* unanswered flows, at most; 0: a quarter of max_flows */
	uint32_t mss;			/* enum conf_mss, or octets */
	bool connection_log;		/* one line when a flow begins and one when it ends, with octets */
	char control_socket[108];	/* of nfqnatctl: nfq/ctl/ctl.h */
	bool control_given;		/* on the command line: the file does not matter */
	char control_group[33];		/* who may ask, beside root */
	char metrics_listen[64];	/* "127.0.0.1:9477", "[::1]:9477", or "off" */
	struct conf_libvirt libvirt;
	struct conf_out outs[CONF_OUTS];	/* in the order in which a packet is held against them */
	unsigned n_outs;
	struct conf_forward *forwards;
	unsigned n_forwards;
	struct conf_row *rows;		/* sorted by family, proto, lo, then most specific first */
	unsigned n_rows;		/* at most 131072 */
};

/* conf_queues - queue numbers that so many workers take at most, from conf.queue on */
static inline unsigned conf_queues(const struct conf *c, unsigned workers)
{
	return (c->headers_only ? 3 : 2) * workers;
}

/**
 * conf_load - read a configuration file and its drop-ins
 * @path: the file; a directory forwards.d beside it may hold more *.yaml, read
 *        in name order, each with a `forwards:` list and nothing else
 * @out:  the object; untouched on error; freed with conf_free()
 * @err:  where every mistake goes, one line each: "file:line:col: what; advice"
 *
 * Returns 0, or -1 after at least one line on @err. Never partial.
 */
int conf_load(const char *path, struct conf **out, FILE *err);

/**
 * conf_parse - the same for text in memory, without drop-ins and without any I/O but @err
 * @name: what the messages call the text
 * @text: @len octets, need not end with NUL, may be anything (this is the fuzzed entrance)
 */
int conf_parse(const char *name, const char *text, size_t len, struct conf **out, FILE *err);

/**
 * conf_print - the configuration as it was understood, one line per row
 * The text is stable: `nfqnatd --check` prints it and the golden tests compare it.
 */
void conf_print(const struct conf *c, FILE *out);

/* conf_rows_sort - bring the rows into the order that struct conf promises */
void conf_rows_sort(struct conf *c);

/* conf_row_by_listener - order by family, protocol, address and device; 0: the same listener */
int conf_row_by_listener(const struct conf_row *a, const struct conf_row *b);

/* conf_copy_settings - all but forwards and rows; @to is zeroed or has none of its own */
void conf_copy_settings(struct conf *to, const struct conf *from);

/* conf_block_slots - how many guests a block has room for; @row: of conf_guest.rows, with a block */
unsigned conf_block_slots(const struct conf *c, const struct conf_row *row);

/* conf_forward_fini - give back what a forward holds */
void conf_forward_fini(struct conf_forward *f);

/* conf_free - give everything back; @c may be NULL */
void conf_free(struct conf *c);

#endif
