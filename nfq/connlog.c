/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connlog - see connlog.h */
#include "nfq/connlog.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "nfq/ctl/world.h"
#include "nfq/log.h"
#include "nfq/show.h"
#include "nfq/watch.h"

enum { LOST_EVERY_MS = 10000 };

static struct {
	int slot;			/* of the tap; -1: off */
	uint64_t lost;			/* tap_lost() as last told */
	struct log_rate rate;
	const struct tap_record *current;
} self = { .slot = -1 };

static const char *name_of(uint32_t forward)
{
	(void)forward;
	return self.current->forward;
}

static void add(struct connlog_fields *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct connlog_fields *f, const char *fmt, ...)
{
	va_list ap;

	if (f->n == CONNLOG_FIELDS)
		return;
	va_start(ap, fmt);
	vsnprintf(f->text[f->n++], CONNLOG_FIELD_OCTETS, fmt, ap);
	va_end(ap);
}

static void add_end(struct connlog_fields *f, const char *name, const struct nat_addr *a, uint16_t port, uint8_t family)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(a, (enum nat_family)family), text, sizeof(text));
	add(f, "%s=%s", name, text);
	add(f, "%s_PORT=%u", name, ntohs(port));
}

void connlog_fields(const struct tap_record *r, struct connlog_fields *f)
{
	const struct nat_flow *flow = &r->event.flow;
	bool out = (flow->flags & FLOW_MASQ) && (flow->flags & FLOW_OUT);
	enum nat_dir in = out ? NAT_REPLY : NAT_ORIG;
	struct nat_addr guest = tally_guest(flow);
	char line[SHOW_LINE_OCTETS], proto[16];

	f->n = 0;
	self.current = r;
	show_event(line, sizeof(line), &r->event, name_of);
	show_proto(proto, sizeof(proto), flow->proto);
	add(f, "MESSAGE=%s", line);
	add(f, "PRIORITY=%d", LOG_INFO);
	add(f, "FLOW=%" PRIu32, r->event.index);
	add(f, "PROTO=%s", proto);
	add_end(f, "SRC", &flow->orig.src, flow->orig.sport, flow->family);
	add_end(f, "DST", &flow->orig.dst, flow->orig.dport, flow->family);
	add_end(f, "GUEST", &guest, out ? flow->orig.sport : flow->reply.sport, flow->family);
	if (*ctl_guest(flow))
		add(f, "GUEST_NAME=%.255s", ctl_guest(flow));
	if (*r->forward)
		add(f, "FORWARD=%.*s", (int)strnlen(r->forward, sizeof(r->forward)), r->forward);
	if (r->event.type != NAT_EV_END)
		return;
	add(f, "REASON=%s", show_cause((enum nat_cause)r->event.cause));
	add(f, "PACKETS_IN=%" PRIu32, flow->packets[in]);
	add(f, "OCTETS_IN=%" PRIu64, flow->octets[in]);
	add(f, "PACKETS_OUT=%" PRIu32, flow->packets[!in]);
	add(f, "OCTETS_OUT=%" PRIu64, flow->octets[!in]);
}

static void to_journal(struct connlog_fields *f)
{
	struct iovec iov[CONNLOG_FIELDS];

	for (unsigned i = 0; i < f->n; i++)
		iov[i] = (struct iovec){ .iov_base = f->text[i], .iov_len = strlen(f->text[i]) };
	sd_journal_sendv(iov, (int)f->n);	/* a journal that is not there takes nothing: nobody to tell */
}

static void take(void *ctx, const struct tap_record *r)
{
	static struct connlog_fields f;

	(void)ctx;
	if (r->kind != TAP_EVENT || r->event.type == NAT_EV_STATE)
		return;
	connlog_fields(r, &f);
	if (log_is_journal())
		to_journal(&f);
	else
		log_info("%s", strchr(f.text[0], '=') + 1);
}

static void done(void *ctx)
{
	uint64_t lost = tap_lost(watch_tap()), held;

	(void)ctx;
	if (lost == self.lost || !log_rate_pass(&self.rate, LOST_EVERY_MS, &held))
		return;
	log_warn("connection log: %" PRIu64 " events are missing, they came faster than they could be written", lost - self.lost);
	self.lost = lost;
}

void connlog_set(bool on)
{
	const struct watcher w = { .take = take, .done = done };

	if (on == (self.slot >= 0))
		return;
	if (!on) {
		watch_del((unsigned)self.slot);
		self.slot = -1;
		return;
	}
	self.slot = watch_add(&w, TAP_EVENTS, 0, NULL, 0);
	if (self.slot < 0)
		log_warn("connection-log: no place among the watchers; end a trace, capture or events, then reload");
	else
		self.lost = tap_lost(watch_tap());
}
