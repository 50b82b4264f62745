/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control - see control.h */
#include "nfq/control.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* A socket is writable when three quarters of its buffer are free; a message takes about 1 KiB of it. */
enum { SNDBUF_OCTETS = 2 * CONTROL_ROOM * 1024 };

int control_pair(int fd[2])
{
	const int octets = SNDBUF_OCTETS;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	/* Without CAP_NET_ADMIN the buffer stays small, and more of what may be lost will be. */
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets));
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets));
	return 0;
}

bool control_room(int fd, int wait_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, wait_ms) > 0;
}

int control_send(int fd, const struct control_msg *m)
{
	ssize_t n;

	do {
		n = send(fd, m, sizeof(*m), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int control_send_wait(int fd, const struct control_msg *m)
{
	int err;

	while ((err = control_send(fd, m)) == -EAGAIN)
		control_room(fd, -1);
	return err;
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
