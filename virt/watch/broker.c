/* SPDX-License-Identifier: GPL-2.0-or-later */
/* broker - see broker.h */
#include "virt/watch/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "virt/protocol.h"
#include "virt/watch/ask.h"
#include "virt/watch/confine.h"

enum { UUID_OCTETS = VIRT_UUID_OCTETS, LOOK_MS = 200 };

struct asker {
	pid_t pid;		/* 0: none */
	time_t started;		/* CLOCK_MONOTONIC */
};

/* Room for one descriptor beside an order. */
union passed {
	char octets[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* ---- in the hub ---- */

static bool send_order(int broker, const char *uuid, int fd)
{
	char text[UUID_OCTETS];
	struct iovec iov = { text, UUID_OCTETS };
	union passed control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.octets, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	memcpy(text, uuid, UUID_OCTETS);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(broker, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == UUID_OCTETS;
}

int broker_ask(int broker, const char *uuid)
{
	int pair[2], err;

	if (strlen(uuid) != UUID_OCTETS) {
		errno = EINVAL;
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	if (!send_order(broker, uuid, pair[1])) {
		err = errno;
		close(pair[0]);
		close(pair[1]);
		errno = err;
		return -1;
	}
	close(pair[1]);
	return pair[0];
}

/* ---- the broker ---- */

/* One order: its descriptor and UUID. -1: none came, or no good one; @gone: the hub is. */
static int take_order(int hub, char uuid[UUID_OCTETS + 1], bool *gone)
{
	struct iovec iov = { uuid, UUID_OCTETS };
	union passed control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.octets, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(hub, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	int fd = -1;

	*gone = !n || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	uuid[UUID_OCTETS] = '\0';
	if (n == UUID_OCTETS && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && strspn(uuid, "0123456789abcdef-") == UUID_OCTETS)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Who has ended makes room; who does not end is ended. Returns whether any is left. */
static bool look_after(struct asker asker[BROKER_AT_ONCE])
{
	bool any = false;

	for (unsigned i = 0; i < BROKER_AT_ONCE; i++) {
		if (asker[i].pid && waitpid(asker[i].pid, NULL, WNOHANG) == asker[i].pid)
			asker[i].pid = 0;
		if (asker[i].pid && now_s() - asker[i].started >= BROKER_KILL_S)
			kill(asker[i].pid, SIGKILL);
		any |= asker[i].pid != 0;
	}
	return any;
}

/* In the new process: nothing is open but where the answer goes. */
static _Noreturn void become_asker(const char *uuid, int fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(fd, VIRT_FD) < 0)
		_exit(1);
	syscall(SYS_close_range, VIRT_FD + 1, ~0u, 0);
	prctl(PR_SET_NAME, "nfqnat-ask");
	ask_run(uuid, VIRT_FD);
}

static void start_asker(struct asker asker[BROKER_AT_ONCE], const char *uuid, int fd)
{
	pid_t parent = getpid();
	unsigned i = 0;

	while (i < BROKER_AT_ONCE && asker[i].pid)
		i++;
	if (i < BROKER_AT_ONCE) {
		asker[i] = (struct asker){ .pid = fork(), .started = now_s() };
		if (!asker[i].pid)
			become_asker(uuid, fd, parent);
		if (asker[i].pid < 0)
			asker[i].pid = 0;
	}
	close(fd);
}

static _Noreturn void broker_run(int hub)
{
	struct asker asker[BROKER_AT_ONCE] = { 0 };
	char uuid[UUID_OCTETS + 1];
	bool gone = false;

	while (!gone) {
		struct pollfd p = { .fd = hub, .events = POLLIN };
		int fd;

		poll(&p, 1, look_after(asker) ? LOOK_MS : -1);
		look_after(asker);
		if (!p.revents)
			continue;
		fd = take_order(hub, uuid, &gone);
		if (fd >= 0)
			start_asker(asker, uuid, fd);
	}
	_exit(0);	/* askers end with us */
}

int broker_start(void)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid = fork();
	if (pid) {
		close(pair[1]);
		if (pid > 0)
			return pair[0];
		close(pair[0]);
		return -1;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "nfqnat-broker");
	signal(SIGTERM, SIG_IGN);	/* of a terminal or service: the hub ends first, and that is seen */
	signal(SIGINT, SIG_IGN);
	if (getppid() != parent || dup2(pair[1], VIRT_FD) < 0)
		_exit(1);
	syscall(SYS_close_range, VIRT_FD + 1, ~0u, 0);
	if (!confine_to_ask()) {
		fputs("nfqnat-virt: agents cannot be asked: what would ask them cannot be confined\n", stderr);
		_exit(1);
	}
	broker_run(VIRT_FD);
}
