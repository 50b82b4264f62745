/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream - see stream.h */
#include "ctl/stream.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ctl/link.h"
#include "ctl/out.h"
#include "nfq/ctl/ctl.h"

enum { RECORD_MAX = sizeof(struct tap_record) + (2u << 16) + 8 };

static const struct tap_record *current;
static int link_fd = -1;
static volatile sig_atomic_t interrupted;

const char *stream_forward(uint32_t forward)
{
	(void)forward;
	return current && *current->forward ? current->forward : "?";
}

/* Ends the read that may be waiting: closing our side is all that is needed. */
static void on_signal(int signum)
{
	(void)signum;
	interrupted = 1;
	if (link_fd >= 0)
		close(link_fd);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

const char *stream_time(const struct stream *s, const struct tap_record *r, char buf[24])
{
	int64_t wall = (int64_t)r->when + s->wall_ns;
	time_t sec = (time_t)(wall / 1000000000);
	struct tm tm;
	size_t n;

	localtime_r(&sec, &tm);
	n = strftime(buf, 24, "%H:%M:%S", &tm);
	snprintf(buf + n, 24 - n, ".%06d", (int)(wall % 1000000000 / 1000));
	return buf;
}

bool stream_count(const char *text, unsigned long *n)
{
	char *end;

	*n = strtoul(text, &end, 10);
	if (!*end && end != text && *text != '-' && *n)
		return true;
	cmd_error("-c %s: write how many to wait for, 1 or more", text);
	return false;
}

bool stream_filter(json_t *req, char **word, int n)
{
	char text[4096] = "";
	struct bpf_program prog;
	json_t *list;
	size_t len = 0;
	pcap_t *p;

	for (int i = 0; i < n; i++) {
		int got = snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "", word[i]);

		len += (size_t)got;
		if (len >= sizeof(text)) {
			cmd_error("the filter is longer than %zu octets", sizeof(text) - 1);
			return false;
		}
	}
	if (!len)
		return true;
	p = pcap_open_dead(DLT_RAW, 65535);
	if (!p || pcap_compile(p, &prog, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		cmd_error("filter `%s`: %s; see pcap-filter(7)", text, p ? pcap_geterr(p) : "no memory");
		if (p)
			pcap_close(p);
		return false;
	}
	list = json_array();
	for (unsigned i = 0; i < prog.bf_len; i++)
		json_array_append_new(list, json_pack("[i,i,i,I]", prog.bf_insns[i].code, prog.bf_insns[i].jt,
						      prog.bf_insns[i].jf, (json_int_t)prog.bf_insns[i].k));
	json_object_set_new(req, "filter", list);
	pcap_freecode(&prog);
	pcap_close(p);
	return true;
}

static void tell_lost(struct stream *s, uint64_t n)
{
	s->lost += n;
	if (s->ctl->json)
		fprintf(s->ctl->out, "{\"lost\":%" PRIu64 "}\n", n);
	else
		fprintf(stderr, "%" PRIu64 " records were lost here: they came faster than they were read\n", n);
}

/* The rest of a record whose beginning is in @r; false: the stream is broken. */
static bool rest_of(struct link *l, struct tap_record *r)
{
	uint64_t want = (sizeof(*r) + (uint64_t)r->before + r->after + 7) & ~(uint64_t)7;

	return r->octets <= RECORD_MAX && r->octets >= sizeof(*r) && (r->kind != TAP_PACKET || want == r->octets) &&
	       (r->octets == sizeof(*r) || link_read(l, r + 1, r->octets - sizeof(*r)) == 1);
}

static int records(struct stream *s, struct link *l, bool (*take)(struct stream *s, const struct tap_record *r))
{
	struct tap_record *r = malloc(RECORD_MAX);
	int ret = CMD_OK;

	while (r && !interrupted) {
		int got = link_read(l, r, sizeof(*r));

		if (got == 1 && rest_of(l, r)) {
			r->forward[sizeof(r->forward) - 1] = '\0';
			current = r;
			if (r->kind == TAP_LOST)
				tell_lost(s, r->lost);
			else if (!take(s, r) || (s->most && s->shown >= s->most))
				break;
			if (l->n < sizeof(*r) && !ctl_flush(s->ctl)) {
				ret = CMD_NO;	/* nobody reads us any more */
				break;
			}
			continue;
		}
		if (!interrupted) {
			cmd_error(got ? "the stream broke off" : "nfqnatd ended the stream: it stopped, or we read too slowly");
			ret = CMD_NO_DAEMON;
		}
		break;
	}
	current = NULL;
	free(r);
	return ret;
}

static bool begin(struct link *l, json_t *req)
{
	json_t *head, *error;
	bool good;

	if (!link_send(l, req))
		return false;
	head = link_next(l);
	error = json_object_get(head, "error");
	good = head && !error && json_integer_value(json_object_get(head, "octets")) == sizeof(struct tap_record);
	if (error)
		cmd_error("%s", json_string_value(error));
	else if (head && !good)
		cmd_error("nfqnatd and nfqnatctl are not of the same build; restart the daemon");
	json_decref(head);
	return good;
}

/* Watching must not slow what is watched: where CPU time is short the packets come first, and records are lost. */
static void yield_cpu(void)
{
	setpriority(PRIO_PROCESS, 0, 10);	/* one may always give way */
}

int stream_run(struct stream *s, json_t *req, bool (*take)(struct stream *s, const struct tap_record *r))
{
	struct sigaction act = { .sa_handler = on_signal };
	struct link l;
	int ret = CMD_NO;

	s->wall_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	if (!link_open(&l, s->ctl)) {
		json_decref(req);
		return CMD_NO_DAEMON;
	}
	link_fd = l.fd;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	if (begin(&l, req)) {
		yield_cpu();
		if (isatty(STDERR_FILENO))
			fputs("watching; end with Ctrl-C\n", stderr);
		ret = records(s, &l, take);
	}
	link_fd = -1;
	link_close(&l);
	return ret;
}
