/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay - a capture through the engine, without root, sockets or a clock.
 *
 *     libpcap -> link_ip -> host_place -> nat_packet, nat_finish -> one line, write_packet
 *
 * What the daemon would have done with the packets of a capture: time comes
 * from the capture, the hash key is fixed, routes and devices are those of
 * host.h. The same capture and configuration give the same octets out, on any
 * machine; so a bug report is a capture, and becomes a test.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stdio.h>

#include "conf/conf.h"

struct replay {
	const char *name;		/* of the capture, for messages */
	FILE *in;			/* pcap or pcapng; closed by replay_run() */
	FILE *write;			/* where translated packets go, as pcapng; NULL: nowhere; closed by replay_run() */
	FILE *out, *err;		/* lines; complaints */
	int verbose;			/* 1: flow events too */
};

/**
 * replay_run - all frames of a capture, in their order
 *
 * Each packet gives one line for each hook that it passes, in the words of
 * `nfqnatd -vv`, with the frame's number and its second; each frame without IP
 * gives none and is counted. A packet is written with these lines as its
 * comment; dropped ones are not written.
 *
 * Returns 0; 1 after one line on @err: not a capture, a link type that is not
 * read, a damaged or cut-off file (what stood before was replayed), or no room
 * to write.
 */
int replay_run(const struct replay *r, const struct conf *c);

/**
 * replay_files - replay_run() on files by name, lines on standard output
 * @write: NULL, or a file that is made or replaced; must not be @in
 * Returns as replay_run().
 */
int replay_files(const char *in, const char *write, int verbose, const struct conf *c);

#endif
