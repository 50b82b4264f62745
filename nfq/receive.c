/* SPDX-License-Identifier: GPL-2.0-or-later */
/* receive - see receive.h */
#include "nfq/receive.h"

#include <errno.h>
#include <sys/socket.h>

#include "nfq/batch.h"

enum {
	FIRST = 4,		/* messages asked for before it is known how large they are: BATCH_OCTETS of aggregates */
	AT_ONCE = 16,		/* and at most: what is too much for one batch is no more than 1 MB, if all of a sudden they are large */
	SLOT_ROOM = MSG_SLOT_OCTETS - 4,	/* padding behind a packet: msg_verdict_in_place() */
};

void receive_init(struct batch *b)
{
	for (unsigned i = 0; i < BATCH_PACKETS; i++) {
		b->slot[i] = (struct iovec){ b->slots + (size_t)i * MSG_SLOT_OCTETS, SLOT_ROOM };
		b->in[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &b->slot[i], .msg_iovlen = 1 } };
	}
}

/* A packet message that makes no sense still holds a packet in the kernel: let it go, dropped. */
static void refuse(struct batch *b, struct queue *q, uint8_t *buf, uint32_t id)
{
	b->counts.bad_messages++;
	if (id) {
		msg_verdict(buf, q->num, id, NAT_DROP);
		if (send(q->fd, buf, MSG_VERDICT_OCTETS, 0) < 0)
			b->counts.send_errors++;
	}
}

/* Message @i of those received becomes packet b->n, or is none. */
static void take(struct batch *b, struct queue *q, unsigned i)
{
	size_t len = b->in[i].msg_len > SLOT_ROOM ? SLOT_ROOM : b->in[i].msg_len;	/* cut: parsing will find it wrong */
	struct iovec at = b->slot[i];
	uint16_t num;
	int err;

	b->slot[i] = b->slot[b->n];
	b->slot[b->n] = at;
	switch (msg_parse(at.iov_base, len, &b->pkt[b->n], &b->id[b->n], &num, &err)) {
	case MSG_PACKET:
		b->pkt[b->n].headers = q->headers;
		b->pkt[b->n].recent = &b->recent;
		b->n++;
		break;
	case MSG_ERROR:
		b->counts.lost_verdicts += err != 0;
		break;
	case MSG_BAD:
		refuse(b, q, at.iov_base, b->id[b->n]);
		break;
	case MSG_OTHER:
		break;
	}
}

/* How many of the size of those before still fit? */
static unsigned more(const struct batch *b, size_t octets)
{
	size_t n = b->n && octets ? (BATCH_OCTETS - octets) / (octets / b->n + 1) + 1 : FIRST;

	if (n > AT_ONCE)
		n = AT_ONCE;
	return n < BATCH_PACKETS - b->n ? (unsigned)n : BATCH_PACKETS - b->n;
}

void receive_batch(struct batch *b, struct queue *q)
{
	size_t octets = 0;

	b->n = 0;
	while (b->n < BATCH_PACKETS && octets < BATCH_OCTETS) {
		unsigned first = b->n, ask = more(b, octets);
		int got = recvmmsg(q->fd, b->in + first, ask, MSG_DONTWAIT | MSG_TRUNC, NULL);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			if (errno != ENOBUFS)
				break;
			b->counts.overruns++;
			continue;
		}
		for (unsigned i = first; i < first + (unsigned)got; i++) {
			octets += b->in[i].msg_len;
			take(b, q, i);
		}
		if ((unsigned)got < ask)
			break;
	}
}
