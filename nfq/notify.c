/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify - see notify.h */
#include "nfq/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_OCTETS = 256 };

bool notify_wanted(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* A path, or an abstract name that is written with `@` in place of its first octet. */
static socklen_t address(struct sockaddr_un *sa)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	if (len < 2 || len >= sizeof(sa->sun_path) || (name[0] != '/' && name[0] != '@'))
		return 0;
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sa->sun_path, name, len);
	if (name[0] == '@')
		sa->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* @fd: goes along; -1: none */
static int send_with(const char *text, int fd)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct sockaddr_un sa;
	struct iovec io = { .iov_base = (void *)(uintptr_t)text, /* NOLINT(performance-no-int-to-ptr): only its const goes */
			    .iov_len = strlen(text) };
	struct msghdr m = { .msg_name = &sa, .msg_namelen = address(&sa), .msg_iov = &io, .msg_iovlen = 1 };
	int sock, err;

	if (!m.msg_namelen)
		return -ENOENT;
	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	err = sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
	close(sock);
	return err;
}

int notify_send(const char *text)
{
	return send_with(text, -1);
}

int notify_keep(const char *name, int fd)
{
	char text[TEXT_OCTETS];

	/* FDPOLL=0: an error on a netlink socket is no reason to close it. */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return send_with(text, fd);
}

int notify_forget(const char *name)
{
	char text[TEXT_OCTETS];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return send_with(text, -1);
}

double notify_watchdog_s(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0.;
	return (double)strtoull(usec, NULL, 10) / 2e6;
}
