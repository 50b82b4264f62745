/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics - see metrics.h */
#include "nfq/metrics.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nfq/headers.h"
#include "nfq/peek.h"
#include "nfq/watch.h"

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# TYPE nfqnat_%s %s\n# HELP nfqnat_%s %s\n", name, type, name, help);
}

static void one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	family(out, name, type, help);
	fprintf(out, "nfqnat_%s%s %" PRIu64 "\n", name, !strcmp(type, "counter") ? "_total" : "", value);
}

/* A label's value: backslash, quote and newline are escaped. */
static void label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
}

static void write_daemon(FILE *out)
{
	const struct ctl_world *w = ctl_world();
	double age = (double)(state_clock() - w->since) / 1e9;

	family(out, "build", "info", "Version of the daemon.");
	fprintf(out, "nfqnat_build_info{version=\"%s\",steering=\"%s\"} 1\n", NFQNAT_VERSION, steer_name(&w->live->steer));
	family(out, "start_time_seconds", "gauge", "When the daemon started, seconds since 1970.");
	fprintf(out, "nfqnat_start_time_seconds %.3f\n", (double)time(NULL) - age);
	one(out, "worker_up", "gauge", "1 if a packet worker runs; else forwarded ports are closed.", *w->worker > 0);
	one(out, "worker_deaths", "counter", "Packet workers that died and were replaced.", *w->worker_deaths);
	one(out, "forwards", "gauge", "Forwards that run.", w->live->conf->n_forwards);
	one(out, "forward_rows", "gauge", "Published ranges that run.", w->live->conf->n_rows);
}

static void write_flows(FILE *out, const struct nat_block *b)
{
	one(out, "flows", "gauge", "Flows in the table.", b->flows.used);
	one(out, "flows_limit", "gauge", "Flows that the table has room for.", b->max_flows);
	one(out, "flows_opened", "counter", "Flows that began.", b->opened);
	one(out, "flows_ended", "counter", "Flows that ended.", b->ended);
	family(out, "flows_by_class", "gauge", "Flows by the idle limit that they wait for.");
	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++)
		fprintf(out, "nfqnat_flows_by_class{class=\"%s\"} %" PRIu32 "\n", idle_class_name(c), b->flows.count[c]);
	family(out, "packets", "counter", "Packets by the one reason for what happened to them.");
	for (unsigned r = 0; r < NAT_REASONS; r++)
		fprintf(out, "nfqnat_packets_total{reason=\"%s\",verdict=\"%s\"} %" PRIu64 "\n", nat_reason_name(r),
			nat_reason_verdict(r) == NAT_DROP ? "drop" : nat_reason_verdict(r) == NAT_WHOLE ? "whole" : "accept", b->reasons[r]);
}

/* One family over all queues: text has to be grouped by family. */
static void write_queue_family(FILE *out, const char *name, const char *type, const char *help, size_t field)
{
	const struct ctl_world *w = ctl_world();

	family(out, name, type, help);
	for (unsigned i = 0; i < 3 * w->live->threads; i++) {
		static const char *const kinds[] = { "tcp", "other", "headers" };
		const struct worker_queues *set = &w->queues[i / 3];
		const struct queue *q = i % 3 == 0 ? &set->tcp : i % 3 == 1 ? &set->rest : &set->headers;
		struct queue_stats st;
		uint32_t value;

		if (!q->nl || queue_stats(q->num, &st) < 0)
			continue;
		memcpy(&value, (const char *)&st + field, sizeof(value));
		fprintf(out, "nfqnat_%s%s{queue=\"%u\",kind=\"%s\"} %" PRIu32 "\n", name, !strcmp(type, "counter") ? "_total" : "",
			q->num, kinds[i % 3], value);
	}
}

static void write_queues(FILE *out)
{
	write_queue_family(out, "queue_waiting", "gauge", "Packets that wait in the kernel's queue.",
			   offsetof(struct queue_stats, waiting));
	write_queue_family(out, "queue_packets", "counter", "Packets that the kernel queued, modulo 2^32.",
			   offsetof(struct queue_stats, last_id));
	write_queue_family(out, "queue_dropped_full", "counter", "Packets dropped as the queue was full.",
			   offsetof(struct queue_stats, dropped));
	write_queue_family(out, "queue_dropped_socket", "counter", "Packets dropped as the worker's socket was full.",
			   offsetof(struct queue_stats, user_dropped));
}

static void histogram(FILE *out, const char *name, const char *help, const struct tap_times *t)
{
	uint64_t sum = 0;

	family(out, name, "histogram", help);
	for (unsigned i = 0; i < TAP_BUCKETS; i++) {
		sum += t->packets[i];
		if (i < TAP_BUCKETS - 1)
			fprintf(out, "nfqnat_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)(1u << i) / 1e6, sum);
	}
	fprintf(out, "nfqnat_%s_bucket{le=\"+Inf\"} %" PRIu64 "\nnfqnat_%s_sum %.9f\nnfqnat_%s_count %" PRIu64 "\n", name, sum,
		name, (double)t->sum_ns / 1e9, name, sum);
}

static void write_worker(FILE *out, const struct tap *tap)
{
	struct tap_counts n = tap_counts_sum(tap);
	struct tap_times took = tap_times_sum(tap), waited = tap_waits_sum(tap);

	one(out, "worker_packets", "counter", "Packets that workers answered.", n.packets);
	one(out, "worker_batches", "counter", "Batches that they came in.", n.batches);
	one(out, "worker_overruns", "counter", "Times the socket of a queue was full (ENOBUFS).", n.overruns);
	one(out, "worker_lost_verdicts", "counter", "Packets that were gone when their verdict came.", n.lost_verdicts);
	one(out, "worker_send_errors", "counter", "Verdicts that could not be sent.", n.send_errors);
	one(out, "worker_bad_messages", "counter", "Messages of the kernel that made no sense.", n.bad_messages);
	one(out, "watchers", "gauge", "Who watches packets or events now.", watch_count());
	one(out, "watch_lost_records", "counter", "Records that found no room as watchers read too slowly.", watch_lost());
	histogram(out, "queue_wait_seconds",
		  "From a packet's receipt by the kernel to the read of its batch; toward guests, one batch in 17.", &waited);
	histogram(out, "batch_seconds",
		  "From the read of a packet's batch to the end of its verdicts; one batch in 17 is timed.", &took);
}

static void row_labels(FILE *out, const struct tally_row *r)
{
	char guest[INET6_ADDRSTRLEN] = "";

	if (r->family)
		inet_ntop(r->family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&r->guest, (enum nat_family)r->family), guest,
			  sizeof(guest));
	fputs("{forward=\"", out);
	label(out, r->family ? r->forward : "(others)");
	fprintf(out, "\",guest=\"%s\"", guest);
}

static void tally_family(FILE *out, const struct tally *t, const char *name, const char *type, const char *help,
			 const char *const *ways, size_t field)
{
	family(out, name, type, help);
	for (unsigned i = 0; i < TALLY_ROWS; i++) {
		const struct tally_row *r = &t->row[i];
		uint64_t value[TALLY_WAYS];

		if (!r->used)
			continue;
		memcpy(value, (const char *)r + field, ways ? sizeof(value) : sizeof(value[0]));
		for (unsigned way = 0; way < (ways ? TALLY_WAYS : 1); way++) {
			fprintf(out, "nfqnat_%s%s", name, !strcmp(type, "counter") ? "_total" : "");
			row_labels(out, r);
			if (ways)
				fprintf(out, ",direction=\"%s\"", ways[way]);
			fprintf(out, "} %" PRIu64 "\n", value[way]);
		}
	}
}

static void not_below(uint64_t *last, uint64_t *now)
{
	if (*now < *last)
		*now = *last;
	*last = *now;
}

/* Rows of @now are where they were the last time: neither table ever frees one. */
static void never_back(struct tally *now)
{
	static struct tally last;

	for (unsigned i = 0; i < TALLY_ROWS; i++) {
		struct tally_row *n = &now->row[i], *l = &last.row[i];

		if (!n->used)
			continue;
		if (!l->used || l->family != n->family || !nat_addr_eq(&l->guest, &n->guest) || strcmp(l->forward, n->forward) != 0)
			*l = *n;
		not_below(&l->flows, &n->flows);
		for (unsigned w = 0; w < TALLY_WAYS; w++) {
			not_below(&l->packets[w], &n->packets[w]);
			not_below(&l->octets[w], &n->octets[w]);
		}
	}
}

void metrics_tally(struct tally *now, struct tally *living)
{
	const struct state *s = &ctl_world()->live->state;

	/* First what ended, then what lives: a flow that ends in between is missed once, never counted twice. */
	if (watch_tap())
		memcpy(now, &watch_tap()->tally, sizeof(*now));
	for (unsigned i = 0; i < TALLY_ROWS; i++)		/* the worker's words: not believed to end */
		now->row[i].forward[sizeof(now->row[i].forward) - 1] = '\0';
	for (uint32_t i = 0; i < flow_slots(&s->nat.flows); i++) {
		struct nat_flow f;

		if (!peek_flow(&s->nat, i, &f))
			continue;
		tally_add(now, state_flow_name(s, &f), &f);
		tally_add(living, state_flow_name(s, &f), &f);
	}
	never_back(now);
}

/* Names of guests apart: a series must not begin anew because libvirt was asked late. */
static void guest_names(FILE *out, const struct tally *t)
{
	const struct ctl_world *w = ctl_world();

	family(out, "guest", "info", "Names that libvirt has for guests' addresses.");
	for (unsigned i = 0; i < TALLY_ROWS; i++) {
		const struct tally_row *r = &t->row[i];
		const char *name = r->used && r->family && w->guest_name ? w->guest_name(w->guests, &r->guest, r->family) : "";
		char addr[INET6_ADDRSTRLEN];

		if (!*name)
			continue;
		inet_ntop(r->family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&r->guest, (enum nat_family)r->family), addr,
			  sizeof(addr));
		fprintf(out, "nfqnat_guest_info{forward=\"");
		label(out, r->forward);
		fprintf(out, "\",guest=\"%s\",name=\"", addr);
		label(out, name);
		fputs("\"} 1\n", out);
	}
}

static void write_tally(FILE *out)
{
	static const char *const ways[] = { [TALLY_IN] = "in", [TALLY_OUT] = "out" };
	struct tally *now = calloc(2, sizeof(*now)), *living;

	if (!now)
		return;
	living = now + 1;
	metrics_tally(now, living);
	guest_names(out, now);
	tally_family(out, living, "forward_flows", "gauge", "Flows by forward and guest.", NULL, offsetof(struct tally_row, flows));
	tally_family(out, now, "forward_flows_opened", "counter", "Flows that began, by forward and guest.", NULL,
		     offsetof(struct tally_row, flows));
	tally_family(out, now, "forward_packets", "counter", "Packets by forward and guest; in: to the guest.", ways,
		     offsetof(struct tally_row, packets));
	tally_family(out, now, "forward_octets", "counter", "Octets of IP packets by forward and guest; in: to the guest.", ways,
		     offsetof(struct tally_row, octets));
	free(now);
}

void metrics_write(FILE *out)
{
	struct ctl_counts c = ctl_server_counts();

	write_daemon(out);
	write_flows(out, ctl_world()->live->state.nat.block);
	write_queues(out);
	headers_metrics(out);
	if (watch_tap())
		write_worker(out, watch_tap());
	one(out, "control_clients", "gauge", "Clients of the control socket.", c.clients);
	one(out, "control_requests", "counter", "Requests of the control socket.", c.requests);
	one(out, "control_refused", "counter", "Clients without rights, or too many.", c.refused);
	one(out, "control_dropped", "counter", "Clients hung up on: too slow, or requests too long.", c.dropped);
	write_tally(out);
	fputs("# EOF\n", out);
}
