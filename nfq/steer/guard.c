/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guard - see guard.h */
#include "nfq/steer/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfq/ctl/world.h"
#include "nfq/log.h"
#include "nfq/steer/marks.h"
#include "nfq/steer/news.h"
#include "nfq/steer/run.h"
#include "nfq/steer/shield.h"

enum {
	GET_INFO = 64,			/* IPT_SO_GET_INFO and IP6T_SO_GET_INFO */
};

/* struct ipt_getinfo and ip6t_getinfo, which are the same; their headers cannot be included beside netinet/in.h. */
struct table_info {
	char name[32];
	uint32_t valid_hooks, hook_entry[5], underflow[5], num_entries, size;
};

static const double POLL_S = 0.1;	/* legacy tables: four calls of a microsecond */
static const double REST_S = 10;	/* there are none */
static const double AGAIN_S = 0.1;	/* a change is under way, or putting them back failed */

static const char *const tables[] = { "raw", "mangle" };

static struct {
	struct live *live;
	struct ev_loop *loop;
	struct mnl_socket *nl;
	int probe[2];			/* for legacy tables, by family */
	struct table_info size[2][2];	/* by table and family, as seen last */
	unsigned restored;
	int shield;			/* 0, or what shield_set() said last */
	int adopted;			/* rules that are there though we installed others: not fought over; -1: none */
	char who[NEWS_PROGRAM_OCTETS];		/* the program that changed rules last */
	ev_io io;
	ev_timer poll, again;
} guard = { .probe = { -1, -1 }, .adopted = -1 };

static void doubt_marks(const char *table, uint32_t who)
{
	if (guard.live->road.headers)
		marks_doubt(&guard.live->state.nat.marks, table, who);
}

/*
 * Something was taken away. Returns whether to look for our rules: not for the
 * shield's table, that is ours alone; not for elements of others' sets, which
 * come and go (our rules for queues have none); not for what our own program
 * took from the table of marks, many times a minute.
 */
static bool taken(const struct news *n)
{
	const bool elements = n->what == NEWS_TAKEN_SET, ours = run_was(n->who), marks = !strcmp(n->table, MARKS_TABLE);

	doubt_marks(n->table, n->who);
	/* A rule that is replaced is taken away, too. */
	if (!elements && !ours && (!strcmp(n->table, "nfqnat") || !strncmp(n->chain, "nfqnat", 6)))
		guard.live->touched = true;
	return strcmp(n->table, SHIELD_TABLE) != 0 && (marks ? !ours : !elements);
}

/* @data: bool, out: is it to be looked whether our rules are there? */
static int on_message(const struct nlmsghdr *h, void *data)
{
	const struct news n = news_read(h);

	switch (n.what) {
	case NEWS_OTHER:
		break;
	case NEWS_TAKEN:
	case NEWS_TAKEN_SET:
		*(bool *)data |= taken(&n);
		break;
	case NEWS_PROGRAM:
		snprintf(guard.who, sizeof(guard.who), "%s", n.program);
		break;
	}
	return MNL_CB_OK;
}

/* Read all news. More than the socket holds is news too. */
static bool drain(void)
{
	static char buf[1 << 16];
	bool gone = false;

	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(guard.nl), buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			gone = guard.live->touched = true;
			doubt_marks(NULL, 0);
		} else if (n <= 0) {
			return gone;
		} else {
			mnl_cb_run(buf, (size_t)n, 0, 0, on_message, &gone);
		}
	}
}

static void later(void)
{
	ev_timer_set(&guard.again, AGAIN_S, 0.);
	ev_timer_start(guard.loop, &guard.again);
}

/* Something was taken away: was it ours? */
static void look(void)
{
	unsigned want, have;

	ev_timer_stop(guard.loop, &guard.again);
	if (guard.live->road.headers && marks_look(&guard.live->state.nat.marks, nat_tick_of(state_clock())))
		log_warn("table inet " MARKS_TABLE " was changed, last by %s; it is as it was again", *guard.who ? guard.who : "somebody");
	if (guard.live->change.under_way || guard.live->held) {
		later();		/* rules are about to change */
		return;
	}
	if (!steer_count(&guard.live->steer, &want, &have) || have == want || (int)have == guard.adopted)
		return;
	log_warn("%u of %u rules are there, others were removed, last by %s; putting them back", have, want,
		 *guard.who ? guard.who : "somebody");
	if (live_restore(guard.live) < 0) {
		later();
		return;
	}
	guard.restored++;
	log_info("rules are back (%u times so far)", guard.restored);
	/* Counted otherwise than written, by some other version of the program: do not put back for ever. */
	guard.adopted = steer_count(&guard.live->steer, &want, &have) && have != want ? (int)have : -1;
}

static void on_news(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
	if (drain())
		look();
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
	look();
}

/* The size of a legacy table; false: it is not there, or not to be had. */
static bool table_size(unsigned t, unsigned f, struct table_info *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", tables[t]);
	return getsockopt(guard.probe[f], f ? IPPROTO_IPV6 : IPPROTO_IP, GET_INFO, out, &len) == 0;
}

static void on_poll(struct ev_loop *loop, ev_timer *w, int events)
{
	struct table_info now;
	bool changed = false;

	(void)events;
	w->repeat = steer_is_legacy(&guard.live->steer) ? POLL_S : REST_S;
	ev_timer_again(loop, w);
	if (w->repeat > POLL_S)
		return;
	for (unsigned t = 0; t < 2; t++)
		for (unsigned f = 0; f < 2; f++) {
			/* Only tables that we use: asking for one that is not there makes it. */
			if (!guard.live->steer.text[t][f] || !table_size(t, f, &now))
				continue;
			changed |= now.num_entries != guard.size[t][f].num_entries || now.size != guard.size[t][f].size ||
				   memcmp(now.hook_entry, guard.size[t][f].hook_entry, sizeof(now.hook_entry)) != 0;
			guard.size[t][f] = now;
		}
	if (changed) {
		*guard.who = '\0';
		look();
	}
}

static json_t *status(void *ctx)
{
	(void)ctx;
	return json_pack("{s:i}", "restored", (int)guard.restored);
}

static void no_way(const struct nat_addr *to, enum nat_family family, char *dev)
{
	(void)to;
	(void)family;
	dev[0] = '\0';
}

void guard_follow(const struct conf *conf)
{
	struct rules r;
	int err = rules_make(conf, 1, no_way, &r);

	if (!err) {
		err = shield_set(&r);
		rules_free(&r);
	}
	if (err && err != guard.shield)
		log_info("while others remove our rules the host refuses what it gets%s: %s",
			 err == -E2BIG ? ", on some of the ports" : "", strerror(-err));
	guard.shield = err;
}

void guard_start(struct ev_loop *loop, struct live *live)
{
	const int group = NFNLGRP_NFTABLES;

	guard.loop = loop;
	guard.live = live;
	ctl_status_add("rules", status, NULL);
	if (!live->held)
		guard_follow(live->conf);	/* else the shield that was left stays until all sources have said what they have */
	ev_timer_init(&guard.again, on_again, AGAIN_S, 0.);
	ev_timer_init(&guard.poll, on_poll, POLL_S, POLL_S);
	guard.probe[0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	guard.probe[1] = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	ev_timer_start(loop, &guard.poll);
	guard.nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!guard.nl || mnl_socket_bind(guard.nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(guard.nl, NETLINK_ADD_MEMBERSHIP, (void *)(uintptr_t)&group, /* NOLINT(performance-no-int-to-ptr): takes no const */
				  sizeof(group)) < 0) {
		log_warn("the kernel does not tell of changed rules: %s; rules that others remove stay away", strerror(errno));
		return;
	}
	ev_io_init(&guard.io, on_news, mnl_socket_get_fd(guard.nl), EV_READ);
	ev_io_start(loop, &guard.io);
}

void guard_stop(void)
{
	if (!guard.loop)
		return;
	ev_timer_stop(guard.loop, &guard.poll);
	ev_timer_stop(guard.loop, &guard.again);
	ev_io_stop(guard.loop, &guard.io);
	if (guard.nl)
		mnl_socket_close(guard.nl);
	for (unsigned f = 0; f < 2; f++)
		if (guard.probe[f] >= 0)
			close(guard.probe[f]);
	guard.loop = NULL;
	guard.nl = NULL;
	guard.probe[0] = guard.probe[1] = -1;
}
