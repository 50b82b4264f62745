/* SPDX-License-Identifier: GPL-2.0-or-later */
/* leases - see leases.h */
#include "virt/watch/leases.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "virt/watch/lease.h"

int leases_open(struct leases *l)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return -errno;
	*l = (struct leases){ .fd = fd, .watch = -1 };
	return 0;
}

void leases_close(struct leases *l)
{
	close(l->fd);
	free(l->dir);
	*l = (struct leases){ .fd = -1, .watch = -1 };
}

bool leases_watch(struct leases *l, const char *dir)
{
	char *copy;

	if (l->watch >= 0 && l->dir && !strcmp(l->dir, dir))
		return true;
	copy = strdup(dir);
	if (!copy)
		return false;
	if (l->watch >= 0)
		inotify_rm_watch(l->fd, l->watch);
	free(l->dir);
	l->dir = copy;
	l->watch = inotify_add_watch(l->fd, dir, IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR);
	return l->watch >= 0;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n > e && !strcmp(name + n - e, end);
}

static unsigned one_event(struct leases *l, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return LEASES_CHANGED | LEASES_HOSTS;
	if (e->mask & IN_IGNORED && e->wd == l->watch) {
		l->watch = -1;		/* the directory was removed */
		return LEASES_CHANGED;
	}
	if (!e->len)
		return LEASES_NOTHING;
	if (ends_with(e->name, ".status"))
		return LEASES_CHANGED;
	return ends_with(e->name, ".hostsfile") ? LEASES_HOSTS : LEASES_NOTHING;
}

unsigned leases_event(struct leases *l)
{
	char buf[8192] __attribute__((aligned(8)));
	unsigned what = LEASES_NOTHING;
	ssize_t n;

	while ((n = read(l->fd, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buf + at);

			what |= one_event(l, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	return what;
}

/* slurp - a whole regular file of at most LEASE_OCTETS; free() @text */
static int slurp(const char *path, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err = 0;
	struct stat st;
	char *buf;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > LEASE_OCTETS) {
		close(fd);
		return -EFBIG;
	}
	buf = malloc((size_t)st.st_size + 1);
	*len = 0;
	while (buf && *len < (size_t)st.st_size && (n = read(fd, buf + *len, (size_t)st.st_size - *len)) != 0) {
		if (n < 0 && errno != EINTR) {
			err = -errno;
			break;
		}
		*len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (!buf || err) {
		free(buf);
		return buf ? err : -ENOMEM;
	}
	*text = buf;
	return 0;
}

int leases_read(const struct leases *l, const char *bridge, int64_t *next_s, struct claims *c)
{
	char path[PATH_MAX], *text = NULL;
	size_t len = 0;
	int err;

	if (!l->dir || strchr(bridge, '/') ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s.status", l->dir, bridge) >= sizeof(path))
		return 0;
	err = slurp(path, &text, &len);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = lease_read(text, len, bridge, time(NULL), next_s, c) < 0 ? -EBADMSG : 0;
	free(text);
	return err;
}
