/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue - one kernel queue and its socket.
 *
 * The main process opens the queues and keeps them; workers inherit them.
 * So a queue outlives a worker that dies: its packets wait in the kernel and
 * in the socket, and queue_reclaim() gives the next worker those that the
 * dead one had taken and not answered.
 */
#ifndef NFQ_QUEUE_H
#define NFQ_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mnl_socket;

struct queue {
	struct mnl_socket *nl;
	int fd;
	uint16_t num;
	bool headers;		/* hands over no more than QUEUE_HEADERS_OCTETS of a packet */
	uint16_t whole;		/* then: the queue that what must come whole is sent on to */
};

enum {
	QUEUE_MAXLEN = 4096,		/* packets the kernel holds; more only adds delay */
	QUEUE_RCVBUF_OCTETS = 64 << 20,	/* 4096 packets are far below it, 1000 aggregates of 64 KiB just fit */
	QUEUE_SNDBUF_OCTETS = 8 << 20,	/* bounds one send */
	QUEUE_HEADERS_OCTETS = 256,	/* IPv6, some of its extension headers and TCP with all its options; acknowledgements whole */
};

/**
 * queue_open - bind a kernel queue and set it up
 * @q:   out; closed by queue_close(); untouched on error
 * @num: queue number
 * @gso: hand over aggregates whole; for TCP only (UDP GSO and conntrack contradict each other)
 * @why: out on error; @why_octets of text: what was wanted, what came, what to do
 *
 * Copy range 64 KiB, no fail-open, no ENOBUFS: overflow is counted by the kernel (queue_stats()).
 * Returns 0 or -errno: -EPERM (no CAP_NET_ADMIN), -EBUSY (another process has the queue),
 * -EPROTONOSUPPORT or -ENOENT (no NFQUEUE in the kernel), others as they come.
 */
int queue_open(struct queue *q, uint16_t num, bool gso, char *why, size_t why_octets);

/* queue_open_headers - the same for TCP of which the headers will do; @whole: see struct queue */
int queue_open_headers(struct queue *q, uint16_t num, uint16_t whole, char *why, size_t why_octets);

/**
 * queue_adopt - a queue that an earlier process opened for the same purpose; its packets wait in it
 * @fd: of its socket; owned by @q on success
 * Returns 0, or -ENOENT: it is not the owner of queue @num.
 */
int queue_adopt(struct queue *q, int fd, uint16_t num);

/* queue_close - unbind; packets in it are dropped */
void queue_close(struct queue *q);

/* What the kernel says of a queue in /proc/net/netfilter/nfnetlink_queue. */
struct queue_stats {
	uint32_t portid;	/* netlink port of its owner; usually a pid */
	uint32_t waiting;	/* packets in it now */
	uint32_t dropped;	/* queue was longer than QUEUE_MAXLEN */
	uint32_t user_dropped;	/* socket buffer was full */
	uint32_t last_id;
};

/* queue_stats - 0, or -ENOENT if nobody has bound the queue, or -errno of reading /proc */
int queue_stats(uint16_t num, struct queue_stats *s);

/**
 * queue_reclaim - take back what an earlier owner of this socket left unanswered
 *
 * @drop: worker after worker died at once; one of these packets may be why, so drop them
 *
 * Packets it had read but not answered are sent through the hook again
 * (NF_REPEAT), so a killed worker loses none. To be called by a new worker
 * before its first read. Returns how many were waiting, or -errno.
 */
int queue_reclaim(struct queue *q, bool drop);

#endif
