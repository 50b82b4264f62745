/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refused - see refused.h */
#include "nfq/refused.h"

#include <ev.h>
#include <string.h>
#include <sys/socket.h>

#include "nat/rewrite.h"
#include "nfq/log.h"
#include "nfq/nflog.h"
#include "nfq/peek.h"
#include "nfq/steer/rules.h"

enum { ICMP_HEADER = 8, ROUND = 64 };	/* messages before anything else gets its turn */

static struct {
	struct ev_loop *loop;
	const struct nat *nat;
	struct raw *raw;
	struct nflog log;
	ev_io io;
	bool failed;			/* said once */
} self = { .log = { .fd = -1 } };

/* The forward's flow whose packet leaves FORWARD with these ends. */
static bool find_flow(const struct nat *n, const struct nat_ends *sent, uint8_t proto, uint8_t family, struct nat_flow *f)
{
	struct nat_ends answer = nat_ends_inverse(sent), xlat;

	if (peek_find(n, &answer, proto, family, f) == NAT_NONE || f->flags & FLOW_OUT)
		return false;
	xlat = flow_xlat(f);
	return nat_ends_eq(&xlat, sent);
}

/* An error: what it quotes becomes what the client sent, and it comes from the address that he called (R55). */
static bool translate_error(const struct nat *n, uint8_t *packet, struct pkt_view *v)
{
	uint32_t at = v->l4 + ICMP_HEADER;
	struct nat_ends outer = v->tuple.ends;
	struct pkt_view q;
	struct nat_flow f;

	if (pkt_parse_ip(packet + at, v->end - at, true, &q) != NAT_WHY_UNDECIDED || !q.has_flow ||
	    q.tuple.family != v->tuple.family)
		return false;
	if (!find_flow(n, &q.tuple.ends, q.tuple.proto, q.tuple.family, &f))
		return true;
	outer.src = f.orig.dst;
	outer.dst = f.orig.src;
	rewrite_ends(packet + at, &q, &f.orig, true);
	rewrite_ends(packet, v, &outer, false);
	return true;
}

static bool translate_reset(const struct nat *n, uint8_t *packet, struct pkt_view *v)
{
	struct nat_ends sent = nat_ends_inverse(&v->tuple.ends), back;
	struct nat_flow f;

	if (find_flow(n, &sent, v->tuple.proto, v->tuple.family, &f)) {
		back = flow_back(&f);
		rewrite_ends(packet, v, &back, false);
	}
	return true;
}

size_t refused_translate(const struct nat *n, uint8_t *packet, uint32_t octets, struct nat_addr *dst, enum nat_family *family)
{
	struct nat_pkt p = { .data = packet, .len = octets };
	struct pkt_view *v = &p.view;
	bool good = false;

	if (pkt_parse(&p) != NAT_WHY_UNDECIDED || v->is_fragment)
		return 0;
	if (v->is_error)
		good = translate_error(n, packet, v);
	else if (v->tuple.proto == NAT_PROTO_TCP && p.tcp_flags & TCP_F_RST)
		good = translate_reset(n, packet, v);
	if (!good)
		return 0;
	rewrite_full_csum(packet, v);	/* the kernel may have left it open (R5) */
	*dst = v->tuple.ends.dst;
	*family = v->tuple.family;
	return v->end;
}

static void on_log(struct ev_loop *loop, ev_io *w, int events)
{
	uint8_t buf[NFLOG_OCTETS] __attribute__((aligned(4)));
	ssize_t n;

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < ROUND && (n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0; i++) {
		enum nat_family family;
		struct nat_addr dst;
		uint32_t octets;
		uint8_t *packet;
		size_t at = 0;

		while ((packet = nflog_next(buf, (size_t)n, &at, &octets))) {
			size_t len = refused_translate(self.nat, packet, octets, &dst, &family);

			if (len)
				raw_answer(self.raw, family, &dst, packet, len);
		}
	}
}

void refused_begin(struct ev_loop *loop, const struct nat *n, struct raw *raw)
{
	self.loop = loop;
	self.nat = n;
	self.raw = raw;
}

bool refused_listen(void)
{
	int err;

	if (self.log.nl)
		return true;
	if (!self.loop)
		return false;
	err = nflog_open(&self.log, RULES_LOG_GROUP);
	if (err) {
		if (!self.failed)
			log_warn("what the host's firewall refuses of forwards is said in the guest's name: log group %u: %s",
				 RULES_LOG_GROUP, strerror(-err));
		self.failed = true;
		return false;
	}
	ev_io_init(&self.io, on_log, self.log.fd, EV_READ);
	ev_io_start(self.loop, &self.io);
	return true;
}

void refused_end(void)
{
	if (self.log.nl)
		ev_io_stop(self.loop, &self.io);
	nflog_close(&self.log);
	self.loop = NULL;
}
