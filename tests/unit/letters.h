/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * letters - addresses of tests, the same letters for both families, so one row serves IPv4 and IPv6.
 *
 *     C D   clients            R  a router on the way to them
 *     H K   this host's        L  its loopback             B  its address on the bridge
 *     G F   guests             X  a router behind the host
 *     M     multicast          l  link-local
 */
#ifndef TESTS_LETTERS_H
#define TESTS_LETTERS_H

#include <stdio.h>
#include <stdlib.h>

#include "nat/addr.h"

static inline struct nat_addr letter_addr(char c, enum nat_family family)
{
	static const struct { char c; uint8_t v4[4], v6[16]; } known[] = {
		{ 'C', { 198, 51, 100, 7 }, { 0x20, 1, 0xd, 0xb8, 0, 0xc, [15] = 7 } },
		{ 'D', { 198, 51, 100, 8 }, { 0x20, 1, 0xd, 0xb8, 0, 0xc, [15] = 8 } },
		{ 'R', { 192, 0, 2, 254 }, { 0x20, 1, 0xd, 0xb8, 0xff, 0xfe, [15] = 0xfe } },
		{ 'H', { 203, 0, 113, 1 }, { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 } },
		{ 'K', { 203, 0, 113, 2 }, { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 2 } },
		{ 'L', { 127, 0, 0, 1 }, { [15] = 1 } },
		{ 'B', { 192, 168, 122, 1 }, { 0xfd, 0, 1, 0x22, [15] = 1 } },
		{ 'G', { 192, 168, 122, 50 }, { 0xfd, 0, 1, 0x22, [15] = 0x50 } },
		{ 'F', { 192, 168, 122, 51 }, { 0xfd, 0, 1, 0x22, [15] = 0x51 } },
		{ 'X', { 192, 168, 122, 254 }, { 0xfd, 0, 1, 0x22, [15] = 0xfe } },
		{ 'M', { 224, 0, 0, 251 }, { 0xff, 2, [15] = 0xfb } },
		{ 'l', { 169, 254, 1, 1 }, { 0xfe, 0x80, [15] = 9 } },
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].c == c)
			return family == NAT_IPV4 ? nat_addr_v4(known[i].v4) : nat_addr_v6(known[i].v6);
	fprintf(stderr, "no such address: %c\n", c);
	abort();
}

#endif
