/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_lines - any octets on the line between the processes of the watcher.
 *
 * Input: one octet that says in how many pieces they come. Each text that is
 * taken is an object, and there are as many as line ends; how the octets were
 * cut makes no difference.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "virt/watch/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 32768 };		/* less than a pipe holds */

static void take(void *arg, json_t *object)
{
	assert(json_is_object(object));
	++*(size_t *)arg;
}

/* Returns the error, or 0 if all was read; *@taken: how many objects. */
static int feed(const uint8_t *data, size_t size, size_t pieces, size_t *taken)
{
	struct lines l = { 0 };
	int fd[2], err = 0;
	size_t at = 0;

	*taken = 0;
	assert(!pipe2(fd, O_NONBLOCK));
	for (size_t i = 1; i <= pieces && !err; i++) {
		size_t end = size * i / pieces;

		if (end > at)
			assert(write(fd[1], data + at, end - at) == (ssize_t)(end - at));
		at = end;
		err = lines_read(&l, fd[0], take, taken);
	}
	close(fd[1]);
	close(fd[0]);
	lines_fini(&l);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t taken, again, ends = 0;
	int err, err_again;

	if (!size || size > ROOM)
		return 0;
	for (size_t i = 1; i < size; i++)
		ends += data[i] == '\n';
	err = feed(data + 1, size - 1, 1, &taken);
	assert(err ? taken < ends : taken == ends);
	err_again = feed(data + 1, size - 1, data[0] % 16 + 1u, &again);
	assert(err == err_again && taken == again);
	return 0;
}
