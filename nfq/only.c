/* SPDX-License-Identifier: GPL-2.0-or-later */
/* only - see only.h */
#include "nfq/only.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nfq/log.h"

static int order(const void *a, const void *b)
{
	const int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* From @lo to before @hi. Before Linux 5.9 one by one. */
static void close_from_to(int lo, int hi)
{
	struct rlimit r;

	if (hi <= lo || !syscall(SYS_close_range, (unsigned)lo, (unsigned)hi - 1, 0))
		return;
	if (!getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur < (rlim_t)hi)
		hi = (int)r.rlim_cur;
	for (int fd = lo; fd < hi; fd++)
		close(fd);
}

void only_these(int *fd, size_t n)
{
	int next = STDERR_FILENO + 1;

	qsort(fd, n, sizeof(*fd), order);
	for (size_t i = 0; i < n; i++) {
		if (fd[i] < next)
			continue;
		close_from_to(next, fd[i]);
		next = fd[i] + 1;
	}
	close_from_to(next, 1 << 30);
	log_again();
}
