/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load - the bench's load generator: traffic that iperf3 and wrk cannot make.
 *
 * One program, one mode per file; each prints one JSON object when it is
 * done. Times are CLOCK_MONOTONIC, which all namespaces of a host share, so
 * one-way latency is the difference of two readings.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench/load/hist.h"

struct load_opts {
	const char *address;		/* where to; numeric. NULL for servers */
	const char *port;
	const char *sources;		/* first of the source addresses for many flows; NULL: the kernel's choice */
	double seconds;			/* how long */
	double rate;			/* per second; 0: as fast as it goes */
	unsigned octets;		/* payload of a datagram */
	unsigned flows;			/* how many flows, or connections at once */
	bool udp;
};

/* What each datagram begins with. */
struct load_stamp {
	uint64_t sent_ns;
	uint64_t number;
};

/* The modes. Each returns an exit status: 0 after printing its result, 1 after a line on standard error. */
int load_udp_send(const struct load_opts *o);
int load_udp_recv(const struct load_opts *o);
int load_echo(const struct load_opts *o);
int load_rr(const struct load_opts *o);
int load_crr(const struct load_opts *o);

/* load_now - CLOCK_MONOTONIC in nanoseconds */
uint64_t load_now(void);

/* load_resolve - numeric address and port; 0, or -1 after a line on standard error */
int load_resolve(const char *address, const char *port, struct sockaddr_storage *sa, socklen_t *octets);

/* load_listen - a socket of @type on @port of every address, both families, with big buffers; -1 after a line on standard error */
int load_listen(const char *port, int type);

/* load_until_told - SIGTERM and SIGINT only set this from here on */
extern volatile bool load_told_to_stop;
void load_until_told(void);

/* load_print - print @result and free it; with a histogram, its percentiles in microseconds are added */
int load_print(json_t *result, const struct hist *h);

#endif
