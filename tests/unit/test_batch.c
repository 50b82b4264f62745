/* SPDX-License-Identifier: GPL-2.0-or-later */
/* batch: datagrams through a real queue; what a dead worker leaves behind. */
#include "nfq/batch.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/unit/rig.h"

static struct {
	struct engine engine;
	struct batch batch;
	struct queue queue;
	bool up;
} own;

static const char *forward_name(uint32_t forward)
{
	return state_name(&rig.state, forward);
}

static void down(void)
{
	queue_close(&own.queue);
	batch_fini(&own.batch);
	hold_fini(&own.engine.hold);
	own.up = false;
	rig_close();
}

static bool up(void)
{
	char why[256];

	if (own.up)
		down();			/* the test before failed */
	if (!rig_open())
		return false;
	assert_int_equal(engine_init(&own.engine, &rig.state.nat), 0);
	batch_names(forward_name);
	assert_int_equal(batch_init(&own.batch, &own.engine), 0);
	if (queue_open(&own.queue, RIG_QUEUE, false, why, sizeof(why)))
		unit_fail("%s", why);
	own.up = true;
	return true;
}

static void send_numbers(uint32_t from, uint32_t to)
{
	rig_send(from, to, 4);
}

static unsigned run_all(void)
{
	unsigned n, all = 0;

	while ((n = batch_run(&own.batch, &own.queue)))
		all += n;
	return all;
}

/* What the guest got: each number below @n once. Returns from where it came, as all did. */
static struct sockaddr_in guest_has(uint32_t n)
{
	uint8_t seen[RIG_NUMBERS] = { 0 };
	struct sockaddr_in from = { 0 };

	rig_guest_count(seen, &from);
	rig_each_once(seen, n);
	return from;
}

static void datagram_goes_and_answer_comes(void **state)
{
	struct sockaddr_in from, me;
	socklen_t len = sizeof(me);
	char buf[16], ip[INET_ADDRSTRLEN];

	(void)state;
	up_or_skip();
	send_numbers(0, 1);
	assert_int_equal(batch_run(&own.batch, &own.queue), 1);
	from = guest_has(1);
	getsockname(rig.client, (struct sockaddr *)&me, &len);
	assert_int_equal(from.sin_addr.s_addr, me.sin_addr.s_addr);	/* the client's own address */
	assert_int_equal(from.sin_port, me.sin_port);

	assert_int_equal(sendto(rig.guest, "answer", 6, 0, (struct sockaddr *)&from, sizeof(from)), 6);
	assert_int_equal(batch_run(&own.batch, &own.queue), 1);
	len = sizeof(from);
	assert_int_equal(recvfrom(rig.client, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 6);
	assert_string_equal(inet_ntop(AF_INET, &from.sin_addr, ip, sizeof(ip)), RIG_HOST);
	assert_int_equal(from.sin_port, htons(RIG_LISTEN));
	assert_int_equal(batch_run(&own.batch, &own.queue), 0);
	assert_int_equal(own.batch.counts.packets, 2);
	assert_int_equal(own.batch.counts.batches, 2);
	assert_int_equal(own.batch.counts.lost_verdicts + own.batch.counts.send_errors + own.batch.counts.bad_messages, 0);
	down();
}

static void many_need_several_batches(void **state)
{
	(void)state;
	up_or_skip();
	send_numbers(0, 1000);
	assert_int_equal(run_all(), 1000);
	guest_has(1000);
	assert_int_equal(own.batch.counts.batches, (1000 + BATCH_PACKETS - 1) / BATCH_PACKETS);
	assert_int_equal(rig.state.nat.block->opened, 1);
	down();
}

/* Odd lengths: a verdict's padding must not become part of the packet. */
static void length_is_kept(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(RIG_LISTEN) };
	uint8_t out[2000], in[2100];

	(void)state;
	up_or_skip();
	inet_pton(AF_INET, RIG_HOST, &sa.sin_addr);
	for (size_t n = 0; n < sizeof(out); n += n < 40 ? 1 : 97) {
		memset(out, (int)n + 1, n);
		assert_int_equal(sendto(rig.client, out, n, 0, (struct sockaddr *)&sa, sizeof(sa)), n);
		assert_int_equal(run_all(), 1);
		assert_int_equal(recv(rig.guest, in, sizeof(in), 0), n);
		assert_memory_equal(in, out, n);
	}
	down();
}

/* A packet that no forward wants goes on as it was. */
static void others_are_left_alone(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(RIG_LISTEN) };
	char buf[16];
	int host;

	(void)state;
	up_or_skip();
	map_init(rig.state.nat.map[rig.state.nat.block->active].head, STATE_MAX_ROWS, STATE_MAX_ALLOW);
	host = rig_udp(RIG_HOST, RIG_LISTEN);
	inet_pton(AF_INET, RIG_HOST, &sa.sin_addr);
	assert_int_equal(sendto(rig.client, "mine", 4, 0, (struct sockaddr *)&sa, sizeof(sa)), 4);
	assert_int_equal(run_all(), 1);
	assert_int_equal(recv(host, buf, sizeof(buf), 0), 4);
	assert_int_equal(rig.state.nat.block->reasons[NAT_WHY_NO_FORWARD], 1);
	close(host);
	down();
}

static void verdict_for_nobody_is_counted(void **state)
{
	uint8_t buf[MSG_VERDICT_OCTETS] __attribute__((aligned(4)));

	(void)state;
	up_or_skip();
	msg_verdict(buf, RIG_QUEUE, 4711, NAT_ACCEPT);
	assert_int_equal(send(own.queue.fd, buf, sizeof(buf), 0), sizeof(buf));
	send_numbers(0, 3);
	assert_int_equal(run_all(), 3);
	guest_has(3);
	assert_int_equal(own.batch.counts.lost_verdicts, 1);
	down();
}

/* As a worker that dies after it has read @n packets. */
static bool take(unsigned n)
{
	static uint8_t buf[MSG_SLOT_OCTETS];

	while (n && recv(own.queue.fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n--;
	return !n;
}

/* Wherever it died between the first packet and the last: each comes once. */
static void reclaim_loses_none(void **state)
{
	(void)state;
	for (unsigned taken = 0; taken <= 7; taken++) {
		up_or_skip();
		send_numbers(0, 7);
		assert_true(take(taken));
		assert_int_equal(queue_reclaim(&own.queue, false), 7);
		run_all();
		guest_has(7);
		assert_int_equal(queue_reclaim(&own.queue, false), 0);
		down();
	}
}

/* It had answered some, and the kernel's answer to a bad verdict is still to be read. */
static void reclaim_after_errors_loses_none(void **state)
{
	uint8_t buf[MSG_VERDICT_OCTETS] __attribute__((aligned(4)));

	(void)state;
	for (unsigned taken = 0; taken <= 3; taken++) {
		struct queue_stats s;

		up_or_skip();
		send_numbers(0, 2);
		run_all();
		msg_verdict(buf, RIG_QUEUE, 4711, NAT_ACCEPT);
		assert_int_equal(send(own.queue.fd, buf, sizeof(buf), 0), sizeof(buf));
		send_numbers(2, 5);
		if (taken)
			assert_true(take(1 + taken));
		assert_int_equal(queue_reclaim(&own.queue, false), 3);
		assert_int_equal(queue_stats(RIG_QUEUE, &s), 0);
		run_all();
		guest_has(5);
		/* none was sent around that was still in the socket: the batch verdict alone may find nobody */
		assert_true(own.batch.counts.lost_verdicts <= 1);
		assert_int_equal(s.last_id, 5 + taken);
		down();
	}
}

/* A process of its own takes packets and is killed; more come before the next one begins. */
static void killed_process_loses_none(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		int ready[2];
		char c;
		pid_t pid;

		up_or_skip();
		send_numbers(0, 400);
		assert_int_equal(pipe(ready), 0);
		pid = rig_child();
		if (!pid) {
			for (unsigned i = 0; i < round; i++)
				batch_run(&own.batch, &own.queue);
			if (!take(round * 9) || write(ready[1], "r", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(ready[0]);
		send_numbers(400, 450);
		assert_true(queue_reclaim(&own.queue, false) > 0);
		run_all();
		guest_has(450);
		down();
	}
}

/* If one of them kills each worker, those taken are dropped, and only those. */
static void reclaim_can_drop(void **state)
{
	struct queue_stats s;
	unsigned n = 0;
	uint32_t number;

	(void)state;
	up_or_skip();
	send_numbers(0, 7);
	assert_true(take(3));
	assert_int_equal(queue_reclaim(&own.queue, true), 7);
	assert_int_equal(queue_stats(RIG_QUEUE, &s), 0);
	assert_int_equal(s.waiting, 4);
	assert_int_equal(run_all(), 4);
	while (recv(rig.guest, &number, sizeof(number), 0) > 0)
		assert_int_equal(number, 3 + n++);
	assert_int_equal(n, 4);
	down();
}

static atomic_int runner;		/* thread of run_one() */

static void *run_one(void *arg)
{
	(void)arg;
	runner = gettid();
	batch_run(&own.batch, &own.queue);
	return NULL;
}

/* Its packet is there: nothing but the lock makes it sleep. */
static void wait_for_the_runner(void)
{
	char path[64], line[256] = "";

	for (unsigned i = 0; i < 10000 && !strstr(line, ") S "); i++) {
		FILE *f;

		poll(NULL, 0, 1);	/* between two looks */
		if (!runner)
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", runner);
		f = fopen(path, "r");
		assert_non_null(f);
		assert_non_null(fgets(line, sizeof(line), f));
		fclose(f);
	}
	assert_non_null(strstr(line, ") S "));
}

/*
 * Another thread has the engine while this one waits for it with a packet, and
 * uses the flow meanwhile: the waiting one must not come with an older time,
 * to which a flow used later looks like one that was silent for two years.
 */
static void time_does_not_go_back(void **state)
{
	struct nat_block *b;
	pthread_t thread;

	(void)state;
	up_or_skip();
	b = rig.state.nat.block;
	send_numbers(0, 1);
	assert_int_equal(run_all(), 1);
	send_numbers(1, 2);
	engine_enter(&own.engine, false);
	assert_int_equal(pthread_create(&thread, NULL, run_one, NULL), 0);
	wait_for_the_runner();
	for (uint32_t i = 0; i < flow_slots(&rig.state.nat.flows); i++)
		if (rig.state.nat.flows.flow[i].idle != IDLE_FREE)
			flow_touch(&rig.state.nat.flows, &rig.state.nat.flows.flow[i], nat_tick_of(state_clock()));
	engine_leave(&own.engine);
	pthread_join(thread, NULL);
	guest_has(2);
	assert_int_equal(b->ended, 0);
	assert_int_equal(b->opened, 1);
	down();
}

/* Large and small of one flow, through a queue of headers: the kernel sends on what is asked for, and nothing overtakes. */
static void headers_ask_for_the_whole(void **state)
{
	struct queue headers, whole;
	uint8_t in[4096];
	char why[256];
	unsigned got = 0;

	(void)state;
	up_or_skip();
	queue_close(&own.queue);
	assert_int_equal(queue_open_headers(&headers, RIG_QUEUE, RIG_QUEUE + 1, why, sizeof(why)), 0);
	assert_int_equal(queue_open(&whole, RIG_QUEUE + 1, true, why, sizeof(why)), 0);
	assert_true(headers.headers && headers.whole == RIG_QUEUE + 1 && !whole.headers);
	for (uint32_t i = 0; i < 200; i++)
		rig_send(i, i + 1, i % 3 == 1 ? 3000 : 4);
	while (batch_run_headers(&own.batch, &headers, &whole))
		;
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t number;

		assert_int_equal(recv(rig.guest, in, sizeof(in), MSG_DONTWAIT), i % 3 == 1 ? 3000 : 4);
		memcpy(&number, in, 4);
		assert_int_equal(number, i);
		got++;
	}
	assert_int_equal(got, 200);
	assert_in_range(rig.state.nat.block->reasons[NAT_WHY_HEADERS_ONLY], 67, 199);
	assert_int_equal(rig.state.nat.block->opened, 1);
	assert_int_equal(own.batch.counts.lost_verdicts + own.batch.counts.send_errors + own.batch.counts.bad_messages, 0);
	queue_close(&headers);
	queue_close(&whole);
	assert_int_equal(queue_open(&own.queue, RIG_QUEUE, false, why, sizeof(why)), 0);
	down();
}

/* Whoever opens the queue finds packets in it at once, when rules are there from before. */
static void opened_under_traffic(void **state)
{
	char why[256] = "";
	int err = 0;
	pid_t pid;

	(void)state;
	up_or_skip();
	queue_close(&own.queue);
	pid = rig_child();
	if (!pid)
		for (;;)
			rig_send(0, 1, 20000);
	for (unsigned i = 0; i < 100 && !err; i++) {
		if (i)
			queue_close(&own.queue);
		err = queue_open(&own.queue, RIG_QUEUE, false, why, sizeof(why));
		if (!err)
			err = queue_reclaim(&own.queue, false) < 0;
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_string_equal(why, "");
	assert_int_equal(err, 0);
	down();
}

int main(void)
{
	unit_add("a datagram goes to the guest and its answer comes back", datagram_goes_and_answer_comes, NULL);
	unit_add("R10_more_datagrams_than_a_batch_holds_each_answered_once", many_need_several_batches, NULL);
	unit_add("a datagram keeps its length", length_is_kept, NULL);
	unit_add("what no forward wants goes on as it was", others_are_left_alone, NULL);
	unit_add("a verdict for a packet that is gone is counted", verdict_for_nobody_is_counted, NULL);
	unit_add("packets taken and not answered come again, each once", reclaim_loses_none, NULL);
	unit_add("the same with answers of the kernel in between", reclaim_after_errors_loses_none, NULL);
	unit_add("a killed process loses no packet", killed_process_loses_none, NULL);
	unit_add("packets taken by one that died of them can be dropped", reclaim_can_drop, NULL);
	unit_add("threads that wait for the engine do not bring back an older time", time_does_not_go_back, NULL);
	unit_add("R7_headers_ask_for_the_whole_and_nothing_overtakes", headers_ask_for_the_whole, NULL);
	unit_add("a queue can be opened while packets rush in", opened_under_traffic, NULL);
	return unit_run("batch");
}
