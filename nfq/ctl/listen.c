/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_listen - see listen.h */
#include "nfq/ctl/listen.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

/* Is somebody alive behind the socket at @path? */
static bool answers(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && (!connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return yes;
}

static void make_directory(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return;
	*slash = '\0';
	mkdir(dir, 0755);	/* if it fails bind() says why */
}

static int bind_at(int fd, const char *path, char *why, size_t why_octets)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int err;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		snprintf(why, why_octets, "%s is too long for a socket's name; choose one of at most %zu octets", path,
			 sizeof(sa.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (answers(&sa)) {
		snprintf(why, why_octets, "another nfqnatd answers at %s; give each its own `control: { socket: ... }`", path);
		return -EADDRINUSE;
	}
	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode)) {
		snprintf(why, why_octets, "%s is there and is no socket; choose another name in `control: { socket: ... }`", path);
		return -EEXIST;
	}
	unlink(path);
	make_directory(path);
	mask = umask(0177);	/* nobody may connect before the group is set */
	err = bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
	umask(mask);
	if (err)
		snprintf(why, why_octets, "%s: %s", path, strerror(-err));
	return err;
}

int ctl_listen_group(const char *name, gid_t *group, char *why, size_t why_octets)
{
	struct group *g;

	*group = (gid_t)-1;
	if (!strcmp(name, "root"))
		return 0;		/* root may anyway, and who is not root could not give the socket to it */
	g = getgrnam(name);
	if (!g) {
		snprintf(why, why_octets, "there is no group %s; make it (groupadd --system %s) or leave it out", name, name);
		return -ENOENT;
	}
	*group = g->gr_gid;
	return 0;
}

int ctl_listen_give(const char *path, const char *group, gid_t gid, char *why, size_t why_octets)
{
	const bool only_us = gid == (gid_t)-1;
	int err = 0;

	/* The owner stays who we are, root or a user of our own; root may connect to any socket. */
	if (chown(path, (uid_t)-1, only_us ? getegid() : gid) < 0 || chmod(path, only_us ? 0600 : 0660) < 0)
		err = -errno;
	if (err)
		snprintf(why, why_octets, "%s: group %s: %s; a daemon that is not root can give it only to groups of its own "
			 "(SupplementaryGroups=%s in its unit)", path, group, strerror(-err), group);
	return err;
}

int ctl_listen(const char *path, const char *group, gid_t *gid, char *why, size_t why_octets)
{
	int err = ctl_listen_group(group, gid, why, why_octets), fd;

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(why, why_octets, "socket: %s", strerror(errno));
		return -errno;
	}
	err = bind_at(fd, path, why, why_octets);
	if (!err && *gid != (gid_t)-1) {
		err = ctl_listen_give(path, group, *gid, why, why_octets);
		if (err)
			unlink(path);
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}
