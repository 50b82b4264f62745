/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queue: binding real queues, and what is said when it cannot be done. */
#include "nfq/queue.h"

#include <cap-ng.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/netns.h"

static void bound_and_closed(void **state)
{
	struct queue_stats s;
	struct queue q;
	char why[256];

	(void)state;
	netns_enter();
	assert_int_equal(queue_stats(65535, &s), -ENOENT);
	assert_int_equal(queue_open(&q, 65535, true, why, sizeof(why)), 0);
	assert_int_equal(q.num, 65535);
	assert_int_equal(queue_stats(65535, &s), 0);
	assert_int_equal(s.portid, mnl_socket_get_portid(q.nl));
	assert_int_equal(s.waiting + s.dropped + s.user_dropped + s.last_id, 0);
	assert_int_equal(queue_stats(6553, &s), -ENOENT);	/* not a beginning of the number */
	queue_close(&q);
	assert_int_equal(queue_stats(65535, &s), -ENOENT);
	assert_int_equal(q.fd, -1);
}

static void many_at_once(void **state)
{
	struct queue q[16];
	struct queue_stats s;
	char why[256];

	(void)state;
	netns_enter();
	for (uint16_t i = 0; i < COUNT(q); i++)
		assert_int_equal(queue_open(&q[i], i, i % 2, why, sizeof(why)), 0);
	for (uint16_t i = 0; i < COUNT(q); i++)
		assert_int_equal(queue_stats(i, &s), 0);
	for (uint16_t i = 0; i < COUNT(q); i++)
		queue_close(&q[i]);
}

static void taken_queue_names_its_owner(void **state)
{
	struct queue q, other = { .num = 7 };
	char why[256], owner[64];

	(void)state;
	netns_enter();
	assert_int_equal(queue_open(&q, 5, false, why, sizeof(why)), 0);
	assert_int_equal(queue_open(&other, 5, false, why, sizeof(why)), -EBUSY);
	assert_int_equal(other.num, 7);				/* untouched */
	snprintf(owner, sizeof(owner), "queue 5 is taken by netlink port %u ", mnl_socket_get_portid(q.nl));
	if (strncmp(why, owner, strlen(owner)))
		unit_fail("%s", why);
	queue_close(&q);
	assert_int_equal(queue_open(&other, 5, false, why, sizeof(why)), 0);
	queue_close(&other);
}

/* In a child that can get no capability back. Its status is what queue_open() returned. */
static void without_capability(void **state)
{
	int status, says[2];
	char why[256] = "";
	pid_t pid;

	(void)state;
	netns_enter();
	assert_int_equal(pipe(says), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct queue q;
		int err;

		capng_clear(CAPNG_SELECT_BOTH);
		if (capng_apply(CAPNG_SELECT_CAPS))
			_exit(1);
		err = queue_open(&q, 5, false, why, sizeof(why));
		if (write(says[1], why, strlen(why)) < 0)
			_exit(2);
		_exit(err == -EPERM ? 0 : 3);
	}
	close(says[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(read(says[0], why, sizeof(why) - 1) > 0);
	close(says[0]);
	assert_int_equal(status, 0);
	assert_string_equal(why, "queue 5: not permitted; run as root or with CAP_NET_ADMIN");
}

static void nothing_to_reclaim(void **state)
{
	struct queue q;
	char why[256];

	(void)state;
	netns_enter();
	assert_int_equal(queue_open(&q, 5, false, why, sizeof(why)), 0);
	assert_int_equal(queue_reclaim(&q, false), 0);
	queue_close(&q);
	q.num = 6;
	assert_int_equal(queue_reclaim(&q, false), -ENOENT);
}

int main(void)
{
	unit_add("a queue is bound, shown, and free again after", bound_and_closed, NULL);
	unit_add("many queues at once", many_at_once, NULL);
	unit_add("a queue that is taken: EBUSY, and who has it", taken_queue_names_its_owner, NULL);
	unit_add("without CAP_NET_ADMIN: EPERM, and what to do", without_capability, NULL);
	unit_add("an empty queue has nothing to reclaim", nothing_to_reclaim, NULL);
	return unit_run("queue");
}
