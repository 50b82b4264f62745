/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker - see worker.h */
#include "nfq/worker.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "nfq/batch.h"
#include "nfq/coalesce.h"
#include "nfq/control.h"
#include "nfq/log.h"
#include "nfq/only.h"
#include "nfq/sandbox.h"

enum {
	ROUNDS_MAX = 16,		/* batches from one queue before another gets its turn */
	SWEEP_SLOTS = CONTROL_ROOM,	/* slots looked at under one lock: about 25 us; the RSTs they ask for have room */
	LOCK_WAIT_MS = 10000,
	EXPIRE_FLOWS = 512,		/* flows ended under one lock: about 50 us */
};

static const double EXPIRE_EVERY_S = 1.0;
static const double BEAT_EVERY_S = 0.5;

struct thread {
	struct worker_args args;
	struct worker_queues *queues;
	struct engine *engine;
	struct batch *batch;
	struct ev_loop *loop;
	ev_io tcp, rest, headers, control;
	ev_timer expire, beat;
	struct coalesce coalesce;	/* of what comes to the queue `rest` */
	unsigned index;
};

/* One worker per process: what callbacks without an argument need. */
static struct {
	const struct state *state;
	int control;
	uint64_t resets_lost;
	uint32_t flushed;		/* flows since main last asked */
} self;

static const char *name_of(uint32_t forward)
{
	return state_name(self.state, forward);
}

static const char *flow_name_of(const struct nat_flow *f)
{
	return state_flow_name(self.state, f);
}

static void tell_reset(const struct nat_flow *f)
{
	struct control_msg m = { .type = CONTROL_RESET, .flow = *f };

	/* If main is busy the flow ends by its peers' own timers; sweep_all() says so. */
	if (control_send(self.control, &m) < 0)
		__atomic_fetch_add(&self.resets_lost, 1, __ATOMIC_RELAXED);
}

static void tell_want(void)
{
	const struct control_msg m = { .type = CONTROL_WANT };

	/* If main is busy it looks by itself, within a second. */
	control_send(self.control, &m);
}

static void tell_reject(const uint8_t *packet, uint32_t octets, enum reject_how how, uint32_t mtu)
{
	struct control_msg m = { .type = CONTROL_REJECT, .area = (uint32_t)how, .count = octets < REJECT_QUOTE ? octets : REJECT_QUOTE,
				 .mtu = mtu };

	memcpy(m.head, packet, m.count);
	/* If main is busy the sender asks again; so nobody is answered more often than main can bear. */
	control_send(self.control, &m);
}

/* Returns how many packets. */
static unsigned drain(struct thread *t, struct queue *q)
{
	unsigned sum = 0, n = 1;

	for (unsigned i = 0; i < ROUNDS_MAX && n; i++) {
		n = batch_run(t->batch, q);
		sum += n;
	}
	return sum;
}

static void on_tcp(struct ev_loop *loop, ev_io *w, int events)
{
	struct thread *t = w->data;

	(void)loop;
	(void)events;
	drain(t, &t->queues->tcp);
}

static void drain_headers(struct thread *t)
{
	for (unsigned i = 0; t->queues->headers.nl && i < ROUNDS_MAX; i++)
		if (!batch_run_headers(t->batch, &t->queues->headers, &t->queues->tcp))
			break;
}

/* All that waits, for those who have no time to wait for events. */
static void drain_all(struct thread *t)
{
	drain(t, &t->queues->tcp);
	drain_headers(t);
	drain(t, &t->queues->rest);
}

static void on_headers(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	drain_headers(w->data);
}

static void on_rest(struct ev_loop *loop, ev_io *w, int events)
{
	struct thread *t = w->data;
	const struct worker_queues *q = t->queues;
	const int others[] = { q->tcp.fd, q->headers.nl ? q->headers.fd : -1, t->index ? -1 : t->args.control };
	unsigned n = drain(t, &t->queues->rest);

	(void)loop;
	(void)events;
	coalesce_count(&t->coalesce, n, t->batch->now);
	coalesce_wait(&t->coalesce, others, sizeof(others) / sizeof(others[0]));
}

/* Do a piece of housekeeping under the lock and log what it did outside. */
static unsigned locked(struct thread *t, unsigned (*piece)(struct nat *n, nat_ns now))
{
	struct engine *e = t->engine;
	nat_ns now = engine_enter(e, false);
	unsigned done;

	batch_listen(t->batch);
	done = piece(&e->nat, now);
	engine_leave(e);
	batch_log_events(t->batch);
	engine_pass(e);
	return done;
}

static unsigned piece_expire(struct nat *n, nat_ns now)
{
	return nat_expire(n, now, EXPIRE_FLOWS);
}

static unsigned piece_age(struct nat *n, nat_ns now)
{
	mark_age(&n->marks, nat_tick_of(now));
	return 0;
}

static unsigned piece_sweep(struct nat *n, nat_ns now)
{
	return !nat_sweep(n, now, SWEEP_SLOTS);
}

static unsigned piece_swap(struct nat *n, nat_ns now)
{
	(void)now;
	nat_swap_map(n);
	return 0;
}

static void on_expire(struct ev_loop *loop, ev_timer *w, int events)
{
	struct thread *t = w->data;

	(void)loop;
	(void)events;
	while (locked(t, piece_expire) == EXPIRE_FLOWS)
		;
	locked(t, piece_age);
	batch_expire_held(t->batch);
}

static void on_beat(struct ev_loop *loop, ev_timer *w, int events)
{
	struct thread *t = w->data;

	(void)loop;
	(void)events;
	state_beat(self.state, t->index);
}

/* Sweep to the end, as fast as the main process takes the RSTs; packets are not kept waiting meanwhile. */
static void sweep_all(struct thread *t)
{
	uint64_t lost;
	bool more;

	do {
		while (!control_room(self.control, 1)) {
			drain_all(t);
			state_beat(self.state, t->index);
		}
		state_beat(self.state, t->index);
		more = locked(t, piece_sweep);
	} while (more);
	lost = __atomic_exchange_n(&self.resets_lost, 0, __ATOMIC_RELAXED);
	if (lost)
		log_warn("%" PRIu64 " connections that lost their forward could not be reset; they end by their own timers",
			 lost);
}

static void swap(struct thread *t, uint32_t area)
{
	const struct nat_block *b = t->engine->nat.block;
	struct control_msg m = { .type = CONTROL_SWAPPED, .area = area };
	uint64_t before = b->ended;

	if (b->active != area)
		locked(t, piece_swap);
	sweep_all(t);
	m.count = (uint32_t)(b->ended - before);
	control_send_wait(self.control, &m);
}

/* One flow that main chose, or the end of its list. */
static void flush(struct thread *t, const struct control_msg *m)
{
	struct control_msg done = { .type = CONTROL_FLUSHED, .count = self.flushed };
	struct engine *e = t->engine;

	if (m->area == NAT_NONE) {
		self.flushed = 0;
		control_send_wait(self.control, &done);
		return;
	}
	engine_enter(e, false);
	batch_listen(t->batch);
	self.flushed += nat_end(&e->nat, m->area, &m->flow);
	engine_leave(e);
	batch_log_events(t->batch);
}

static void on_control(struct ev_loop *loop, ev_io *w, int events)
{
	struct thread *t = w->data;
	struct control_msg m;
	int got;

	(void)events;
	while ((got = control_recv(w->fd, &m)) > 0)
		if (m.type == CONTROL_SWAP && m.area <= 1)
			swap(t, m.area);
		else if (m.type == CONTROL_FLUSH)
			flush(t, &m);
	if (got < 0) {
		/* The rules are gone by now: answer what is left and go. */
		drain_all(t);
		ev_break(loop, EVBREAK_ALL);
	}
}

static void watch(struct thread *t, ev_io *w, void (*cb)(struct ev_loop *, ev_io *, int), int fd)
{
	ev_io_init(w, cb, fd, EV_READ);
	w->data = t;
	ev_io_start(t->loop, w);
}

/* Where cpu-fanout brings packets of CPU n to queue n, thread n should run on CPU n. */
static void pin(unsigned index)
{
	cpu_set_t allowed, one;
	unsigned seen = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || seen++ != index)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
		return;
	}
}

static int reclaim(struct thread *t)
{
	bool drop = t->args.drop_unanswered;
	struct queue *q[] = { &t->queues->tcp, &t->queues->rest, &t->queues->headers };
	int sum = 0;

	for (unsigned i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		int n = q[i]->nl ? queue_reclaim(q[i], drop) : 0;

		sum += n > 0 ? n : 0;
	}
	return sum;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	if (t->args.threads > 1)
		pin(t->index);
	ev_run(t->loop, 0);
	return NULL;
}

static int thread_init(struct thread *t)
{
	t->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	t->batch = calloc(1, sizeof(*t->batch));
	if (!t->loop || !t->batch || batch_init(t->batch, t->engine) < 0 ||
	    (t->args.tap && batch_tap(t->batch, t->args.tap, t->index) < 0))
		return -ENOMEM;
	watch(t, &t->tcp, on_tcp, t->queues->tcp.fd);
	watch(t, &t->rest, on_rest, t->queues->rest.fd);
	if (t->queues->headers.nl)
		watch(t, &t->headers, on_headers, t->queues->headers.fd);
	ev_timer_init(&t->beat, on_beat, BEAT_EVERY_S, BEAT_EVERY_S);
	t->beat.data = t;
	ev_timer_start(t->loop, &t->beat);
	if (t->index == 0) {
		watch(t, &t->control, on_control, t->args.control);
		ev_timer_init(&t->expire, on_expire, EXPIRE_EVERY_S, EXPIRE_EVERY_S);
		t->expire.data = t;
		ev_timer_start(t->loop, &t->expire);
	}
	return 0;
}

/* Nothing but packets from here on; what could not be had is said once, not for each worker. */
static int confine(const struct worker_args *a)
{
	struct sandbox s = a->sandbox;
	int lacks;

	s.lock = a->state->nat.block;
	s.lock_octets = a->state->octets;
	lacks = sandbox_enter(&s);
	for (int bit = 1; lacks > 0 && a->first && bit <= lacks; bit <<= 1)
		if (lacks & bit)
			log_info("worker: without %s", sandbox_lack_name((enum sandbox_lacks)bit));
	return lacks < 0 ? lacks : 0;
}

/* The main process decides when a worker ends; a terminal's signals are not for it. */
static void own_signals(void)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
	sigset_t none;

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int threads_run(struct thread *t, unsigned n, uint32_t lost, pid_t parent)
{
	struct control_msg ready = { .type = CONTROL_READY };
	pthread_t id;
	int err;

	for (unsigned i = 0; i < n; i++)
		if (thread_init(&t[i]) < 0)
			return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		ready.count += (uint32_t)reclaim(&t[i]);
	ready.area = lost;
	err = confine(&t->args);
	if (err)
		return err;
	/* Changing the user has cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return -ESRCH;
	/* What the last worker did not finish, or nat_recover() began: until it is done no table can be loaded. */
	sweep_all(&t[0]);
	for (unsigned i = 1; i < n; i++)
		if (pthread_create(&id, NULL, thread_main, &t[i]))
			return -EAGAIN;
	control_send_wait(self.control, &ready);
	thread_main(&t[0]);
	return 0;
}

static int worker_main(const struct worker_args *a, pid_t parent)
{
	static struct thread thread[WORKER_THREADS_MAX];
	static struct engine engine;
	uint32_t lost;
	int err;

	prctl(PR_SET_NAME, "nfqnat-worker");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return 1;
	own_signals();
	self.state = a->state;
	self.control = a->control;
	if (engine_init(&engine, &a->state->nat) < 0)
		return 1;
	batch_names(name_of);
	batch_flow_names(flow_name_of);
	batch_on_reset(tell_reset);
	batch_on_reject(tell_reject);
	batch_on_want(tell_want);
	/* One that a main process before ours started may still be dying. */
	err = state_lock(a->state, LOCK_WAIT_MS);
	if (err) {
		log_error("worker: another process holds the flows: %s", strerror(-err));
		return 1;
	}
	lost = nat_recover(&engine.nat, state_clock());
	for (unsigned i = 0; i < a->threads; i++)
		thread[i] = (struct thread){ .args = *a, .queues = &a->queues[i], .engine = &engine, .index = i };
	err = threads_run(thread, a->threads, lost, parent);
	if (err)
		log_error("worker: %s", strerror(-err));
	return err != 0;
}

/* All else that the main process has open is none of a worker's business. */
static void keep_own(const struct worker_args *a)
{
	int own[3 * WORKER_THREADS_MAX + 2];
	size_t n = 0;

	own[n++] = a->control;
	own[n++] = a->state->fd;
	for (unsigned i = 0; i < a->threads; i++) {
		own[n++] = a->queues[i].tcp.fd;
		own[n++] = a->queues[i].rest.fd;
		if (a->queues[i].headers.nl)
			own[n++] = a->queues[i].headers.fd;
	}
	only_these(own, n);
}

pid_t worker_start(const struct worker_args *a)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid)
		return pid;
	keep_own(a);
	_exit(worker_main(a, parent));
}
