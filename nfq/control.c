/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control - see control.h */
#include "nfq/control.h"

#include <errno.h>
#include <sys/socket.h>

int control_pair(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0 ? -errno : 0;
}

int control_send(int fd, const struct control_msg *m)
{
	ssize_t n;

	do {
		n = send(fd, m, sizeof(*m), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int control_recv(int fd, struct control_msg *m)
{
	ssize_t n;

	do {
		n = recv(fd, m, sizeof(*m), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	return n == sizeof(*m) ? 1 : -1;
}
