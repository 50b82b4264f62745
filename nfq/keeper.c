/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper - see keeper.h */
#include "nfq/keeper.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nfq/kept.h"
#include "nfq/log.h"

#define KEEPER_ENV "NFQNAT_KEEPER"

enum { TEXT_OCTETS = 512, SILENCE_MS = 30000, AGAIN_MS = 1000, QUICK_MS = 3000, QUICK_DEATHS_MAX = 5 };

static struct {
	char name[KEPT_NAME_OCTETS];
	int fd;
} held[KEPT_MAX];
static unsigned n_held;

static struct {
	char **argv;
	char path[PATH_MAX];		/* of the program, whatever is installed there when it is started again */
	int sock, signals;
	pid_t main;
	bool ready, ever_ready;
	unsigned quick_deaths;
	int64_t started, heard;
} keeper;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void forget(const char *name)
{
	for (unsigned i = 0; i < n_held; i++) {
		if (strcmp(held[i].name, name) != 0)
			continue;
		close(held[i].fd);
		held[i] = held[--n_held];
		return;
	}
}

static void keep(const char *name, int fd)
{
	forget(name);
	if (n_held == KEPT_MAX || !*name) {
		close(fd);
		return;
	}
	snprintf(held[n_held].name, sizeof(held[n_held].name), "%s", name);
	held[n_held++].fd = fd;
}

/* One message, a line for each thing; @fd: came with it, or -1. */
static void understand(char *text, int fd)
{
	const char *name = "";
	bool store = false, removes = false;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strcmp(line, "READY=1"))
			keeper.ready = keeper.ever_ready = true;
		else if (!strcmp(line, "FDSTORE=1"))
			store = true;
		else if (!strcmp(line, "FDSTOREREMOVE=1"))
			removes = true;
		else if (!strncmp(line, "FDNAME=", 7) && strlen(line + 7) < KEPT_NAME_OCTETS)
			name = line + 7;
	}
	if (removes)
		forget(name);
	if (store && fd >= 0)
		keep(name, fd);
	else if (fd >= 0)
		close(fd);
}

/* The one descriptor that comes with a message; a stranger's may bring more, and those do not stay either. */
static int last_of(const struct cmsghdr *c)
{
	int fd = -1;

	for (size_t at = 0; CMSG_LEN(at + sizeof(fd)) <= c->cmsg_len; at += sizeof(fd)) {
		if (fd >= 0)
			close(fd);
		memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
	}
	return fd;
}

/* Only the main process is listened to: anybody in this network namespace can send here. */
static void hear(void)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char text[TEXT_OCTETS];
	struct iovec io = { .iov_base = text, .iov_len = sizeof(text) - 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(keeper.sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct ucred who = { 0 };
	int fd = -1;

	if (n < 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(c), sizeof(who));
		else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			fd = last_of(c);
	}
	if (who.pid != keeper.main || keeper.main <= 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	keeper.heard = now_ms();
	text[n] = '\0';
	understand(text, fd);
}

static int open_socket(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa);
	char name[sizeof(sa.sun_path) + 1] = "@", usec[32], pid[32];
	const int on = 1;

	keeper.sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* An abstract name that the kernel chooses. */
	if (keeper.sock < 0 || bind(keeper.sock, (struct sockaddr *)&sa, sizeof(sa.sun_family)) < 0 ||
	    setsockopt(keeper.sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    getsockname(keeper.sock, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	memcpy(name + 1, sa.sun_path + 1, len - offsetof(struct sockaddr_un, sun_path) - 1);
	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(usec, sizeof(usec), "%d", SILENCE_MS * 1000);
	if (setenv("NOTIFY_SOCKET", name, 1) < 0 || setenv("WATCHDOG_USEC", usec, 1) < 0 || unsetenv("WATCHDOG_PID") < 0 ||
	    setenv(KEEPER_ENV, pid, 1) < 0)
		return -errno;
	return 0;
}

bool keeper_is_parent(void)
{
	const char *pid = getenv(KEEPER_ENV);

	return pid && strtol(pid, NULL, 10) == (long)getppid();
}

static int open_signals(void)
{
	const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	keeper.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return keeper.signals < 0 ? -errno : 0;
}

static void child(pid_t parent)
{
	sigset_t none;

	/* Nobody keeps anything any more: an orderly stop, so that whoever starts another keeper finds queues and ports free. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (unsigned i = 0; i < n_held; i++)
		kept_leave(held[i].name, held[i].fd);
	execv(keeper.path, keeper.argv);
	log_error("%s: %s", keeper.path, strerror(errno));
	_exit(127);
}

static void start(void)
{
	pid_t parent = getpid();

	keeper.ready = false;
	keeper.started = keeper.heard = now_ms();
	keeper.main = fork();
	if (!keeper.main)
		child(parent);
}

/* The main process has ended: what now? Returns its status to end with, or -1 to go on. */
static int ended(int status)
{
	bool quick = now_ms() - keeper.started < QUICK_MS;

	keeper.main = 0;
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !keeper.ever_ready))
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		log_warn("the main process was killed by signal %d; starting another with what it left (%u descriptors)",
			 WTERMSIG(status), n_held);
	else
		log_warn("the main process ended with status %d; starting another with what it left (%u descriptors)",
			 WEXITSTATUS(status), n_held);
	keeper.quick_deaths = quick ? keeper.quick_deaths + 1 : 0;
	if (!keeper.ready || keeper.quick_deaths > QUICK_DEATHS_MAX)
		poll(NULL, 0, AGAIN_MS);
	start();
	return -1;
}

static int on_signal(void)
{
	struct signalfd_siginfo si;
	int status;

	while (read(keeper.signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGCHLD) {
			if (keeper.main > 0)
				kill(keeper.main, (int)si.ssi_signo == SIGINT ? SIGTERM : (int)si.ssi_signo);
			else if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
				return 0;
			continue;
		}
		while (keeper.main > 0 && waitpid(keeper.main, &status, WNOHANG) == keeper.main) {
			/* What it said last, it said before it ended. */
			for (unsigned i = 0; i < KEPT_MAX; i++)
				hear();
			status = ended(status);
			if (status >= 0)
				return status;
		}
	}
	return -1;
}

int keeper_run(char **argv)
{
	struct pollfd p[2];
	int err = open_signals(), status = -1;

	if (readlink("/proc/self/exe", keeper.path, sizeof(keeper.path) - 1) < 0)
		return 1;
	keeper.argv = argv;
	if (!err)
		err = open_socket();
	if (err) {
		log_error("the keeper cannot start: %s", strerror(-err));
		return 1;
	}
	prctl(PR_SET_NAME, "nfqnat-keeper");
	start();
	p[0] = (struct pollfd){ .fd = keeper.sock, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = keeper.signals, .events = POLLIN };
	while (status < 0) {
		if (poll(p, 2, AGAIN_MS) < 0 && errno != EINTR)
			return 1;
		hear();
		status = on_signal();
		if (keeper.main < 0) {
			log_error("the keeper cannot fork: %s; trying again", strerror(errno));
			start();
		}
		if (keeper.main > 0 && keeper.ready && now_ms() - keeper.heard > SILENCE_MS) {
			log_error("the main process %d hangs: nothing from it for %d s; killing it", keeper.main,
				  SILENCE_MS / 1000);
			keeper.heard = now_ms();
			kill(keeper.main, SIGKILL);
		}
	}
	return status;
}
