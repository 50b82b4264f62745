/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msg - netlink octets <-> packets. The only code that knows how NFQUEUE
 * writes a packet and reads a verdict (include/uapi/linux/netfilter/nfnetlink_queue.h).
 *
 * NFQA_PAYLOAD is the last attribute of a packet message, so the verdict for
 * it is written in place, right before the payload: the payload is never
 * copied in user space.
 */
#ifndef NFQ_MSG_H
#define NFQ_MSG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "nat/pkt.h"

enum {
	MSG_PAYLOAD_MAX = 0xffff - 4,		/* copy range: what one attribute can carry */
	MSG_SLOT_OCTETS = 65536 + 4096,		/* room for one message and padding behind it */
	MSG_VERDICT_OCTETS = 32,		/* without payload */
	MSG_VERDICT_MARK_OCTETS = 40,		/* the same with a mark */
};

enum msg_kind {
	MSG_PACKET,		/* @p is filled */
	MSG_ERROR,		/* the kernel's answer to a verdict: *@err is its errno, positive; 0: an ack */
	MSG_OTHER,		/* a message that is none of ours: ignore it */
	MSG_BAD,		/* a packet message that cannot be right; *@id is known if not 0 */
};

/**
 * msg_parse - read one netlink message
 * @buf:  @len octets, 4-aligned, may be anything (fuzzed)
 * @p:    out; first part filled, data points into @buf
 * @id:   out; the packet's id, for the verdict
 * @queue: out; the queue's number
 * @err:  out; see MSG_ERROR
 *
 * Never reads outside @buf. Cost: O(attributes).
 */
enum msg_kind msg_parse(uint8_t *buf, size_t len, struct nat_pkt *p, uint32_t *id, uint16_t *queue, int *err);

/**
 * msg_verdict_in_place - write the verdict for a changed packet before its payload
 * @p:    parsed by msg_parse(); p->data lies at least 36 octets behind its buffer's start
 *        and 3 writable octets follow p->data + p->len
 *
 * Returns the piece to send; its length is padded to 4 octets, its headers are not.
 */
struct iovec msg_verdict_in_place(struct nat_pkt *p, uint16_t queue, uint32_t id, enum nat_verdict verdict);

/**
 * msg_verdict - write a verdict without payload
 * @buf: MSG_VERDICT_OCTETS octets, 4-aligned; may be the packet's own message buffer
 */
struct iovec msg_verdict(uint8_t *buf, uint16_t queue, uint32_t id, uint32_t verdict);

/* msg_verdict_mark - the same, and the packet carries @mark from then on; MSG_VERDICT_MARK_OCTETS */
struct iovec msg_verdict_mark(uint8_t *buf, uint16_t queue, uint32_t id, uint32_t verdict, uint32_t mark);

/* msg_verdict_whole - the packet goes to the queue @to as it is, to be decided there (NF_QUEUE); MSG_VERDICT_OCTETS */
struct iovec msg_verdict_whole(uint8_t *buf, uint16_t queue, uint32_t id, uint16_t to);

/* msg_verdict_batch - one verdict for every packet with an id up to @id (NFQNL_MSG_VERDICT_BATCH) */
struct iovec msg_verdict_batch(uint8_t *buf, uint16_t queue, uint32_t id, uint32_t verdict);

#endif
