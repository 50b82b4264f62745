/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon - see daemon.h */
#include "nfq/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nfq/control.h"
#include "nfq/log.h"
#include "nfq/report.h"
#include "nfq/reset.h"
#include "nfq/route.h"
#include "nfq/rules.h"
#include "nfq/steer.h"
#include "nfq/table.h"
#include "nfq/worker.h"

enum {
	WHY_OCTETS = 1024,
	READY_WAIT_MS = 10000,
	STOP_WAIT_MS = 2000,
	QUICK_DEATHS_MAX = 5,		/* deaths within a second each, before we start to wait between them */
};

static const double ROUTES_SETTLE_S = 0.1;	/* changes come in bunches */
static const double RESTART_WAIT_S = 1.0;

/* A configuration on its way into the kernel. */
struct change {
	struct conf *conf;		/* NULL: the running one, but the host's routes changed */
	struct table table;
	uint32_t area;
	bool under_way;
	bool again;			/* another one was asked for meanwhile */
};

struct daemon {
	const char *path;
	struct conf *conf;
	struct table table;
	struct state state;
	struct worker_queues queues[WORKER_THREADS_MAX];
	unsigned threads;
	struct steer steer;
	struct reset reset;
	struct route_watch routes;
	struct change change;
	pid_t worker;
	int control;
	double worker_since;
	unsigned quick_deaths;
	int status;
	struct ev_loop *loop;
	ev_io control_io, routes_io;
	ev_child child;
	ev_timer settle, restart;
	ev_signal on_hup, on_usr1, on_term, on_int;
};

static void change_begin(struct daemon *d, struct conf *new);

static void way_to(const struct nat_addr *to, enum nat_family family, char *dev)
{
	struct route r;

	if (route_get(to, family, &r) < 0 || !r.oif || !if_indextoname(r.oif, dev))
		dev[0] = '\0';
}

static unsigned cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set) > WORKER_THREADS_MAX ? WORKER_THREADS_MAX : (unsigned)CPU_COUNT(&set);
}

/* queues */

static void queues_close(struct daemon *d)
{
	for (unsigned i = 0; i < d->threads; i++) {
		if (d->queues[i].tcp.nl)
			queue_close(&d->queues[i].tcp);
		if (d->queues[i].rest.nl)
			queue_close(&d->queues[i].rest);
	}
}

static int queues_open(struct daemon *d)
{
	char why[WHY_OCTETS];

	d->threads = d->conf->workers ? d->conf->workers : cpus();
	if (d->conf->queue + 2 * d->threads > 65536) {
		log_error("queue %u: %u workers need %u numbers from there on; choose a smaller `queue:`", d->conf->queue,
			  d->threads, 2 * d->threads);
		return -ERANGE;
	}
	for (unsigned i = 0; i < d->threads; i++) {
		uint16_t tcp = (uint16_t)(d->conf->queue + i), rest = (uint16_t)(tcp + d->threads);

		if (queue_open(&d->queues[i].tcp, tcp, true, why, sizeof(why)) < 0 ||
		    queue_open(&d->queues[i].rest, rest, false, why, sizeof(why)) < 0) {
			log_error("%s", why);
			queues_close(d);
			return -EIO;
		}
	}
	return 0;
}

/* state */

static void limits_of(const struct conf *c, uint32_t *limit_s)
{
	const struct conf_timeouts *t = &c->timeouts;

	limit_s[IDLE_UDP_OPENING] = limit_s[IDLE_UDP] = t->udp;
	limit_s[IDLE_TCP_OPENING] = t->tcp_opening;
	limit_s[IDLE_TCP_ESTABLISHED] = t->tcp_established;
	limit_s[IDLE_TCP_DOUBT] = limit_s[IDLE_TCP_PICKED_UP] = t->tcp_doubt;
	limit_s[IDLE_TCP_FIN] = limit_s[IDLE_TCP_CLOSING] = t->tcp_closing;
	limit_s[IDLE_ICMP] = t->icmp;
}

static int state_open(struct daemon *d)
{
	struct nat_params p = {
		.max_flows = d->conf->max_flows,
		.source_lo = d->conf->source_lo,
		.source_hi = d->conf->source_hi,
	};
	uint32_t area;
	int err;

	limits_of(d->conf, p.limit_s);
	err = state_make(&d->state, &p);
	if (err) {
		log_error("no memory for %" PRIu32 " flows: %s; lower `max-flows:`", p.max_flows, strerror(-err));
		return err;
	}
	err = table_make(d->conf, &d->table);
	if (!err)
		err = table_load(&d->table, d->conf, &d->state, &area);
	if (err) {
		log_error("mapping table of %u rows: %s; forward fewer ranges", d->conf->n_rows, strerror(-err));
		state_free(&d->state);
		return err;
	}
	nat_swap_map(&d->state.nat);
	nat_sweep(&d->state.nat, UINT32_MAX);
	log_info("flow table: %" PRIu32 " flows, %" PRIu64 " MiB at most", p.max_flows,
		 (d->state.nat.block->octets + (1 << 20) - 1) >> 20);
	return 0;
}

/* worker */

static int worker_spawn(struct daemon *d)
{
	struct worker_args a = { .state = &d->state, .queues = d->queues, .threads = d->threads };
	int pair[2], err;

	err = control_pair(pair);
	if (err)
		return err;
	a.control = pair[1];
	a.other_end = pair[0];
	d->worker = worker_start(&a);
	close(pair[1]);
	if (d->worker < 0) {
		close(pair[0]);
		return (int)d->worker;
	}
	d->control = pair[0];
	d->worker_since = ev_time();
	return 0;
}

static int worker_wait_ready(struct daemon *d)
{
	struct pollfd pfd = { .fd = d->control, .events = POLLIN };
	struct control_msg m;

	if (poll(&pfd, 1, READY_WAIT_MS) == 1 && control_recv(d->control, &m) == 1 && m.type == CONTROL_READY)
		return 0;
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

/* rules */

static int rules_for(const struct daemon *d, const struct conf *c, struct rules *r)
{
	return rules_make(c, d->threads, way_to, r);
}

static int rules_start(struct daemon *d)
{
	char why[WHY_OCTETS] = "";
	struct rules r;
	int err = rules_for(d, d->conf, &r);

	if (err)
		return err;
	err = steer_start(&d->steer, d->conf->steering, &r, why, sizeof(why));
	rules_free(&r);
	if (err)
		log_error("steering rules: %s; see `steering:` and whether this kernel has NFQUEUE", why);
	return err;
}

static int rules_change(struct daemon *d, const struct conf *c)
{
	char why[WHY_OCTETS] = "";
	struct rules r;
	int err = rules_for(d, c, &r);

	if (err)
		return err;
	err = steer_replace(&d->steer, &r, why, sizeof(why));
	rules_free(&r);
	if (err)
		log_error("steering rules: %s", why);
	return err;
}

/* change: load the table, let the worker swap, then replace the rules */

static void ask_swap(struct daemon *d)
{
	struct control_msg m = { .type = CONTROL_SWAP, .area = d->change.area };

	/* A worker that cannot be told is dead or dying: the next one is asked when it is ready. */
	control_send(d->control, &m);
}

static void change_abandon(struct daemon *d)
{
	conf_free(d->change.conf);
	table_free(&d->change.table);
	d->change.conf = NULL;
	d->change.under_way = false;
}

/* What cannot change while flows and queues exist. */
static void warn_fixed(const struct conf *old, const struct conf *new)
{
	if (old->queue != new->queue || old->workers != new->workers || old->max_flows != new->max_flows ||
	    old->steering != new->steering || old->source_lo != new->source_lo || old->source_hi != new->source_hi)
		log_warn("queue, workers, max-flows, steering and source-ports change with a restart only; "
			 "the running values stay");
}

/* Settings that the running daemon keeps are carried over, so that rules and queues stay in step. */
static void keep_fixed(const struct conf *old, struct conf *new)
{
	new->queue = old->queue;
	new->workers = old->workers;
	new->max_flows = old->max_flows;
	new->steering = old->steering;
	new->source_lo = old->source_lo;
	new->source_hi = old->source_hi;
}

static void change_limits(struct daemon *d)
{
	uint32_t limit_s[IDLE_CLASSES] = { 0 };

	limits_of(d->conf, limit_s);
	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++)
		d->state.nat.block->flows.limit[c] = nat_tick_span(NAT_SEC(limit_s[c]));
}

static void change_begin(struct daemon *d, struct conf *new)
{
	const struct conf *c = new ? new : d->conf;
	int err;

	err = table_make(c, &d->change.table);
	if (!err && !new && table_same(&d->table, &d->change.table)) {
		table_free(&d->change.table);
		return;
	}
	if (!err)
		err = table_load(&d->change.table, c, &d->state, &d->change.area);
	d->change.conf = new;
	d->change.under_way = true;
	if (err) {
		log_error("new mapping table: %s; the running configuration stays", strerror(-err));
		change_abandon(d);
		return;
	}
	ask_swap(d);
}

/* The worker works by the new table: bring the rules after it. */
static void change_finish(struct daemon *d, uint32_t ended)
{
	struct conf *new = d->change.conf;
	int err = rules_change(d, new ? new : d->conf);

	if (err && new) {
		log_error("going back to the configuration before");
		change_abandon(d);
		rules_change(d, d->conf);
		table_free(&d->table);	/* differs from any other: the old rows are loaded again */
		change_begin(d, NULL);
		return;
	}
	table_free(&d->table);
	d->table = d->change.table;
	d->change.table = (struct table){ 0 };
	if (new) {
		conf_free(d->conf);
		d->conf = new;
		d->change.conf = NULL;
		change_limits(d);
	}
	d->change.under_way = false;
	log_info("%s: %u rows, %" PRIu32 " flows ended with their forward",
		 new ? "configuration reloaded" : "routes or devices changed", d->conf->n_rows, ended);
	if (d->change.again) {
		d->change.again = false;
		change_begin(d, NULL);
	}
}

/* A multi-line text to the log, each line by itself. */
static void log_lines(char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		log_error("%s", line);
}

static void reload(struct daemon *d)
{
	struct conf *new = NULL;
	char *text = NULL;
	size_t octets;
	FILE *err = open_memstream(&text, &octets);
	int bad;

	if (!err)
		return;
	if (d->change.under_way) {
		log_warn("a change is still under way; send SIGHUP again after it");
		fclose(err);
		free(text);
		return;
	}
	bad = conf_load(d->path, &new, err);
	fclose(err);
	if (bad) {
		log_lines(text);
		log_error("%s was not taken over; the running configuration stays", d->path);
	} else {
		warn_fixed(d->conf, new);
		keep_fixed(d->conf, new);
		change_begin(d, new);
	}
	free(text);
}

/* events */

static void worker_watch(struct daemon *d);

static void control_message(struct daemon *d, const struct control_msg *m)
{
	switch ((enum control_type)m->type) {
	case CONTROL_READY:
		log_info("worker %d took over: %" PRIu32 " packets waited, %" PRIu32 " flows lost", d->worker, m->count,
			 m->area);
		if (d->change.under_way)
			ask_swap(d);
		break;
	case CONTROL_SWAPPED:
		if (d->change.under_way && m->area == d->change.area)
			change_finish(d, m->count);
		break;
	case CONTROL_RESET:
		reset_send(&d->reset, &m->flow);
		break;
	case CONTROL_SWAP:
		break;
	}
}

static void on_control(struct ev_loop *loop, ev_io *w, int events)
{
	struct daemon *d = w->data;
	struct control_msg m;
	int got;

	(void)events;
	while ((got = control_recv(w->fd, &m)) > 0)
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
	d->worker = 0;
	if (WIFSIGNALED(w->rstatus))
		log_warn("worker %d was killed by signal %d; starting another on the same flows", w->rpid,
			 WTERMSIG(w->rstatus));
	else
		log_warn("worker %d ended with status %d; starting another on the same flows", w->rpid,
			 WEXITSTATUS(w->rstatus));
	d->quick_deaths = quick ? d->quick_deaths + 1 : 0;
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

static void on_settled(struct ev_loop *loop, ev_timer *w, int events)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)events;
	if (d->change.under_way)
		d->change.again = true;
	else
		change_begin(d, NULL);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct daemon *d = w->data;

	(void)events;
	switch (w->signum) {
	case SIGHUP:
		reload(d);
		break;
	case SIGUSR1:
		report_log(&d->state, d->queues, d->threads);
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

static void loop_run(struct daemon *d)
{
	signal_watch(d, &d->on_hup, SIGHUP);
	signal_watch(d, &d->on_usr1, SIGUSR1);
	signal_watch(d, &d->on_term, SIGTERM);
	signal_watch(d, &d->on_int, SIGINT);
	ev_timer_init(&d->settle, on_settled, 0., 0.);
	ev_timer_init(&d->restart, on_restart, 0., 0.);
	d->settle.data = d->restart.data = d;
	worker_watch(d);
	if (!route_watch_open(&d->routes)) {
		ev_io_init(&d->routes_io, on_routes, d->routes.fd, EV_READ);
		d->routes_io.data = d;
		ev_io_start(d->loop, &d->routes_io);
	} else {
		log_warn("no news of routes and devices from the kernel; send SIGHUP after changes");
	}
	ev_run(d->loop, 0);
}

/* Everything up, in order; on failure whatever is up is taken down again by daemon_run(). */
static int start(struct daemon *d)
{
	if (queues_open(d) < 0)
		return -1;
	if (state_open(d) < 0)
		goto queues;
	if (reset_open(&d->reset) < 0)
		log_warn("no raw sockets: connections of removed forwards end by their timers, not by RST");
	if (worker_spawn(d) < 0 || worker_wait_ready(d) < 0 || rules_start(d) < 0)
		goto worker;
	return 0;
worker:
	worker_stop(d);
	reset_close(&d->reset);
	state_free(&d->state);
queues:
	queues_close(d);
	return -1;
}

int daemon_run(const char *path, struct conf *conf)
{
	static struct daemon d;

	d = (struct daemon){ .path = path, .conf = conf, .reset = { -1, -1 }, .routes = { .fd = -1 } };
	signal(SIGPIPE, SIG_IGN);
	d.loop = ev_default_loop(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!d.loop || start(&d) < 0) {
		table_free(&d.table);
		conf_free(d.conf);
		return 1;
	}
	log_info("ready: %u rows of %u forwards, %u worker threads, queues %u-%u, rules by %s%s", conf->n_rows,
		 conf->n_forwards, d.threads, conf->queue, conf->queue + 2 * d.threads - 1, steer_name(&d.steer),
		 conf->fail_open ? ", open on failure" : "");
	loop_run(&d);

	log_info("stopping");
	steer_stop(&d.steer);
	worker_stop(&d);
	reset_close(&d.reset);
	if (d.routes.nl)
		route_watch_close(&d.routes);
	queues_close(&d);
	state_free(&d.state);
	change_abandon(&d);
	table_free(&d.table);
	conf_free(d.conf);
	ev_loop_destroy(d.loop);
	return 0;
}
