/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker: real worker processes on real queues; how they begin, die and end. */
#include "nfq/worker.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nfq/control.h"
#include "nfq/msg.h"
#include "tests/unit/packet.h"
#include "tests/unit/rig.h"

static struct {
	struct worker_queues queues;
	pid_t pid;
	int control;
	bool up;
} own;

/* Whatever runs is killed; the queues stay. */
static void kill_worker(void)
{
	if (own.pid > 0) {
		kill(own.pid, SIGKILL);
		assert_int_equal(waitpid(own.pid, NULL, 0), own.pid);
		close(own.control);
	}
	own.pid = 0;
}

static void down(void)
{
	kill_worker();
	queue_close(&own.queues.tcp);
	queue_close(&own.queues.rest);
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
	if (queue_open(&own.queues.tcp, RIG_QUEUE - 1, true, why, sizeof(why)) ||
	    queue_open(&own.queues.rest, RIG_QUEUE, false, why, sizeof(why)))
		unit_fail("%s", why);
	own.up = true;
	return true;
}

static void begin_worker(bool drop)
{
	struct worker_args a = { .state = &rig.state, .queues = &own.queues, .threads = 1, .drop_unanswered = drop };
	int pair[2];

	assert_int_equal(control_pair(pair), 0);
	a.control = pair[1];
	own.pid = worker_start(&a);
	assert_true(own.pid > 0);
	close(pair[1]);
	own.control = pair[0];
}

/* The next message, within ten seconds. */
static struct control_msg hear(void)
{
	struct pollfd p = { .fd = own.control, .events = POLLIN };
	struct control_msg m = { 0 };

	if (poll(&p, 1, 10000) != 1 || control_recv(own.control, &m) != 1)
		unit_fail("the worker says nothing");
	return m;
}

static struct control_msg start_worker(void)
{
	struct control_msg m;

	begin_worker(false);
	m = hear();
	assert_int_equal(m.type, CONTROL_READY);
	return m;
}

/* All @n numbers come, each once. The worker has five seconds for it. */
static void guest_gets(uint32_t n)
{
	uint8_t seen[RIG_NUMBERS] = { 0 };
	struct pollfd p = { .fd = rig.guest, .events = POLLIN };
	struct sockaddr_in from;
	uint32_t got = 0;

	while (got < n && poll(&p, 1, 5000) == 1)
		got += rig_guest_count(seen, &from);
	rig_each_once(seen, n);
}

static void begins_and_ends(void **state)
{
	int status;

	(void)state;
	up_or_skip();
	start_worker();
	rig_send(0, 10, 4);
	guest_gets(10);
	close(own.control);		/* that is how it is told to go */
	assert_int_equal(waitpid(own.pid, &status, 0), own.pid);
	own.pid = 0;
	assert_int_equal(status, 0);
	down();
}

static void main_process_signals_are_not_its_own(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };

	(void)state;
	up_or_skip();
	start_worker();
	for (size_t i = 0; i < COUNT(signals); i++)
		kill(own.pid, signals[i]);
	rig_send(0, 10, 4);
	guest_gets(10);
	assert_int_equal(waitpid(own.pid, NULL, WNOHANG), 0);
	down();
}

/* R88: killed at any moment, again and again, under load. */
static void killed_under_load_loses_none(void **state)
{
	enum { ROUNDS = 40, PACKETS = QUEUE_MAXLEN / ROUNDS };	/* so that the queue never overflows */

	(void)state;
	up_or_skip();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		start_worker();
		rig_send(i * PACKETS, (i + 1) * PACKETS, 4);
		kill_worker();
	}
	start_worker();
	guest_gets(ROUNDS * PACKETS);
	down();
}

/* What @pid has in /proc/PID/status behind @key. */
static void status_of(pid_t pid, const char *key, char *value, size_t octets)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	*value = '\0';
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			snprintf(value, octets, "%s", line + strlen(key) + strspn(line + strlen(key), ":\t"));
	fclose(f);
	value[strcspn(value, "\n")] = '\0';
}

static void keeps_one_capability(void **state)
{
	char value[64];

	(void)state;
	up_or_skip();
	start_worker();
	status_of(own.pid, "CapEff", value, sizeof(value));
	assert_string_equal(value, "0000000000001000");		/* CAP_NET_ADMIN */
	status_of(own.pid, "CapPrm", value, sizeof(value));
	assert_string_equal(value, "0000000000001000");
	status_of(own.pid, "CapBnd", value, sizeof(value));
	assert_string_equal(value, "0000000000000000");
	status_of(own.pid, "CapInh", value, sizeof(value));
	assert_string_equal(value, "0000000000000000");
	status_of(own.pid, "NoNewPrivs", value, sizeof(value));
	assert_string_equal(value, "1");
	status_of(own.pid, "Seccomp_filters", value, sizeof(value));
	assert_string_equal(value, "1");
	status_of(own.pid, "VmLck", value, sizeof(value));
	assert_true(strtoul(value, NULL, 10) > 0);		/* the flows stay in memory */
	down();
}

/* What /proc shows of its root: nothing. */
static void has_an_empty_root(void **state)
{
	char path[64];
	struct dirent *e;
	DIR *dir;

	(void)state;
	up_or_skip();
	start_worker();
	snprintf(path, sizeof(path), "/proc/%d/root/", own.pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unit_fail("its root has %s", e->d_name);
	closedir(dir);
	down();
}

/* Does any descriptor of @pid lead to the same thing as @fd of ours? */
static bool has_descriptor(pid_t pid, int fd)
{
	char path[64], mine[64] = "", its[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(readlink(path, mine, sizeof(mine) - 1) > 0);
	for (unsigned i = 0; i < 1024; i++) {
		memset(its, 0, sizeof(its));
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", pid, i);
		if (readlink(path, its, sizeof(its) - 1) > 0 && !strcmp(mine, its))
			return true;
	}
	return false;
}

/* Raw sockets would be CAP_NET_RAW by another name. */
static void unwanted_descriptors_are_closed(void **state)
{
	int unwanted[2] = { socket(AF_INET, SOCK_RAW, IPPROTO_RAW), socket(AF_INET6, SOCK_RAW, IPPROTO_RAW) };

	(void)state;
	up_or_skip();
	begin_worker(false);
	hear();
	assert_true(has_descriptor(own.pid, own.queues.rest.fd));
	assert_false(has_descriptor(own.pid, own.control));
	for (unsigned i = 0; i < 2; i++) {
		assert_false(has_descriptor(own.pid, unwanted[i]));
		close(unwanted[i]);
	}
	down();
}

/* @n TCP flows to the guest in the state, as if a worker had opened them. */
static void open_flows(uint32_t n)
{
	static uint8_t octets[PACKET_ROOM];

	for (uint32_t i = 0; i < n; i++) {
		struct packet syn = { .family = NAT_IPV4, .proto = NAT_PROTO_TCP, .tcp_flags = TCP_F_SYN };
		struct nat_pkt p = { .data = octets, .hook = NAT_PRE, .indev = 9999 };

		syn.ends = (struct nat_ends){ letter_addr('C', NAT_IPV4), letter_addr('H', NAT_IPV4),
					      wire_port((uint16_t)(1024 + i)), wire_port(8080) };
		p.len = packet_build(&syn, octets);
		nat_packet(&rig.state.nat, &p, state_clock());
		assert_int_equal(p.reason, NAT_WHY_OPENED);
	}
}

static void ask_swap(uint32_t area)
{
	struct control_msg m = { .type = CONTROL_SWAP, .area = area };

	assert_int_equal(control_send(own.control, &m), 0);
}

/* Every flow is told once, then SWAPPED comes; however slow main is. */
static void hear_resets(uint32_t n, uint32_t area)
{
	struct control_msg m;
	uint32_t resets = 0;

	for (m = hear(); m.type == CONTROL_RESET; m = hear()) {
		assert_int_equal(m.flow.proto, NAT_PROTO_TCP);
		resets++;
	}
	assert_int_equal(m.type, CONTROL_SWAPPED);
	assert_int_equal(m.area, area);
	assert_int_equal(resets, n);
}

static void swap_ends_all_flows(void **state)
{
	enum { FLOWS = 12000 };
	uint32_t area;

	(void)state;
	up_or_skip();
	open_flows(FLOWS);
	area = rig_load("forwards: [{ to: " RIG_INSIDE ", publish: ['" RIG_HOST ":5300:5301/udp'] }]");
	start_worker();
	ask_swap(area);
	/* main does something else; packets go on all the same */
	rig_send(0, 1000, 4);
	guest_gets(1000);
	hear_resets(FLOWS, area);
	assert_int_equal(rig.state.nat.block->active, area);
	assert_non_null(nat_spare_map(&rig.state.nat));
	assert_null(nat_check(&rig.state.nat));
	assert_int_equal(rig.state.nat.block->flows.used, 1);	/* the client's own */
	down();
}

static void swap_keeps_flows_of_the_same_forward(void **state)
{
	uint32_t area;

	(void)state;
	up_or_skip();
	open_flows(1000);
	area = rig_load(RIG_YAML);
	start_worker();
	ask_swap(area);
	hear_resets(0, area);
	assert_int_equal(rig.state.nat.block->flows.used, 1000);
	down();
}

/* Asked twice, by a main that did not hear the answer: the second swap changes nothing. */
static void swap_twice_is_one(void **state)
{
	uint32_t area;

	(void)state;
	up_or_skip();
	area = rig_load(RIG_YAML);
	start_worker();
	ask_swap(area);
	ask_swap(area);
	hear_resets(0, area);
	hear_resets(0, area);
	assert_int_equal(rig.state.nat.block->active, area);
	down();
}

/* The worker dies between swap and the end of the sweep: the next one ends it. */
static void death_during_sweep(void **state)
{
	struct control_msg m;
	uint32_t area, resets = 0;

	(void)state;
	up_or_skip();
	open_flows(5000);
	area = rig_load("forwards: []");
	nat_swap_map(&rig.state.nat);
	nat_sweep(&rig.state.nat, state_clock(), 3000);
	begin_worker(false);
	for (m = hear(); m.type == CONTROL_RESET; m = hear())
		resets++;
	assert_int_equal(m.type, CONTROL_READY);
	assert_int_equal(resets, 2000);
	ask_swap(area);
	hear_resets(0, area);
	assert_int_equal(rig.state.nat.block->flows.used, 0);
	down();
}

/* The worker dies in the middle of a write: flows are kept, and tables can be loaded as ever. */
static void death_during_write(void **state)
{
	uint32_t area;

	(void)state;
	up_or_skip();
	open_flows(100);
	nat_enter(&rig.state.nat);
	memset(rig.state.nat.flows.bucket, 0xff, 64);
	start_worker();
	assert_null(nat_check(&rig.state.nat));
	assert_int_equal(rig.state.nat.block->flows.used, 100);
	assert_non_null(nat_spare_map(&rig.state.nat));
	area = rig_load(RIG_YAML);
	ask_swap(area);
	hear_resets(0, area);
	assert_int_equal(rig.state.nat.block->flows.used, 100);
	down();
}

/* Workers that die of a packet: the one that is told so does not get it again. */
static void packets_of_death_are_dropped(void **state)
{
	uint8_t seen[RIG_NUMBERS] = { 0 }, buf[MSG_SLOT_OCTETS];
	struct pollfd p = { .fd = rig.guest, .events = POLLIN };
	struct sockaddr_in from;

	(void)state;
	up_or_skip();
	p.fd = rig.guest;
	rig_send(0, 5, 4);
	for (unsigned i = 0; i < 2; i++)
		assert_true(recv(own.queues.rest.fd, buf, sizeof(buf), MSG_DONTWAIT) > 0);
	begin_worker(true);
	assert_int_equal(hear().type, CONTROL_READY);
	for (uint32_t got = 0; got < 3 && poll(&p, 1, 5000) == 1;)
		got += rig_guest_count(seen, &from);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(seen[i], i >= 2);
	down();
}

int main(void)
{
	unit_add("a worker begins, forwards, and ends with its control socket", begins_and_ends, NULL);
	unit_add("signals for the main process do not end a worker", main_process_signals_are_not_its_own, NULL);
	unit_add("a worker killed under load, forty times, loses no packet", killed_under_load_loses_none, NULL);
	unit_add("a worker keeps CAP_NET_ADMIN alone", keeps_one_capability, NULL);
	unit_add("a worker sees no file", has_an_empty_root, NULL);
	unit_add("a worker closes what is not for it", unwanted_descriptors_are_closed, NULL);
	unit_add("a swap that ends 12000 flows tells each and then its end", swap_ends_all_flows, NULL);
	unit_add("a swap keeps the flows of a forward that stays", swap_keeps_flows_of_the_same_forward, NULL);
	unit_add("asked twice for a swap a worker swaps once", swap_twice_is_one, NULL);
	unit_add("death during a sweep: the next worker ends it", death_during_sweep, NULL);
	unit_add("death during a write: flows stay and tables can be loaded", death_during_write, NULL);
	unit_add("packets that workers died of can be dropped", packets_of_death_are_dropped, NULL);
	return unit_run("worker");
}
