/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status - see status.h */
#include "virt/watch/status.h"

#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static const struct {
	const char *uri, *dir;
} drivers[] = {
	{ "qemu:///system", "/run/libvirt/qemu" },
	{ "lxc:///system",  "/run/libvirt/lxc" },
	{ "lxc:///",        "/run/libvirt/lxc" },
};

int status_open(const char *uri)
{
	const char *dir = NULL;
	int fd;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (!strcmp(drivers[i].uri, uri))
			dir = drivers[i].dir;
	if (!dir)
		return -1;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_MOVED_TO | IN_ONLYDIR) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void one_event(struct inotify_event *e, void (*each)(void *arg, const char *name), void *arg)
{
	size_t n = e->len ? strlen(e->name) : 0;

	if (e->mask & IN_Q_OVERFLOW) {
		each(arg, NULL);
	} else if (n > 4 && !strcmp(e->name + n - 4, ".xml")) {
		e->name[n - 4] = '\0';
		each(arg, e->name);
	}
}

void status_read(int fd, void (*each)(void *arg, const char *name), void *arg)
{
	char buf[8192] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			struct inotify_event *e = (void *)(buf + at);

			at += (ssize_t)(sizeof(*e) + e->len);
			one_event(e, each, arg);
		}
}
