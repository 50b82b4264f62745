/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report - see report.h; it reads the block while the worker writes it, so figures may be one packet apart */
#include "nfq/report.h"

#include <inttypes.h>

#include "nfq/log.h"
#include "nfq/show.h"

static const struct state *state;

static const char *name_of(uint32_t forward)
{
	return state_name(state, forward);
}

static void log_queue(const struct queue *q, const char *what)
{
	struct queue_stats st;

	if (queue_stats(q->num, &st) < 0)
		return;
	log_info("queue %u (%s): %" PRIu32 " waiting, %" PRIu32 " packets seen, %" PRIu32
		 " dropped as it was full, %" PRIu32 " dropped as its socket was full",
		 q->num, what, st.waiting, st.last_id, st.dropped, st.user_dropped);
}

void report_log(const struct state *s, const struct worker_queues *q, unsigned threads)
{
	const struct nat *n = &s->nat;
	const struct nat_block *b = n->block;
	char line[SHOW_LINE_OCTETS];
	nat_ns now = state_clock();

	state = s;
	log_info("flows: %" PRIu32 " of %" PRIu32 ", %" PRIu64 " opened, %" PRIu64 " ended", b->flows.used, b->max_flows,
		 b->opened, b->ended);
	if (n->pool.head)
		log_info("outside ports: %" PRIu32 " of %" PRIu32 " mappings in use, of %" PRIu32 " guest addresses",
			 n->pool.head->mappings.used, n->pool.head->mappings.capacity, n->pool.head->hosts.used);
	for (uint32_t i = 0; i < flow_slots(&n->flows); i++) {
		if (n->flows.flow[i].idle == IDLE_FREE)
			continue;
		show_flow(line, sizeof(line), n, i, now, name_of);
		log_info("%s", line);
	}
	for (unsigned r = 0; r < NAT_REASONS; r++)
		if (b->reasons[r])
			log_info("packets: %12" PRIu64 " %s %s: %s", b->reasons[r],
				 nat_reason_verdict(r) == NAT_DROP ? "dropped " :
				 nat_reason_verdict(r) == NAT_HOLD || nat_reason_verdict(r) == NAT_WHOLE ? "held    " : "accepted", nat_reason_name(r),
				 nat_reason_words(r));
	for (unsigned i = 0; i < threads; i++) {
		log_queue(&q[i].tcp, "tcp");
		log_queue(&q[i].rest, "other");
		if (q[i].headers.nl)
			log_queue(&q[i].headers, "headers");
	}
	log_info("end of report");
}
