/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw - packets of our own making: raw sockets, and the IP header.
 */
#ifndef NFQ_RAW_H
#define NFQ_RAW_H

#include <stdbool.h>
#include <stddef.h>

#include "nat/tuple.h"

struct raw {
	int fd4, fd6;		/* raw sockets; -1: the family is not there */
	uint64_t second;	/* of the ICMP errors that were sent last */
	uint32_t errors;	/* and how many in it */
};

/* raw_open - 0, or -errno if neither family can be had: -EPERM, no CAP_NET_RAW */
int raw_open(struct raw *r);
void raw_close(struct raw *r);

/**
 * raw_ip_header - write an IPv4 or IPv6 header without options
 * @e:   source and destination; ports do not matter
 * @len: octets that follow it
 * @buf: out; 40 octets. The kernel writes IPv4's identification and checksum: raw(7)
 * Returns the header's length in octets.
 */
size_t raw_ip_header(uint8_t *buf, const struct nat_ends *e, enum nat_family family, uint8_t proto, size_t len);

/* raw_send - send the packet at @buf, IP header first, toward @dst; false: the kernel would not */
bool raw_send(const struct raw *r, enum nat_family family, const struct nat_addr *dst, const uint8_t *buf, size_t len);

/**
 * raw_answer - raw_send() of what is said to a sender, if it may be said
 * ICMP errors are limited to a thousand a second, as many as the kernel itself
 * makes (icmp_msgs_per_sec; RFC 1812 4.3.2.8, RFC 4443 2.4 (f)); TCP is not.
 */
bool raw_answer(struct raw *r, enum nat_family family, const struct nat_addr *dst, const uint8_t *buf, size_t len);

#endif
