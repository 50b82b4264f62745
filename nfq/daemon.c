/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon - see daemon.h */
#include "nfq/daemon.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nfq/added.h"
#include "nfq/connlog.h"
#include "nfq/control.h"
#include "nfq/ctl/world.h"
#include "nfq/steer/guard.h"
#include "nfq/steer/marks.h"
#include "nfq/steer/shield.h"
#include "nfq/guests_show.h"
#include "nfq/headers.h"
#include "nfq/handover.h"
#include "nfq/live.h"
#include "nfq/live_out.h"
#include "nfq/log.h"
#include "nfq/notify.h"
#include "nfq/pulse.h"
#include "nfq/queues.h"
#include "nfq/reject.h"
#include "nfq/metrics_http.h"
#include "nfq/refused.h"
#include "nfq/report.h"
#include "nfq/reset.h"
#include "nfq/retell.h"
#include "nfq/route.h"
#include "nfq/stamp.h"
#include "nfq/unheard.h"
#include "nfq/watch.h"
#include "nfq/worker.h"

enum {
	READY_WAIT_MS = 10000,
	STOP_WAIT_MS = 2000,
	CONTROL_ROUND = 256,		/* messages of the worker before anything else gets its turn */
	GOOD_LOOKS = 10,		/* seconds after which what was taken over is taken for good */
	RENEW_DEATHS = 12,		/* as many quick deaths: the flows are what they die of, not the packets */
	SETTLE_LOOKS_MAX = 20,		/* seconds that sources may take to say what they have, after a take-over */
	QUICK_DEATHS_MAX = 5,		/* deaths within a second each, before we wait between them and blame the packets */
};

static const double ROUTES_SETTLE_S = 0.1;	/* changes come in bunches */
static const double WANTS_SETTLE_S = 0.02;	/* so do rewrites that are wanted: one run of nft for all */
static const double RESTART_WAIT_S = 1.0;
static const double PORTS_EVERY_S = 5.0;		/* the host's sockets are looked at, R22 */
static const double TIDY_WAIT_S = 300.0;	/* rules that are left over do no harm, and spare time when a guest comes back */

struct daemon {
	struct live live;
	struct guests guests;
	struct tap *tap;
	struct worker_queues queues[WORKER_THREADS_MAX];
	struct raw raw;
	struct unheard unheard;
	struct retell retell;
	struct route_watch routes;
	int stamp;			/* stamp.h; < 0: none */
	struct sandbox sandbox;		/* who the workers are */
	pid_t worker;
	int control;
	double worker_since;
	unsigned quick_deaths, deaths;
	struct pulse pulse;
	unsigned looks;			/* since start: seconds of our own time */
	bool leaving;			/* another main process comes: it gets all as it is */
	struct ev_loop *loop;
	ev_io control_io, routes_io;
	ev_child child;
	ev_timer settle, restart, tidy, look, watchdog, ports, want;
	ev_signal on_hup, on_usr1, on_usr2, on_quit, on_term, on_int;
};

/* One daemon per process: what callbacks without an argument need. */
static struct daemon daemon_self;

static int worker_spawn(struct daemon *d)
{
	struct worker_args a = { .state = &d->live.state, .queues = d->queues, .threads = d->live.threads, .tap = d->tap,
				 .drop_unanswered = d->quick_deaths >= QUICK_DEATHS_MAX, .sandbox = d->sandbox,
				 .first = d->worker_since <= 0. };
	int pair[2], err;

	err = control_pair(pair);
	if (err)
		return err;
	a.control = pair[1];
	d->worker = worker_start(&a);
	close(pair[1]);
	if (d->worker < 0) {
		close(pair[0]);
		return (int)d->worker;
	}
	d->control = pair[0];
	d->worker_since = ev_time();
	pulse_start(&d->pulse);
	return 0;
}

static int worker_wait_ready(struct daemon *d)
{
	struct pollfd pfd = { .fd = d->control, .events = POLLIN };
	struct control_msg m;
	int n;

	for (;;) {
		do {
			n = poll(&pfd, 1, READY_WAIT_MS);
		} while (n < 0 && errno == EINTR);
		if (n != 1 || control_recv(d->control, &m) != 1)
			break;
		if (m.type == CONTROL_RESET) {
			reset_send(&d->raw, &m.flow);	/* a sweep that was under way when the state was left */
			continue;
		}
		if (d->live.state.taken)
			log_info("went on after %" PRIu32 " packets waited; %" PRIu32 " flows lost", m.count, m.area);
		d->pulse.ready = true;
		return 0;
	}
	log_error("the worker did not start");
	return -EIO;
}

/* Close its control socket and it goes by itself; insist if it does not. */
static void worker_stop(struct daemon *d)
{
	if (d->worker <= 0)
		return;
	close(d->control);
	for (int waited = 0; waitpid(d->worker, NULL, WNOHANG) == 0; waited += 10) {
		if (waited == STOP_WAIT_MS)
			kill(d->worker, SIGKILL);
		poll(NULL, 0, 10);
	}
	d->worker = 0;
}

static void worker_watch(struct daemon *d);

static void reject(struct daemon *d, const struct control_msg *m)
{
	uint8_t buf[REJECT_OCTETS];
	enum nat_family family;
	struct nat_addr dst;
	enum reject_how how = m->area < REJECT_HOWS ? (enum reject_how)m->area : REJECT_AS_CLOSED;
	size_t len = reject_build(m->head, m->count < REJECT_QUOTE ? m->count : REJECT_QUOTE, how, m->mtu, buf, &dst, &family);

	if (len)
		raw_answer(&d->raw, family, &dst, buf, len);
}

static void control_message(struct daemon *d, const struct control_msg *m)
{
	switch ((enum control_type)m->type) {
	case CONTROL_READY:
		log_info("worker %d took over: %" PRIu32 " packets waited, %" PRIu32 " flows lost", d->worker, m->count,
			 m->area);
		d->pulse.ready = true;
		live_worker_ready(&d->live);
		break;
	case CONTROL_SWAPPED:
		live_swapped(&d->live, m->area, m->count);
		unheard_swapped(&d->unheard, d->live.conf, reset_repeat, &d->raw);
		connlog_set(d->live.conf->connection_log);
		break;
	case CONTROL_RESET:
		reset_send(&d->raw, &m->flow);
		unheard_add(&d->unheard, &m->flow);
		retell_add(&d->retell, &m->flow);
		break;
	case CONTROL_REJECT:
		reject(d, m);
		break;
	case CONTROL_WANT:
		if (!ev_is_active(&d->want))
			ev_timer_again(d->loop, &d->want);
		break;
	case CONTROL_FLUSHED:
		ctl_flushed(m->count);
		break;
	case CONTROL_FLUSH:
	case CONTROL_SWAP:
		break;
	}
}

static void on_control(struct ev_loop *loop, ev_io *w, int events)
{
	struct daemon *d = w->data;
	struct control_msg m;
	int got = 0;

	(void)events;
	for (unsigned i = 0; i < CONTROL_ROUND && (got = control_recv(w->fd, &m)) > 0; i++)
		control_message(d, &m);
	if (got < 0)
		ev_io_stop(loop, w);	/* the worker is dead: on_child has the rest */
}

static void worker_again(struct daemon *d)
{
	int err = worker_spawn(d);

	if (err) {
		log_error("no new worker: %s; trying again", strerror(-err));
		ev_timer_set(&d->restart, RESTART_WAIT_S, 0.);
		ev_timer_start(d->loop, &d->restart);
		return;
	}
	worker_watch(d);
}

static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
	struct daemon *d = w->data;
	bool quick = ev_time() - d->worker_since < 1.0;

	(void)events;
	ev_child_stop(loop, w);
	ev_io_stop(loop, &d->control_io);
	close(d->control);
	d->control = -1;
	d->worker = 0;
	if (WIFSIGNALED(w->rstatus))
		log_warn("worker %d was killed by signal %d; starting another on the same flows", w->rpid,
			 WTERMSIG(w->rstatus));
	else
		log_warn("worker %d ended with status %d; starting another on the same flows", w->rpid,
			 WEXITSTATUS(w->rstatus));
	ctl_flush_lost();
	d->deaths++;
	d->quick_deaths = quick ? d->quick_deaths + 1 : 0;
	if (d->quick_deaths >= RENEW_DEATHS && d->live.state.nat.block->opened) {
		log_error("%u workers in a row died at once; starting anew without the flows", d->quick_deaths);
		handover_exec(d->live.path, NULL, d->queues, d->live.threads);
	}
	if (d->quick_deaths < QUICK_DEATHS_MAX) {
		worker_again(d);
		return;
	}
	ev_timer_set(&d->restart, RESTART_WAIT_S, 0.);
	ev_timer_start(loop, &d->restart);
}

static void on_restart(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	worker_again(w->data);
}

static void worker_watch(struct daemon *d)
{
	ev_io_init(&d->control_io, on_control, d->control, EV_READ);
	d->control_io.data = d;
	ev_io_start(d->loop, &d->control_io);
	ev_child_init(&d->child, on_child, d->worker, 0);
	d->child.data = d;
	ev_child_start(d->loop, &d->child);
}

static void on_routes(struct ev_loop *loop, ev_io *w, int events)
{
	struct daemon *d = w->data;

	(void)events;
	if (route_watch_drain(&d->routes) && !ev_is_active(&d->settle)) {
		ev_timer_set(&d->settle, ROUTES_SETTLE_S, 0.);
		ev_timer_start(loop, &d->settle);
	}
}

static void on_ports(struct ev_loop *loop, ev_timer *w, int events)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)events;
	live_out_block(&d->live);
}

static void on_settled(struct ev_loop *loop, ev_timer *w, int events)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)events;
	live_refresh(&d->live);
}

static void on_want(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)events;
	ev_timer_stop(loop, w);
	headers_update();
}

static void on_tidy(struct ev_loop *loop, ev_timer *w, int events)
{
	struct daemon *d = w->data;

	(void)events;
	ev_timer_stop(loop, w);
	live_tidy(&d->live);
}

/* Become the program that is installed now: packets wait in the queues meanwhile, rules stay. */
static void upgrade(struct daemon *d)
{
	if (handover_check(d->live.path) < 0) {
		log_error("no upgrade: this program goes on");
		return;
	}
	log_info("upgrading");
	ev_child_stop(d->loop, &d->child);
	ev_io_stop(d->loop, &d->control_io);
	ev_timer_stop(d->loop, &d->restart);
	worker_stop(d);
	state_good(&d->live.state);	/* nothing is wrong with it */
	handover_exec(d->live.path, &d->live.state, d->queues, d->live.threads);
	worker_again(d);
}

/*
 * The service manager ends us and starts another at once. What it keeps for
 * that one stays as it is; if that one could not start, ports that nobody
 * serves would be left behind, so then it is a stop like any other.
 */
static void leave(struct daemon *d)
{
	d->leaving = notify_wanted() && !handover_check(d->live.path);
	if (!d->leaving)
		log_warn("nobody takes over from this process: flows end with it");
	ev_break(d->loop, EVBREAK_ALL);
}

/* Once a second: a worker that hangs is ended, and on_child() starts another. */
static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct daemon *d = w->data;
	int thread = d->worker > 0 ? pulse_look(&d->pulse, &d->live.state, d->live.threads) : -1;

	(void)loop;
	(void)events;
	if (thread >= 0) {
		log_error("worker %d hangs: nothing from its thread %d; killing it", d->worker, thread);
		pulse_start(&d->pulse);
		kill(d->worker, SIGKILL);
	}
	headers_update();
	retell_look(&d->retell, reset_again, &d->raw);
	d->looks++;
	if (d->looks == SETTLE_LOOKS_MAX)
		live_settle(&d->live, false);
	if (d->looks == GOOD_LOOKS && d->quick_deaths < QUICK_DEATHS_MAX)
		state_good(&d->live.state);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
	notify_send("WATCHDOG=1");
}

static void report_line(void *ctx, const char *text)
{
	(void)ctx;
	log_info("%s", text);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct daemon *d = w->data;

	(void)events;
	switch (w->signum) {
	case SIGHUP:
		live_reload(&d->live);
		break;
	case SIGUSR2:
		upgrade(d);
		break;
	case SIGQUIT:
		leave(d);
		break;
	case SIGUSR1:
		guests_each(&d->guests, report_line, NULL);
		report_log(&d->live.state, d->queues, d->live.threads);
		break;
	default:
		ev_break(loop, EVBREAK_ALL);
	}
}

static void signal_watch(struct daemon *d, ev_signal *w, int signum)
{
	ev_signal_init(w, on_signal, signum);
	w->data = d;
	ev_signal_start(d->loop, w);
}

static void watch_signals(struct daemon *d)
{
	signal_watch(d, &d->on_hup, SIGHUP);
	signal_watch(d, &d->on_usr1, SIGUSR1);
	signal_watch(d, &d->on_usr2, SIGUSR2);
	signal_watch(d, &d->on_quit, SIGQUIT);
	signal_watch(d, &d->on_term, SIGTERM);
	signal_watch(d, &d->on_int, SIGINT);
}

static void watch_routes(struct daemon *d)
{
	if (route_watch_open(&d->routes)) {
		log_warn("no news of routes and devices from the kernel; send SIGHUP after changes");
		return;
	}
	ev_io_init(&d->routes_io, on_routes, d->routes.fd, EV_READ);
	d->routes_io.data = d;
	ev_io_start(d->loop, &d->routes_io);
}

/* Before anything else: a signal or a new route that comes while we start is not lost, but handled after it. */
static void watch(struct daemon *d)
{
	watch_signals(d);
	ev_timer_init(&d->settle, on_settled, 0., 0.);
	ev_timer_init(&d->ports, on_ports, PORTS_EVERY_S, PORTS_EVERY_S);
	d->ports.data = d;
	ev_timer_start(d->loop, &d->ports);
	ev_timer_init(&d->restart, on_restart, 0., 0.);
	ev_timer_init(&d->want, on_want, 0., WANTS_SETTLE_S);
	ev_timer_init(&d->tidy, on_tidy, 0., TIDY_WAIT_S);
	ev_timer_init(&d->look, on_look, 1., 1.);
	ev_timer_init(&d->watchdog, on_watchdog, 0., notify_watchdog_s());
	d->settle.data = d->restart.data = d->tidy.data = d->look.data = d->want.data = d;
	watch_routes(d);
}

static void ask_swap(uint32_t area)
{
	struct control_msg m = { .type = CONTROL_SWAP, .area = area };

	/* A worker that cannot be told is dead or dying: the next one is asked when it is ready. */
	control_send(daemon_self.control, &m);
}

static void ask_tidy(void)
{
	ev_timer_again(daemon_self.loop, &daemon_self.tidy);
}

static void reloaded(const struct conf *file)
{
	struct daemon *d = &daemon_self;

	guests_configure(&d->guests, file);
	ctl_world_move(file->control_socket, file->control_group);
	metrics_http_move(d->loop, file->metrics_listen, &d->sandbox);
}

/* Everything up, in order; on failure whatever is up is taken down again. */
static int start(struct daemon *d)
{
	const int kept = handover_state();

	if (queues_open(d->queues, d->live.file, &d->live.threads, &d->live.road) < 0)
		return -1;
	if (live_open(&d->live, kept) < 0)
		goto queues;
	headers_begin(&d->live);
	if (raw_open(&d->raw) < 0)
		log_warn("no raw sockets: connections of removed forwards end by their timers, not by RST");
	refused_begin(d->loop, &d->live.state.nat, &d->raw);
	if (d->live.conf->respect_firewall)
		refused_listen();
	d->stamp = stamp_open();
	d->tap = tap_new(d->live.threads);
	if (d->tap)
		watch_open(d->loop, d->tap);
	else
		log_warn("no memory for %u threads to tell what they do; there will be no trace, events or counters", d->live.threads);
	if (worker_spawn(d) < 0 || worker_wait_ready(d) < 0 || live_steer(&d->live) < 0)
		goto worker;
	return 0;
worker:
	worker_stop(d);
	watch_close();
	tap_free(d->tap);
	refused_end();
	raw_close(&d->raw);
	if (d->stamp >= 0)
		close(d->stamp);
	live_close(&d->live);
queues:
	queues_close(d->queues, d->live.threads);
	if (d->live.road.headers)
		marks_stop();
	return -1;
}

static void control_open(struct daemon *d)
{
	const struct ctl_world w = {
		.live = &d->live,
		.queues = d->queues,
		.loop = d->loop,
		.control = &d->control,
		.guest_name = guests_name,
		.guests = &d->guests,
		.worker = &d->worker,
		.worker_deaths = &d->deaths,
		.since = state_clock(),
	};

	ctl_world_open(&w, d->live.file->control_socket, d->live.file->control_group);
}

static void stop(struct daemon *d)
{
	connlog_set(false);
	metrics_http_close();
	ctl_server_close();
	added_close();
	watch_close();
	guests_close(&d->guests);
	if (d->leaving)
		steer_forget(&d->live.steer);
	else
		live_unsteer(&d->live);
	worker_stop(d);
	if (d->leaving)
		state_good(&d->live.state);	/* nothing is wrong with it */
	tap_free(d->tap);
	refused_end();
	raw_close(&d->raw);
	if (d->stamp >= 0)
		close(d->stamp);
	if (d->routes.nl)
		route_watch_close(&d->routes);
	queues_close(d->queues, d->live.threads);
	if (d->live.road.headers && !d->leaving)
		marks_stop();		/* last: what the worker had decided is out, and nothing of ours waits any more */
	shield_close();
	live_close(&d->live);
}

static void run(struct daemon *d)
{
	worker_watch(d);
	guests_configure(&d->guests, d->live.file);
	live_settle(&d->live, true);
	handover_keep(&d->live.state, d->queues, d->live.threads);
	ev_timer_start(d->loop, &d->look);
	if (notify_watchdog_s() > 0.)
		ev_timer_again(d->loop, &d->watchdog);
	guard_start(d->loop, &d->live);
	notify_send("READY=1");
	ev_run(d->loop, 0);
}

int daemon_run(const char *path, struct conf *conf)
{
	struct daemon *d = &daemon_self;

	*d = (struct daemon){
		.live = { .path = path, .file = conf, .ask_swap = ask_swap, .ask_tidy = ask_tidy, .reloaded = reloaded,
			  .changed = guard_follow },
		.raw = { .fd4 = -1, .fd6 = -1 },
		.routes = { .fd = -1 },
		.stamp = -1,
	};
	signal(SIGPIPE, SIG_IGN);
	sandbox_user(&d->sandbox);
	d->loop = ev_default_loop(EVFLAG_AUTO | EVFLAG_NOENV);
	if (d->loop) {
		watch(d);
		d->live.source[LIVE_ADDED] = added_open(d->loop, &d->live);
		guests_open(&d->guests, d->loop, &d->live);
		shield_open();		/* guard_follow() says if it cannot be had */
	}
	if (!d->loop || start(d) < 0) {
		if (d->loop)
			guests_close(&d->guests);
		shield_close();
		conf_free(d->live.file);
		return 1;
	}
	control_open(d);
	connlog_set(conf->connection_log);
	metrics_http_open(d->loop, conf->metrics_listen, &d->sandbox);
	log_info("ready: %u rows of %u forwards, %u worker threads, queues %u-%u, rules by %s%s",
		 d->live.conf->n_rows, d->live.conf->n_forwards, d->live.threads, conf->queue,
		 conf->queue + (d->live.road.headers ? 3 : 2) * d->live.threads - 1,
		 steer_name(&d->live.steer), conf->fail_open ? ", open on failure" : "");
	run(d);
	log_info("%s", d->leaving ? "leaving: rules, flows and queues stay for the next main process" : "stopping");
	guard_stop();
	notify_send("STOPPING=1");
	stop(d);
	conf_free(d->live.file);
	ev_loop_destroy(d->loop);
	return d->leaving ? DAEMON_LEFT : 0;
}
