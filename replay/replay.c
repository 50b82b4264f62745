/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay - see replay.h */
#include "replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "nat/csum.h"
#include "nfq/hold.h"
#include "nfq/live.h"
#include "nfq/show.h"
#include "nfq/table.h"
#include "replay/host.h"
#include "replay/link.h"
#include "replay/write.h"

enum {
	FRAME_OCTETS = 1 << 19,		/* more than libpcap's own limit, MAXIMUM_SNAPLEN */
	SAID_OCTETS = 2 * SHOW_LINE_OCTETS,	/* no packet passes more hooks */
};

/* What a packet came in. */
struct frame {
	uint8_t *octets;		/* a copy to be rewritten: h.caplen of the capture, zeros up to h.len; NULL: free */
	struct pcap_pkthdr h;
	uint64_t number;
	uint32_t at;			/* where the packet begins */
};

/* One replay at a time: what the callbacks of show.h and nat.h know. */
static struct run {
	const struct replay *args;
	struct conf conf;		/* as given, but for its rows: see rows_make() */
	struct state state;
	pcap_t *pcap;
	uint8_t *octets;		/* of the frame that is looked at, FRAME_OCTETS */
	struct hold hold;		/* fragments that wait for the first of their datagram, as in the daemon */
	struct frame held[HOLD_PLACES];	/* theirs; octets are malloc'ed */
	int link;
	bool not_written;		/* something could not be */
	uint64_t frames, skipped;
	bool has_first;
	int64_t first_s, first_ns;	/* time of the first frame */
	nat_ns now;			/* since then; never goes back */
} run;

static const char *name_of(uint32_t forward)
{
	return state_name(&run.state, forward);
}

static void print_event(void *ctx, const struct nat_event *ev)
{
	char line[SHOW_LINE_OCTETS];

	(void)ctx;
	show_event(line, sizeof(line), ev, name_of);
	fprintf(run.args->out, "%" PRIu64 " %s\n", run.frames, line);
}

static bool is_cut(const struct frame *f)
{
	return f->h.caplen < f->h.len;
}

/* One line about a packet at one hook; it is added to what was @said of it. */
static void print_packet(const struct frame *f, const struct nat_pkt *p, char said[SAID_OCTETS])
{
	char line[SHOW_LINE_OCTETS];
	size_t n = strlen(said);

	show_packet(line, sizeof(line), p, name_of);
	fprintf(run.args->out, "%" PRIu64 " %" PRIu64 ".%06u %s%s\n", f->number, run.now / 1000000000u,
		(unsigned)(run.now % 1000000000u / 1000), line, is_cut(f) ? " [cut by the capture]" : "");
	snprintf(said + n, SAID_OCTETS - n, "%s%s", n ? "\n" : "", line);
}

/* Time since the first frame. Captures of several devices are not always in order; flows need time to go on. */
static void clock_set(const struct timeval *ts)
{
	int64_t s = ts->tv_sec, ns = ts->tv_usec;	/* nanoseconds: that precision was asked for */

	if (!run.has_first) {
		run.has_first = true;
		run.first_s = s;
		run.first_ns = ns;
	}
	if (s < run.first_s || s - run.first_s > INT32_MAX || ns < 0 || ns > 999999999)
		return;
	s -= run.first_s;
	ns -= run.first_ns;
	if (s * 1000000000 + ns > (int64_t)run.now)
		run.now = (nat_ns)(s * 1000000000 + ns);
}

/*
 * On the machine that sends it a packet is often captured before its checksum
 * was finished: the field holds the sum of the pseudo-header, as when the
 * kernel says NFQA_SKB_CSUMNOTREADY.
 */
static bool csum_unfinished(const uint8_t *data, uint32_t len)
{
	struct pkt_view v;
	uint16_t field;
	uint32_t l4;

	if (pkt_parse_ip(data, len, false, &v) != NAT_WHY_UNDECIDED)
		return false;
	l4 = v.end - v.l4;
	if (v.tuple.proto == NAT_PROTO_TCP && l4 >= 20)
		memcpy(&field, data + v.l4 + 16, sizeof(field));
	else if (v.tuple.proto == NAT_PROTO_UDP && l4 >= 8)
		memcpy(&field, data + v.l4 + 6, sizeof(field));
	else
		return false;
	return field == csum_fold(csum_pseudo(&v.tuple.ends.src, &v.tuple.ends.dst, v.tuple.family, v.tuple.proto, l4));
}

/* Through all hooks that it passes. */
static void decide(struct frame *f, struct nat_pkt *p)
{
	struct nat *n = &run.state.nat;
	char said[SAID_OCTETS] = "";

	do {
		nat_packet(n, p, run.now);
		nat_finish(p);
		print_packet(f, p, said);
	} while (host_next_hook(n, p));
	if (!run.args->write || nat_reason_verdict(p->reason) == NAT_DROP || nat_reason_verdict(p->reason) == NAT_HOLD)
		return;
	if (p->data != f->octets + f->at)
		memcpy(f->octets + f->at, p->data, f->h.caplen - f->at);
	if (!write_packet(run.args->write, &f->h, f->octets, p->hook, said))
		run.not_written = true;
}

/* What would not wait: as batch.c has it. */
static void drop(const struct frame *f, struct nat_pkt *p, enum nat_reason why)
{
	char said[SAID_OCTETS] = "";

	p->reason = (uint8_t)why;
	run.state.nat.block->reasons[why]++;
	print_packet(f, p, said);
}

/* They waited, and are decided (@why: UNDECIDED) or dropped now. They leave at this time, not at that of their frame. */
static void leave(const struct hold_list *list, enum nat_reason why, const struct timeval *ts)
{
	for (unsigned i = 0; i < list->n; i++) {
		struct held *e = &run.hold.place[list->place[i]];
		struct frame *f = &run.held[e->id];

		f->h.ts = *ts;
		if (why == NAT_WHY_UNDECIDED)
			decide(f, &e->pkt);
		else
			drop(f, &e->pkt, why);
		if (e->pkt.reason == NAT_WHY_FRAGMENT_HELD)
			drop(f, &e->pkt, NAT_WHY_FRAGMENT_LIMIT);
		free(f->octets);
		f->octets = NULL;
		hold_free(&run.hold, list->place[i]);
	}
}

/* false: there is no room */
static bool keep(const struct frame *f, const struct nat_pkt *p, struct hold_list *out)
{
	unsigned i = 0;

	while (i < HOLD_PLACES && run.held[i].octets)
		i++;
	if (i == HOLD_PLACES || (!run.hold.place && hold_init(&run.hold)) || !hold_put(&run.hold, p, NULL, i, run.now, out))
		return false;
	run.held[i] = *f;
	run.held[i].octets = malloc(f->h.len);
	if (!run.held[i].octets)
		abort();
	memcpy(run.held[i].octets, f->octets, f->h.len);
	return true;
}

static void replay_packet(struct frame *f)
{
	struct nat_pkt p = { .data = f->octets + f->at, .len = f->h.len - f->at };
	struct hold_list out = { .n = 0 };

	hold_expire(&run.hold, run.now, &out);
	leave(&out, NAT_WHY_FRAGMENT_TIMEOUT, &f->h.ts);
	p.csum_partial = !is_cut(f) && csum_unfinished(p.data, p.len);
	host_place(&run.state.nat, &p);
	decide(f, &p);
	out.n = 0;
	if (p.reason == NAT_WHY_FRAGMENT_HELD && !keep(f, &p, &out))
		drop(f, &p, NAT_WHY_FRAGMENT_LIMIT);
	leave(&out, NAT_WHY_FRAGMENT_LIMIT, &f->h.ts);
	if (!p.release)
		return;
	out.n = 0;
	hold_take(&run.hold, p.datagram, &out);
	leave(&out, NAT_WHY_UNDECIDED, &f->h.ts);
}

static void replay_frame(const struct pcap_pkthdr *h, const u_char *octets)
{
	int32_t at = link_ip(run.link, octets, h->caplen);
	struct frame f = { .octets = run.octets, .h = *h, .number = ++run.frames, .at = (uint32_t)at };

	clock_set(&h->ts);
	if (at < 0 || h->len > FRAME_OCTETS || h->len < h->caplen) {
		run.skipped++;
		return;
	}
	memcpy(f.octets, octets, h->caplen);
	memset(f.octets + h->caplen, 0, h->len - h->caplen);	/* what the capture left out */
	nat_expire(&run.state.nat, run.now, UINT32_MAX);
	replay_packet(&f);
}

static void print_summary(void)
{
	const struct nat_block *b = run.state.nat.block;
	FILE *out = run.args->out;

	fprintf(out, "%" PRIu64 " frames, %" PRIu64 " without IP; flows: %" PRIu64 " opened, %" PRIu64 " ended\n",
		run.frames, run.skipped, b->opened, b->ended);
	for (unsigned r = 0; r < NAT_REASONS; r++)
		if (b->reasons[r])
			fprintf(out, "%s %" PRIu64 "\n", nat_reason_name(r), b->reasons[r]);
}

/*
 * Forwards that follow guests lead to the addresses that `to:` beside `guest:` gives: there is no libvirt here to ask.
 * The rows are this run's, all else is @c's. Blocks of ports for patterns of names belong to nobody here.
 */
static int rows_make(const struct conf *c)
{
	unsigned room = c->n_rows;

	for (unsigned f = 0; f < c->n_forwards; f++)
		room += c->forwards[f].guest ? c->forwards[f].guest->n_rows : 0;
	run.conf = *c;
	run.conf.rows = calloc(room + 1ul, sizeof(*c->rows));
	if (!run.conf.rows)
		return -ENOMEM;
	if (c->n_rows)
		memcpy(run.conf.rows, c->rows, c->n_rows * sizeof(*c->rows));
	for (unsigned f = 0; f < c->n_forwards; f++) {
		const struct conf_guest *g = c->forwards[f].guest;

		if (g && !g->has4 && !g->has6)
			fprintf(run.args->out,
				"note: forward %s leads to a guest whose address is not known here; "
				"write `to:` beside `guest:`\n",
				c->forwards[f].name);
		for (unsigned i = 0; g && i < g->n_rows; i++) {
			struct conf_row *row = &run.conf.rows[run.conf.n_rows];

			if (g->rows[i].block || !(g->rows[i].family == NAT_IPV4 ? g->has4 : g->has6))
				continue;
			*row = g->rows[i];
			row->to = row->family == NAT_IPV4 ? g->to4 : g->to6;
			row->forward = f;
			run.conf.n_rows++;
		}
	}
	return 0;
}

/* The engine as the daemon would make it, but for its key: the same one always. 0, or -1 after a word. */
static int engine_open(const struct conf *c)
{
	struct nat_params params;
	struct table table = { 0 };
	uint32_t area;
	int err;

	live_params(c, &params);
	err = state_make(&run.state, &params);
	if (err) {
		fprintf(run.args->err, "no memory for %" PRIu32 " flows: %s; lower `max-flows:`\n", params.max_flows,
			strerror(-err));
		return -1;
	}
	run.state.nat.block->flows.key = (struct siphash_key){ 0 };
	err = rows_make(c);
	if (!err) {
		host_open(&run.conf);
		err = table_make_on(&run.conf, host_answers(), &table);
	}
	if (!err)
		err = table_load(&table, &run.conf, &run.state, &area);
	table_free(&table);
	if (err) {
		fprintf(run.args->err, "mapping table of %u rows: %s; forward fewer ranges\n", c->n_rows,
			strerror(-err));
		state_free(&run.state);
		return -1;
	}
	nat_swap_map(&run.state.nat);
	nat_sweep(&run.state.nat, 0, UINT32_MAX);
	show_devices(host_device_name);
	if (run.args->verbose)
		run.state.nat.event = print_event;
	return 0;
}

/* 0, or -1 after a word; then nothing is open, and both files are closed. */
static int capture_open(const struct replay *r)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	const char *type;

	run.pcap = pcap_fopen_offline_with_tstamp_precision(r->in, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!run.pcap) {
		fprintf(r->err, "%s: %s; --replay reads pcap and pcapng files, as tcpdump -w makes them\n", r->name,
			why);
		fclose(r->in);
		goto close_write;
	}
	run.link = pcap_datalink(run.pcap);
	if (!link_known(run.link)) {
		type = pcap_datalink_val_to_name(run.link);
		fprintf(r->err, "%s: link type %d (%s) is not read; capture on a device with one of: %s\n", r->name,
			run.link, type ? type : "unknown", link_known_list());
		goto close;
	}
	if (!r->write)
		return 0;
	run.not_written = !write_begin(r->write, run.link);
	return 0;
close:
	pcap_close(run.pcap);
close_write:
	if (r->write)
		fclose(r->write);
	return -1;
}

static int capture_close(void)
{
	bool good = !run.not_written;

	if (run.args->write)
		good = !fclose(run.args->write) && good;
	pcap_close(run.pcap);
	return good ? 0 : -1;
}

static int frames_run(void)
{
	struct pcap_pkthdr *h;
	const u_char *octets;
	int got;

	while ((got = pcap_next_ex(run.pcap, &h, &octets)) == 1)
		replay_frame(h, octets);
	print_summary();
	if (got == PCAP_ERROR_BREAK)
		return 0;
	fprintf(run.args->err, "%s: after frame %" PRIu64 ": %s; the frames before it were replayed\n", run.args->name,
		run.frames, pcap_geterr(run.pcap));
	return 1;
}

int replay_run(const struct replay *r, const struct conf *c)
{
	int status = 1;

	run = (struct run){ .args = r, .octets = malloc(FRAME_OCTETS) };
	if (capture_open(r) < 0)
		goto free;
	if (!run.octets) {
		fprintf(r->err, "%s: no memory to read it\n", r->name);
	} else if (engine_open(c) == 0) {
		status = frames_run();
		state_free(&run.state);
	}
	if (capture_close() < 0) {
		fprintf(r->err, "%s: the translated packets could not all be written; is there room?\n", r->name);
		status = 1;
	}
free:
	free(run.conf.rows);
	free(run.octets);
	for (unsigned i = 0; i < HOLD_PLACES; i++)
		free(run.held[i].octets);
	hold_fini(&run.hold);
	return status;
}
