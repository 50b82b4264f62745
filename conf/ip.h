/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ip - addresses and prefixes as text.
 *
 * Readers see only (pointer, length) and take no names, zones or ports.
 */
#ifndef CONF_IP_H
#define CONF_IP_H

#include <stddef.h>

#include "nat/addr.h"

#define CONF_IP_TEXT 56		/* "[", the longest IPv6 address, "]", "/128", NUL */

/* What an address is good for; the order is that of the checks. */
enum conf_ip_kind {
	CONF_IP_UNICAST,
	CONF_IP_ANY,		/* 0.0.0.0/8 or :: */
	CONF_IP_LOOPBACK,
	CONF_IP_LINKLOCAL,
	CONF_IP_MULTICAST,	/* also 240.0.0.0/4 and broadcast */
	CONF_IP_MAPPED,		/* ::ffff:0:0/96: an IPv4 address written as IPv6 */
};

/* conf_ip_parse - false: not an address; the out parameters are untouched then */
bool conf_ip_parse(const char *text, size_t len, struct nat_addr *a, enum nat_family *family);

enum conf_ip_kind conf_ip_kind(const struct nat_addr *a, enum nat_family family);

/* conf_ip_print - inet_ntop() text, IPv6 in brackets if @bracket; returns @buf */
const char *conf_ip_print(char buf[CONF_IP_TEXT], const struct nat_addr *a, enum nat_family family, bool bracket);

/**
 * conf_prefix_parse - "198.51.100.0/24"; an address alone is a prefix of one
 * Host bits are kept as written: compare with conf_prefix_trim().
 * False: not a prefix; @p is untouched then.
 */
bool conf_prefix_parse(const char *text, size_t len, struct nat_prefix *p);

/* conf_prefix_trim - the same prefix with all host bits zero */
struct nat_prefix conf_prefix_trim(const struct nat_prefix *p);

const char *conf_prefix_print(char buf[CONF_IP_TEXT], const struct nat_prefix *p);

#endif
