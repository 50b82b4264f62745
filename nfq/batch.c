/* SPDX-License-Identifier: GPL-2.0-or-later */
/* batch - see batch.h */
#include "nfq/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nfq/log.h"
#include "nfq/show.h"
#include "nfq/state.h"

static const char *(*forward_name)(uint32_t forward);
static void (*on_reset)(const struct nat_flow *f);
static void (*on_reject)(const uint8_t *packet, uint32_t octets);

void batch_names(const char *(*name)(uint32_t forward))
{
	forward_name = name;
}

void batch_on_reset(void (*reset)(const struct nat_flow *f))
{
	on_reset = reset;
}

void batch_on_reject(void (*reject)(const uint8_t *packet, uint32_t octets))
{
	on_reject = reject;
}

int batch_init(struct batch *b, struct engine *e)
{
	memset(b, 0, sizeof(*b));
	b->engine = e;
	b->slots = aligned_alloc(64, (size_t)BATCH_PACKETS * MSG_SLOT_OCTETS);
	if (!b->slots)
		return -ENOMEM;
	/* Touch it all now: no page fault between a packet and its verdict. */
	memset(b->slots, 0, (size_t)BATCH_PACKETS * MSG_SLOT_OCTETS);
	return 0;
}

void batch_fini(struct batch *b)
{
	free(b->slots);
	b->slots = NULL;
}

static uint8_t *slot(const struct batch *b, unsigned i)
{
	return b->slots + (size_t)i * MSG_SLOT_OCTETS;
}

static void note_event(void *ctx, const struct nat_event *ev)
{
	struct batch *b = ctx;

	if (ev->type == NAT_EV_END && ev->cause == NAT_END_FORWARD && ev->flow.proto == NAT_PROTO_TCP && on_reset)
		on_reset(&ev->flow);
	if (!log_verbose)
		return;
	if (b->n_events == BATCH_EVENTS)
		b->events_lost++;
	else
		b->event[b->n_events++] = *ev;
}

void batch_listen(struct batch *b)
{
	b->engine->nat.event = note_event;
	b->engine->nat.ctx = b;
}

void batch_log_events(struct batch *b)
{
	char line[SHOW_LINE_OCTETS];

	for (unsigned i = 0; i < b->n_events; i++) {
		show_event(line, sizeof(line), &b->event[i], forward_name);
		log_debug("%s", line);
	}
	if (b->events_lost)
		log_debug("and %u more flow events", b->events_lost);
	b->n_events = b->events_lost = 0;
}

static void log_packets(const struct batch *b)
{
	char line[SHOW_LINE_OCTETS];

	for (unsigned i = 0; i < b->n; i++) {
		show_packet(line, sizeof(line), &b->pkt[i], forward_name);
		log_debug("%s", line);
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

static void receive(struct batch *b, struct queue *q)
{
	size_t octets = 0;

	b->n = 0;
	while (b->n < BATCH_PACKETS && octets < BATCH_OCTETS) {
		uint8_t *buf = slot(b, b->n);
		ssize_t len = recv(q->fd, buf, MSG_SLOT_OCTETS - 4, MSG_DONTWAIT | MSG_TRUNC);
		uint16_t num;
		int err;

		if (len < 0) {
			if (errno == EINTR)
				continue;
			if (errno != ENOBUFS)
				break;
			b->counts.overruns++;
			continue;
		}
		if (len > MSG_SLOT_OCTETS - 4)
			len = MSG_SLOT_OCTETS - 4;	/* cut: parsing will find it wrong */
		switch (msg_parse(buf, (size_t)len, &b->pkt[b->n], &b->id[b->n], &num, &err)) {
		case MSG_PACKET:
			b->n++;
			octets += (size_t)len;
			break;
		case MSG_ERROR:
			b->counts.lost_verdicts += err != 0;
			break;
		case MSG_BAD:
			refuse(b, q, buf, b->id[b->n]);
			break;
		case MSG_OTHER:
			break;
		}
	}
}

static void decide(struct batch *b)
{
	struct engine *e = b->engine;
	nat_ns now;

	pthread_mutex_lock(&e->lock);
	now = state_clock();		/* under the lock: no thread may bring an earlier time than the one before */
	nat_enter(&e->nat);
	batch_listen(b);
	for (unsigned i = 0; i < b->n; i++)
		nat_packet(&e->nat, &b->pkt[i], now);
	nat_leave(&e->nat);
	pthread_mutex_unlock(&e->lock);
}

/* Before the verdicts: they are written where the packets are. */
static void reject(const struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->pkt[i].reason == NAT_WHY_REJECTED && on_reject)
			on_reject(b->pkt[i].data, b->pkt[i].len);
}

/* Send verdicts [from, to): all at once, one by one if the kernel has no memory for all. */
static void send_verdicts(struct batch *b, struct queue *q, unsigned from, unsigned to)
{
	struct msghdr m = { .msg_iov = b->out + from, .msg_iovlen = to - from };
	unsigned half;
	ssize_t n;

	do {
		n = sendmsg(q->fd, &m, 0);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return;
	if (to - from == 1) {
		/* Not even one: at least do not leave it waiting in the kernel for ever. */
		uint8_t *buf = slot(b, from);

		msg_verdict(buf, q->num, b->id[from], NAT_DROP);
		if (send(q->fd, buf, MSG_VERDICT_OCTETS, 0) < 0)
			b->counts.send_errors++;
		return;
	}
	half = from + (to - from) / 2;
	send_verdicts(b, q, from, half);
	send_verdicts(b, q, half, to);
}

static void answer(struct batch *b, struct queue *q)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct nat_pkt *p = &b->pkt[i];
		enum nat_verdict verdict = nat_reason_verdict(p->reason);

		nat_finish(p);
		if (p->changed && verdict != NAT_DROP)
			b->out[i] = msg_verdict_in_place(p, q->num, b->id[i], verdict);
		else
			b->out[i] = msg_verdict(slot(b, i), q->num, b->id[i], verdict);
	}
	send_verdicts(b, q, 0, b->n);
}

unsigned batch_run(struct batch *b, struct queue *q)
{
	receive(b, q);
	if (!b->n)
		return 0;
	decide(b);
	if (log_verbose) {
		batch_log_events(b);
		if (log_verbose > 1)
			log_packets(b);
	}
	reject(b);
	answer(b, q);
	b->counts.batches++;
	b->counts.packets += b->n;
	return b->n;
}
