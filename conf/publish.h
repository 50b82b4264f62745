/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish - the grammar of one `publish` item.
 *
 *	[address][%dev]:host[-end][:guest[-end]][/proto]
 *	host[-end][:guest[-end]][/proto]
 *	[address][%dev]:host+width[:guest][/proto]
 *	whole | [address][%dev]/whole
 *	~host[-end][/proto]
 *
 *	proto: tcp udp sctp dccp udplite
 *	whole: icmp (ping), gre esp ipip 6in4 l2tp proto-N (a protocol without ports), all
 *
 * This is Docker's -p, with the device and the exclusion of passt. An IPv6
 * address stands in brackets. host+width is a block: each guest gets `width`
 * ports of its own, from `host` on. Without /proto an item is TCP, an exclusion is
 * TCP and UDP. `all` is every TCP and UDP port that nothing else takes. No
 * I/O, no allocation: octets in, a struct out.
 */
#ifndef CONF_PUBLISH_H
#define CONF_PUBLISH_H

#include <net/if.h>
#include <stddef.h>

#include "nat/addr.h"

#define PUBLISH_TEXT 112	/* room for any printed item */

struct publish {
	bool exclude;			/* "~": lo..hi shall not be forwarded */
	uint8_t family;			/* of listen; 0: whatever families the targets have */
	bool rest;			/* "all": lo..hi is 1..65535, to_lo 1 */
	uint8_t proto;			/* IPPROTO_ICMP = ping; 0: TCP and UDP, of exclusions and `rest` */
	struct nat_addr listen;		/* all zero: every address, 0.0.0.0 and [::] too */
	char dev[IFNAMSIZ];		/* "": any device */
	uint16_t lo, hi;		/* host ports, inclusive; 0, 0 for protocols without ports */
	uint16_t to_lo;			/* guest port for lo; 0 for protocols without ports, exclusions, and blocks of the host's own numbers */
	uint16_t block;			/* ports of each guest: lo..hi are those of the first; 0: no block */
};

/* Why an item was refused, and what the admin reads then. */
#define PUBLISH_ERR_LIST(X)                                                                                 \
	X(OK,        "is fine")                                                                             \
	X(EMPTY,     "is empty; write for example 8080:80")                                                 \
	X(CHAR,      "has a character that has no place here; write for example 8080:80/tcp, without spaces") \
	X(PROTO,     "protocol is not known; use tcp, udp, sctp, dccp, udplite, icmp, gre, esp, proto-N or all, one item for each") \
	X(NUMBER,    "is not a protocol that is forwarded whole; N is 3 to 255, and tcp, udp, sctp, dccp, udplite and icmp have names") \
	X(AH,        "covers the addresses it is sent to and cannot be translated; use esp")                 \
	X(ICMP6,     "ping is called icmp for both families; write icmp")                                   \
	X(ICMP_PORT, "it has no ports; write for example icmp, 203.0.113.5/icmp or %eth0/gre")              \
	X(NO_PORT,   "has no host port; write for example 203.0.113.5:8080:80")                             \
	X(PORT,      "is not a port; ports are numbers from 1 to 65535 without leading zeros")              \
	X(PORT_ZERO, "port 0 cannot be forwarded; ports are 1 to 65535")                                    \
	X(PORT_BIG,  "port is above 65535; ports are 1 to 65535")                                           \
	X(ORDER,     "range ends before it starts; write the smaller port first")                           \
	X(BLOCK,     "is not a block of ports within 65535; write for example 20000+20 or 20000+20:8000") \
	X(WIDTH,     "guest range is not as wide as the host range; write both, as in 5000-5100:6000-6100") \
	X(PARTS,     "has too many parts; write address:host:guest/proto, and only host is required")       \
	X(BRACKETS,  "IPv6 addresses stand in brackets; write for example [2001:db8::1]:2222:22")           \
	X(ADDRESS,   "is not an IP address; write 203.0.113.5 or [2001:db8::1], names are not looked up")   \
	X(MAPPED,    "is an IPv4 address written as IPv6; write the IPv4 address alone")                    \
	X(LINKLOCAL, "link-local addresses cannot be forwarded; name the device, as in %eth0:8080:80")      \
	X(MULTICAST, "multicast and broadcast cannot be forwarded; use an address of this host")            \
	X(DEV,       "is not a device name; it is 1 to 15 of letters, digits and . _ -")                    \
	X(EXCLUDE,   "an exclusion names host ports and no more; write for example ~8050 or ~8050-8060/tcp")

enum publish_err {
#define X(id, text) PUBLISH_##id,
	PUBLISH_ERR_LIST(X)
#undef X
	PUBLISH_ERRS
};

/**
 * publish_parse - read one item
 * @text: @len octets, any
 * @p:    out; untouched on error
 * @at:   out on error: octets before the place of the mistake, <= @len
 *
 * Returns PUBLISH_OK or the first mistake from the left. Cost: O(@len).
 */
enum publish_err publish_parse(const char *text, size_t len, struct publish *p, size_t *at);

/* publish_err_text - "what is wrong; what to do" */
const char *publish_err_text(enum publish_err err);

/**
 * publish_print - the item in the same grammar, nothing left to defaults
 * publish_parse() of the text gives @p again. Returns @buf.
 */
const char *publish_print(char buf[PUBLISH_TEXT], const struct publish *p);

/* publish_proto_name - "tcp", "icmp", "gre", "proto-99"; a static text */
const char *publish_proto_name(uint8_t proto);

#endif
