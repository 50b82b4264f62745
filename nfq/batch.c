/* SPDX-License-Identifier: GPL-2.0-or-later */
/* batch - see batch.h */
#include "nfq/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nat/rewrite.h"
#include "nfq/fields.h"
#include "nfq/log.h"
#include "nfq/receive.h"
#include "nfq/show.h"
#include "nfq/state.h"

enum {
	WHOLE_ROUNDS_MAX = 256,		/* batches of whole packets before headers get their turn, whoever sends them */
	WAY_PACKETS = 8,		/* between two looks whether another thread is in a hurry */
	FEW_PACKETS = 16,		/* a batch of no more is */
};

static const char *(*forward_name)(uint32_t forward);
static const char *(*flow_name)(const struct nat_flow *f);
static void (*on_reset)(const struct nat_flow *f);
static batch_reject_fn on_reject;

static void (*on_want)(void);

void batch_on_want(void (*want)(void))
{
	on_want = want;
}

void batch_names(const char *(*name)(uint32_t forward))
{
	forward_name = name;
}

void batch_flow_names(const char *(*name)(const struct nat_flow *f))
{
	flow_name = name;
}

void batch_on_reset(void (*reset)(const struct nat_flow *f))
{
	on_reset = reset;
}

void batch_on_reject(batch_reject_fn reject)
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
	receive_init(b);
	return 0;
}

void batch_fini(struct batch *b)
{
	free(b->slots);
	tap_writer_free(b->tap);
	b->slots = NULL;
	b->tap = NULL;
}

int batch_tap(struct batch *b, struct tap *taps, unsigned index)
{
	b->tap = tap_writer_new(taps, index);
	if (!b->tap)
		return -ENOMEM;
	b->taps = taps;
	b->counts = *tap_counts_at(b->tap);
	return 0;
}

static void note_event(void *ctx, const struct nat_event *ev)
{
	struct batch *b = ctx;

	if (ev->type == NAT_EV_END && (ev->cause == NAT_END_FORWARD || ev->cause == NAT_END_FLUSHED) && ev->flow.proto == NAT_PROTO_TCP && on_reset)
		on_reset(&ev->flow);
	if (b->taps && ev->type == NAT_EV_END)
		tally_add(&b->taps->tally, flow_name(&ev->flow), &ev->flow);
	if (tap_wants(b->taps, TAP_EVENTS))
		tap_event(b->tap, ev, flow_name(&ev->flow));
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
		fields_event(&b->event[i], flow_name ? flow_name(&b->event[i].flow) : "", "");
		log_debug("%s", line);
	}
	if (b->events_lost)
		log_debug("and %u more flow events", b->events_lost);
	b->n_events = b->events_lost = 0;
}

static void log_packet(const struct nat_pkt *p)
{
	char line[SHOW_LINE_OCTETS];

	show_packet(line, sizeof(line), p, forward_name);
	fields_packet(p, p->forward == NAT_NONE ? "" : forward_name(p->forward));
	log_debug("%s", line);
}

static void log_packets(const struct batch *b)
{
	const struct hold *h = &b->engine->hold;

	for (unsigned i = 0; i < b->n; i++)
		log_packet(&b->pkt[i]);
	for (unsigned i = 0; i < b->leaving.n; i++)
		log_packet(&h->place[b->leaving.place[i]].pkt);
}

static void count_as(struct nat *n, struct nat_pkt *p, enum nat_reason why)
{
	p->reason = (uint8_t)why;
	n->block->reasons[why]++;
}

/* Fragments that have to leave undecided; they are the last of b->leaving, from @from on. */
static void leave_as(struct batch *b, unsigned from, enum nat_reason why)
{
	struct engine *e = b->engine;

	for (unsigned i = from; i < b->leaving.n; i++)
		count_as(&e->nat, &e->hold.place[b->leaving.place[i]].pkt, why);
}

/* What was held of a datagram is decided now, the first fragment first. */
static void release(struct batch *b, uint64_t datagram, nat_ns now)
{
	struct engine *e = b->engine;
	unsigned from = b->leaving.n;

	hold_take(&e->hold, datagram, &b->leaving);
	for (unsigned i = from; i < b->leaving.n; i++) {
		struct nat_pkt *p = &e->hold.place[b->leaving.place[i]].pkt;

		nat_packet(&e->nat, p, now);
		if (p->reason == NAT_WHY_FRAGMENT_HELD)		/* its datagram was forgotten meanwhile */
			count_as(&e->nat, p, NAT_WHY_FRAGMENT_LIMIT);
	}
}

static void fragment(struct batch *b, const struct queue *q, unsigned i, nat_ns now)
{
	struct engine *e = b->engine;
	struct nat_pkt *p = &b->pkt[i];
	unsigned from = b->leaving.n;

	if (p->reason == NAT_WHY_FRAGMENT_HELD && !hold_put(&e->hold, p, q, b->id[i], now, &b->leaving))
		count_as(&e->nat, p, NAT_WHY_FRAGMENT_LIMIT);
	leave_as(b, from, NAT_WHY_FRAGMENT_LIMIT);
	if (p->release)
		release(b, p->datagram, now);
}

/* Does it come behind a packet of its flow that was asked for whole? */
static bool must_follow(const struct batch *b, const struct nat_pkt *p)
{
	uint64_t hash = nat_hash(&b->engine->nat, p);

	for (unsigned i = 0; hash && i < b->asked; i++)
		if (b->asked_hash[i] == hash)
			return true;
	return false;
}

/* One of a queue of headers. */
static void decide_headers(struct batch *b, struct nat_pkt *p, nat_ns now)
{
	if (b->asked && must_follow(b, p)) {
		p->flow = p->forward = NAT_NONE;
		count_as(&b->engine->nat, p, NAT_WHY_HEADERS_ONLY);
	} else {
		nat_packet(&b->engine->nat, p, now);
	}
	if (p->reason == NAT_WHY_HEADERS_ONLY)
		b->asked_hash[b->asked++] = nat_hash(&b->engine->nat, p);
}

/* Flows that begin take long, and a batch may be full of them: packets of others' batches are let in between. */
static nat_ns make_way(struct batch *b, nat_ns since)
{
	struct engine *e = b->engine;

	if (!engine_is_late(e, since))
		return since;
	engine_leave(e);
	engine_pass(e);
	since = engine_enter(e, false);
	batch_listen(b);
	return since;
}

static void decide(struct batch *b, const struct queue *q)
{
	struct engine *e = b->engine;
	uint64_t wanted;
	nat_ns now;

	b->asked = 0;
	for (unsigned i = 0; i < b->n; i++)
		nat_look(&e->nat, &b->pkt[i]);
	now = b->now = engine_enter(e, b->n <= FEW_PACKETS);
	batch_listen(b);
	wanted = e->nat.marks.head->wanted;
	for (unsigned i = 0; i < b->n && b->n > 1; i++)
		nat_warm(&e->nat, &b->pkt[i]);
	for (unsigned i = 0; i < b->n; i++) {
		if (i % WAY_PACKETS == WAY_PACKETS - 1)
			now = make_way(b, now);
		if (q->headers)
			decide_headers(b, &b->pkt[i], now);
		else
			nat_packet(&e->nat, &b->pkt[i], now);
		if (b->pkt[i].datagram)
			fragment(b, q, i, now);
	}
	wanted -= e->nat.marks.head->wanted;
	engine_leave(e);
	if (wanted && on_want)
		on_want();
}

/* A guest whose packet cannot go out now: a soft error, it may ask again (R76). */
static bool has_no_way(uint8_t reason)
{
	return reason == NAT_WHY_NO_OUTSIDE_ADDR || reason == NAT_WHY_NO_OUTSIDE_PORT || reason == NAT_WHY_MAPPING_LIMIT ||
	       reason == NAT_WHY_MAPPINGS_FULL || reason == NAT_WHY_PREFIX_UNMAPPABLE;
}

/* R67, RFC 7112 5: who cuts the header chain of IPv6 is told, if it was sent to us. */
static bool has_cut_chain(const struct nat_pkt *p)
{
	return p->reason == NAT_WHY_FRAGMENT_TINY && p->hook == NAT_PRE && p->view.tuple.family == NAT_IPV6 && !p->view.is_later;
}

/* It goes on; its sender knows it by the ends that it came with. */
static void tell_too_big(const struct nat_pkt *p)
{
	uint8_t head[REJECT_QUOTE];
	uint32_t octets = reject_head(p, head);

	if (octets)
		on_reject(head, octets, REJECT_TOO_BIG, p->too_big);
}

/* Before the verdicts: they are written where the packets are. */
static void reject(const struct batch *b)
{
	for (unsigned i = 0; on_reject && i < b->n; i++) {
		const struct nat_pkt *p = &b->pkt[i];

		if (p->reason == NAT_WHY_REJECTED)
			on_reject(p->data, p->len, REJECT_AS_CLOSED, 0);
		else if (has_no_way(p->reason))
			on_reject(p->data, p->len, REJECT_UNREACHABLE, 0);
		else if (p->reason == NAT_WHY_TTL_OVER)
			on_reject(p->data, p->len, REJECT_EXPIRED, 0);
		else if (p->too_big)
			tell_too_big(p);
		else if (has_cut_chain(p))
			on_reject(p->data, p->len, REJECT_CHAIN, 0);
	}
}

static bool nothing_to_send(const struct batch *b, unsigned from, unsigned to)
{
	while (from < to && !b->out[from].iov_len)
		from++;
	return from == to;
}

/* Send verdicts [from, to): all at once, one by one if the kernel has no memory for all. */
static void send_verdicts(struct batch *b, struct queue *q, unsigned from, unsigned to)
{
	struct msghdr m = { .msg_iov = b->out + from, .msg_iovlen = to - from };
	unsigned half;
	ssize_t n;

	if (nothing_to_send(b, from, to))
		return;			/* the kernel takes an empty message for a mistake */
	do {
		n = sendmsg(q->fd, &m, 0);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return;
	if (to - from == 1) {
		/* Not even one: at least do not leave it waiting in the kernel for ever. */
		uint8_t *buf = batch_slot(b, from);

		msg_verdict(buf, q->num, b->id[from], NAT_DROP);
		if (send(q->fd, buf, MSG_VERDICT_OCTETS, 0) < 0)
			b->counts.send_errors++;
		return;
	}
	half = from + (to - from) / 2;
	send_verdicts(b, q, from, half);
	send_verdicts(b, q, half, to);
}

static struct iovec verdict_of(struct nat_pkt *p, uint8_t *buf, const struct queue *q, uint32_t id)
{
	enum nat_verdict verdict = nat_reason_verdict(p->reason);

	nat_finish(p);
	if (verdict == NAT_HOLD)
		return (struct iovec){ .iov_base = buf };
	if (verdict == NAT_WHOLE)
		return msg_verdict_whole(buf, q->num, id, q->whole);
	if (p->mark && verdict != NAT_DROP)
		return msg_verdict_mark(buf, q->num, id, verdict, p->mark);
	if (p->changed && verdict != NAT_DROP)
		return msg_verdict_in_place(p, q->num, id, p->burst ? NAT_STOP : verdict);
	return msg_verdict(buf, q->num, id, verdict);
}

/* Verdicts of fragments that came in earlier batches, perhaps from other queues. */
static void answer_held(struct batch *b)
{
	struct hold *h = &b->engine->hold;

	for (unsigned i = 0; i < b->leaving.n; i++) {
		struct held *e = &h->place[b->leaving.place[i]];
		uint8_t buf[MSG_VERDICT_MARK_OCTETS] __attribute__((aligned(4)));
		struct iovec out = verdict_of(&e->pkt, buf, e->queue, e->id);

		if (send(e->queue->fd, out.iov_base, out.iov_len, 0) < 0)
			b->counts.send_errors++;
		hold_free(h, b->leaving.place[i]);
	}
	b->leaving.n = 0;
}

static void answer(struct batch *b, struct queue *q)
{
	for (unsigned i = 0; i < b->n; i++)
		b->out[i] = verdict_of(&b->pkt[i], batch_slot(b, i), q, b->id[i]);
	send_verdicts(b, q, 0, b->n);
	if (b->leaving.n)
		answer_held(b);
}

/* For those who watch, what the kernel made of packets by their mark is made of their headers too. */
static void follow_marks(struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct nat_pkt *p = &b->pkt[i];
		struct nat_ends to = p->after;

		if (!p->mark || nat_reason_verdict(p->reason) == NAT_DROP)
			continue;
		rewrite_packet(p, &to);
		p->csum_full = false;
	}
}

/* The batch is out: tell those who watch, and what it took if it is its turn. */
static void tell(struct batch *b, bool watched, nat_ns began)
{
	if (watched)
		follow_marks(b);
	if (watched)
		tap_after(b->tap, b->pkt, b->n, forward_name);
	if (began)
		tap_timed(b->tap, b->n, state_clock() - began);
	if (b->tap)
		*tap_counts_at(b->tap) = b->counts;
}

unsigned batch_run(struct batch *b, struct queue *q)
{
	nat_ns began = b->tap && b->counts.batches % TAP_SAMPLE == 0 ? state_clock() : 0;
	bool watched = tap_wants(b->taps, TAP_PACKETS);

	receive_batch(b, q);
	if (!b->n)
		return 0;
	if (began)
		tap_waited(b->tap, b->pkt, b->n);
	if (watched)
		tap_before(b->tap, b->pkt, b->n);
	decide(b, q);
	if (log_verbose) {
		batch_log_events(b);
		if (log_verbose > 1)
			log_packets(b);
	}
	reject(b);
	answer(b, q);
	one_way_tell(&b->one_way, q->fd, b->pkt, b->n, b->now);
	b->counts.batches++;
	b->counts.packets += b->n;
	tell(b, watched, began);
	return b->n;
}

unsigned batch_run_headers(struct batch *b, struct queue *headers, struct queue *whole)
{
	unsigned n = batch_run(b, headers), asked = b->asked;

	/* They are there already: the kernel sends them on while it reads the verdict. */
	for (unsigned i = 0; asked && i < WHOLE_ROUNDS_MAX; i++)
		if (!batch_run(b, whole))
			break;
	return n;
}

void batch_expire_held(struct batch *b)
{
	struct engine *e = b->engine;

	hold_expire(&e->hold, engine_enter(e, false), &b->leaving);
	leave_as(b, 0, NAT_WHY_FRAGMENT_TIMEOUT);
	engine_leave(e);
	b->n = 0;
	if (log_verbose > 1)
		log_packets(b);
	answer_held(b);
}
