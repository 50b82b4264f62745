/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_request - what a client sent, as a JSON object that may be trusted to
 * have the shape it should: the one fuzzed entrance of the control socket.
 */
#ifndef NFQ_CTL_REQUEST_H
#define NFQ_CTL_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "nat/flow.h"

enum { CTL_WHY_OCTETS = 512 };

/**
 * ctl_request_parse - read one request
 * @line: @len octets, any, without the newline
 * @cmd:  out; the name of the command, inside the object
 * @why:  out on error; what is wrong
 *
 * Returns an object with "cmd", to be freed by the caller, or NULL.
 */
json_t *ctl_request_parse(const char *line, size_t len, const char **cmd, char *why, size_t why_octets);

/**
 * ctl_request_known - does @req have keys of @known only?
 * @known: names, ended by NULL; "cmd" is known by itself
 */
bool ctl_request_known(json_t *req, const char *const *known, char *why, size_t why_octets);

/**
 * ctl_request_text - the text of @key
 * Returns false and @why if it is there and is no text of 1 to 255 octets; *@text is NULL if it is absent.
 */
bool ctl_request_text(json_t *req, const char *key, const char **text, char *why, size_t why_octets);

/* ctl_request_number - the same for a whole number from @min to @max; *@is_set tells whether it is there */
bool ctl_request_number(json_t *req, const char *key, uint32_t min, uint32_t max, uint32_t *n, bool *is_set,
			char *why, size_t why_octets);

/* Which flows are meant. Empty: all. */
struct ctl_filter {
	const char *guest, *forward;	/* inside the request; NULL: any. guest is a name or an address */
	struct nat_addr guest_addr;
	struct nat_prefix address;	/* at any end, before or after translation */
	struct nat_ends ends;		/* with has_ends: the tuple as its initiator sends it, or as the guest answers */
	uint16_t port;			/* network order; at any end; 0: any */
	uint8_t proto;			/* 0: any */
	uint8_t family;			/* 0: any */
	uint8_t tcp;			/* enum tcp_state, TCP_STATES: any */
	bool has_guest_addr, has_address, has_ends, unanswered, answered;
};

/* The keys that ctl_filter_parse() reads; for ctl_request_known(). */
#define CTL_FILTER_KEYS "guest", "forward", "address", "port", "proto", "family", "state", "src", "sport", "dst", "dport"

/**
 * ctl_filter_parse - read a filter out of a request
 * guest, forward: names; address: address or prefix; port; proto: tcp, udp, icmp or icmp6; family: 4 or 6; state: a
 * TCP state, or answered, unanswered; src, sport, dst, dport: both ends of one side, all four or none
 *
 * @f points into @req. Returns false and @why.
 */
bool ctl_filter_parse(json_t *req, struct ctl_filter *f, char *why, size_t why_octets);

/* ctl_filter_has - is flow @flow meant? @forward: its forward's name; @guest: its guest's name, "" if it has none */
bool ctl_filter_has(const struct ctl_filter *f, const struct nat_flow *flow, const char *forward, const char *guest);

/* ctl_proto_of - NAT_PROTO_* of a word or number, 0 if it is none */
uint8_t ctl_proto_of(const char *word);

/* ctl_addr_of - read an address; false: it is none */
bool ctl_addr_of(const char *text, struct nat_addr *a, uint8_t *family);

#endif
