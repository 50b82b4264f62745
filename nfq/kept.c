/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kept - see kept.h */
#include "nfq/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nfq/notify.h"

enum { LISTEN_FDS_START = 3 };

static struct {
	char name[KEPT_NAME_OCTETS];
	int fd;
} kept[KEPT_MAX];
static unsigned n_kept;

static void add(const char *name, size_t len, long fd)
{
	int flags = fd > STDERR_FILENO && fd < 1 << 20 ? fcntl((int)fd, F_GETFD) : -1;

	if (flags < 0 || n_kept == KEPT_MAX || !len || len >= KEPT_NAME_OCTETS)
		return;
	fcntl((int)fd, F_SETFD, flags | FD_CLOEXEC);
	memcpy(kept[n_kept].name, name, len);
	kept[n_kept].name[len] = '\0';
	kept[n_kept++].fd = (int)fd;
}

static void from_manager(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	long n = fds ? strtol(fds, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != (long)getpid())
		return;
	for (long i = 0; names && i < n; i++) {
		size_t len = strcspn(names, ":");

		add(names, len, LISTEN_FDS_START + i);
		names += len + (names[len] == ':');
	}
}

static void from_exec(void)
{
	const char *p = getenv(KEPT_ENV);

	while (p && *p) {
		size_t len = strcspn(p, "= ");
		char *end = NULL;

		if (p[len] == '=')
			add(p, len, strtol(p + len + 1, &end, 10));
		p = end ? end : p + len;
		p += *p != '\0';
	}
}

void kept_open(void)
{
	n_kept = 0;
	from_manager();
	from_exec();
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv(KEPT_ENV);
}

int kept_take(const char *name)
{
	for (unsigned i = 0; i < n_kept; i++) {
		int fd = kept[i].fd;

		if (strcmp(kept[i].name, name) != 0)
			continue;
		kept[i] = kept[--n_kept];
		return fd;
	}
	return -1;
}

unsigned kept_drop(void)
{
	unsigned n = n_kept;

	while (n_kept) {
		n_kept--;
		notify_forget(kept[n_kept].name);
		close(kept[n_kept].fd);
	}
	return n;
}

int kept_leave(const char *name, int fd)
{
	static char text[KEPT_MAX * (KEPT_NAME_OCTETS + 12)];
	const char *before = getenv(KEPT_ENV);
	size_t len = before ? strlen(before) : 0;

	/* setenv() copies; the buffer is built anew from what it holds. */
	if (before && before != text)
		memmove(text, before, len);
	if (len + KEPT_NAME_OCTETS + 12 > sizeof(text))
		return -E2BIG;
	snprintf(text + len, sizeof(text) - len, "%s%s=%d", len ? " " : "", name, fd);
	if (setenv(KEPT_ENV, text, 1) < 0 || fcntl(fd, F_SETFD, 0) < 0)
		return -errno;
	return 0;
}

void kept_undo(void)
{
	kept_open();	/* closed over exec again */
	n_kept = 0;	/* but theirs who left them */
}
