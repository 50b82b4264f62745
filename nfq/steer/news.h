/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * news - what the kernel tells of changed nft rules (NFNLGRP_NFTABLES), one message.
 *
 * Names are what any program with the right to it has chosen.
 *
 * Memory   none of its own
 * Threads  none: a function of its input
 */
#ifndef NFQ_STEER_NEWS_H
#define NFQ_STEER_NEWS_H

#include <libmnl/libmnl.h>
#include <stdint.h>

enum { NEWS_PROGRAM_OCTETS = 32 };

enum news_what {
	NEWS_OTHER,			/* nothing was taken away */
	NEWS_TAKEN,			/* a table, a chain, a rule */
	NEWS_TAKEN_SET,			/* a set or elements of one, maps included */
	NEWS_PROGRAM,			/* what was told before is what this program did */
};

struct news {
	enum news_what what;
	uint32_t who;			/* netlink port of who did it; mostly its pid */
	const char *table, *chain;	/* inside the message, NUL-terminated; "": not said; chain: of a set its name */
	char program[NEWS_PROGRAM_OCTETS];	/* NEWS_PROGRAM: printable ASCII; "": not said */
};

/* news_read - @h: a whole message, mnl_nlmsg_ok(); its inside may be anything. What cannot be read is not said. */
struct news news_read(const struct nlmsghdr *h);

#endif
