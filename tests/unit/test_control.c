/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control: messages between the processes, full sockets and missing peers. */
#include "nfq/control.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int pair[2];

static void begin(void)
{
	assert_int_equal(control_pair(pair), 0);
}

static void end(void)
{
	close(pair[0]);
	close(pair[1]);
}

static void message_arrives_whole(void **state)
{
	struct control_msg m = { .type = CONTROL_RESET, .area = 1, .count = 2, .mtu = 3, .flow = { .flags = 4, .row = 5 } }, got;

	(void)state;
	begin();
	for (unsigned side = 0; side < 2; side++) {
		assert_int_equal(control_recv(pair[!side], &got), 0);
		assert_int_equal(control_send(pair[side], &m), 0);
		assert_int_equal(control_send_wait(pair[side], &m), 0);
		for (unsigned i = 0; i < 2; i++) {
			memset(&got, 0xff, sizeof(got));
			assert_int_equal(control_recv(pair[!side], &got), 1);
			assert_memory_equal(&got, &m, sizeof(m));
		}
		assert_int_equal(control_recv(pair[!side], &got), 0);
	}
	end();
}

static void peer_gone(void **state)
{
	struct control_msg m = { .type = CONTROL_READY, .count = 9 }, got;

	(void)state;
	begin();
	assert_int_equal(control_send(pair[1], &m), 0);
	close(pair[1]);
	assert_int_equal(control_recv(pair[0], &got), 1);	/* its last words are still heard */
	assert_int_equal(got.count, 9);
	assert_int_equal(control_recv(pair[0], &got), -1);
	assert_int_equal(control_send(pair[0], &m), -EPIPE);
	assert_int_equal(control_send_wait(pair[0], &m), -EPIPE);
	assert_true(control_room(pair[0], 0));
	close(pair[0]);
}

static void message_of_another_size(void **state)
{
	struct control_msg got;

	(void)state;
	begin();
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(control_recv(pair[1], &got), -1);
	end();
}

static void *read_slowly(void *arg)
{
	uint32_t *seen = arg;
	struct control_msg m;

	for (;;) {
		int got = control_recv(pair[1], &m);

		if (got < 0 || (got && m.type == CONTROL_SWAPPED))
			return NULL;
		*seen += got > 0;
	}
}

/* Where RESETs do not get through any more, SWAPPED still does. */
static void full_socket(void **state)
{
	struct control_msg reset = { .type = CONTROL_RESET }, swapped = { .type = CONTROL_SWAPPED };
	uint32_t sent = 0, seen = 0;
	pthread_t reader;
	int err;

	(void)state;
	begin();
	while (!(err = control_send(pair[0], &reset)))
		sent++;
	assert_int_equal(err, -EAGAIN);
	assert_false(control_room(pair[0], 0));
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &seen), 0);
	assert_int_equal(control_send_wait(pair[0], &swapped), 0);
	pthread_join(reader, NULL);
	assert_int_equal(seen, sent);
	end();
}

/* What control_room() promises, from the worst state in which it does. */
static void room_is_enough(void **state)
{
	struct control_msg m = { .type = CONTROL_RESET };

	(void)state;
	begin();
	while (control_room(pair[0], 0))
		assert_int_equal(control_send(pair[0], &m), 0);
	/* one message less, and there is room again */
	for (unsigned i = 0; i < 64 && !control_room(pair[0], 0); i++)
		assert_int_equal(control_recv(pair[1], &m), 1);
	assert_true(control_room(pair[0], 0));
	if (geteuid())
		skip();
	for (unsigned i = 0; i < CONTROL_ROOM; i++)
		assert_int_equal(control_send(pair[0], &m), 0);
	end();
}

int main(void)
{
	unit_add("a message arrives as it was sent, both ways", message_arrives_whole, NULL);
	unit_add("the other side is gone", peer_gone, NULL);
	unit_add("a message of another size ends it", message_of_another_size, NULL);
	unit_add("a full socket refuses what may be lost and waits with what may not", full_socket, NULL);
	unit_add("where there is room, there is room for CONTROL_ROOM messages", room_is_enough, NULL);
	return unit_run("control");
}
