/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox: a process that has entered it tries what it must not be able to do, and what it must. */
#include "nfq/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { OTHER_UID = 64123 };

/* What comes of an attempt in the sandbox. */
enum outcome {
	DONE,
	REFUSED,		/* an error, and going on */
	ENDED,			/* killed by SIGSYS */
	NO_SANDBOX,		/* this host cannot, or may not */
};

static int pair[2], lacks_wanted;

/* true: it worked */
static bool opens_a_file(void) { return open("/etc/passwd", O_RDONLY) >= 0; }
static bool opens_the_root(void) { return open("/", O_RDONLY | O_DIRECTORY) >= 0; }
static bool opens_by_its_descriptors(void) { return open("/proc/self/fd/2", O_WRONLY) >= 0; }
static bool makes_a_file(void) { return creat("/tmp/nfqnat-sandbox-test", 0600) >= 0; }
static bool removes_a_file(void) { return unlink("/etc/nfqnat-not-there") == 0 || errno == ENOENT; }
static bool looks_at_a_file(void) { struct stat st; return stat("/etc/passwd", &st) == 0; }
static bool opens_a_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static bool opens_netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }
static bool opens_a_raw_socket(void) { return socket(AF_PACKET, SOCK_RAW, 0) >= 0; }
static bool makes_a_memfd(void) { return memfd_create("x", 0) >= 0; }
static bool signals_its_parent(void) { return kill(getppid(), 0) == 0; }
static bool signals_everybody(void) { return kill(-1, 0) == 0; }
static bool maps_code(void) { return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }
static bool changes_user(void) { return setuid(0) == 0; }
static bool gains_a_limit(void) { return setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1024, 1024 }) == 0; }
static bool sets_the_clock(void) { return syscall(SYS_settimeofday, NULL, NULL) == 0; }
static bool names_the_host(void) { return sethostname("x", 1) == 0; }
static bool reads_the_log_of_the_kernel(void) { return syscall(SYS_syslog, 10, NULL, 0) >= 0; }
static bool copies_a_descriptor(void) { return fcntl(0, F_DUPFD, 0) >= 0; }
static bool forks_by_clone3(void)
{
	struct { uint64_t v[11]; } args = { { 0, [4] = SIGCHLD } };

	return syscall(SYS_clone3, &args, sizeof(args)) >= 0;
}
static bool forks_by_clone(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0; }
static bool makes_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}
static bool runs_a_program(void)
{
	char *argv[] = { (char[]){ "true" }, NULL };

	execv("/bin/true", argv);
	return false;
}
static bool forks_by_fork(void) { return syscall(SYS_fork) >= 0; }
static bool traces_its_parent(void) { return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0; }
static bool loads_bpf(void) { return syscall(SYS_bpf, 0, NULL, 0) >= 0; }
static bool mounts(void) { return mount("none", "/", "tmpfs", 0, NULL) == 0; }
static bool changes_namespace(void) { return unshare(CLONE_NEWUSER) == 0; }
static bool changes_root(void) { return chroot("/") == 0; }
static bool loads_a_module(void) { return syscall(SYS_finit_module, 0, "", 0) == 0; }
static bool opens_a_ring(void) { return syscall(SYS_io_uring_setup, 1, NULL) >= 0; }

static bool talks_to_main(void)
{
	char c = 0;

	return send(pair[1], "x", 1, 0) == 1 && recv(pair[0], &c, 1, 0) == 1 && c == 'x';
}
static void *thread(void *arg)
{
	cpu_set_t set;

	*(int *)arg = sched_getaffinity(0, sizeof(set), &set) == 0 &&
		      pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
	return NULL;
}
static bool makes_a_thread(void)
{
	pthread_t id;
	int ran = 0;

	return pthread_create(&id, NULL, thread, &ran) == 0 && pthread_join(id, NULL) == 0 && ran;
}
static bool allocates(void)
{
	void *p = malloc(8 << 20);

	if (p)
		memset(p, 1, 8 << 20);
	free(p);
	return p != NULL;
}
static bool writes_a_log(void) { return write(STDERR_FILENO, "", 0) == 0; }
static bool reads_the_clock(void)
{
	struct timespec ts;

	return syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &ts) == 0;
}
static bool is_another_user(void) { return getuid() == OTHER_UID; }
static bool has_no_core(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0 && getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max < 16;
}

static const struct row {
	const char *name;
	bool (*attempt)(void);
	enum outcome want;
} rows[] = {
	{ "a file cannot be opened", opens_a_file, REFUSED },
	{ "the root cannot be opened", opens_the_root, REFUSED },
	{ "an open file cannot be opened anew", opens_by_its_descriptors, REFUSED },
	{ "a file cannot be made", makes_a_file, REFUSED },
	{ "a file cannot be removed", removes_a_file, REFUSED },
	{ "a file cannot be looked at", looks_at_a_file, REFUSED },
	{ "a socket cannot be opened", opens_a_socket, REFUSED },
	{ "a netlink socket cannot be opened", opens_netlink, REFUSED },
	{ "a packet socket cannot be opened", opens_a_raw_socket, REFUSED },
	{ "a file in memory cannot be made", makes_a_memfd, REFUSED },
	{ "the parent cannot be signalled", signals_its_parent, REFUSED },
	{ "others cannot be signalled", signals_everybody, REFUSED },
	{ "memory cannot be mapped to be run", maps_code, REFUSED },
	{ "memory that was written cannot be run", makes_code, REFUSED },
	{ "the user cannot be changed back", changes_user, REFUSED },
	{ "limits cannot be raised", gains_a_limit, REFUSED },
	{ "the clock cannot be set", sets_the_clock, REFUSED },
	{ "the host cannot be named", names_the_host, REFUSED },
	{ "the kernel's log cannot be read", reads_the_log_of_the_kernel, REFUSED },
	{ "a descriptor cannot be copied", copies_a_descriptor, REFUSED },
	{ "no process by clone", forks_by_clone, REFUSED },
	{ "no process by clone3", forks_by_clone3, REFUSED },
	{ "fork ends it", forks_by_fork, ENDED },
	{ "exec ends it", runs_a_program, ENDED },
	{ "ptrace ends it", traces_its_parent, ENDED },
	{ "bpf ends it", loads_bpf, ENDED },
	{ "mount ends it", mounts, ENDED },
	{ "a new namespace ends it", changes_namespace, ENDED },
	{ "chroot ends it", changes_root, ENDED },
	{ "loading a module ends it", loads_a_module, ENDED },
	{ "io_uring ends it", opens_a_ring, ENDED },
	{ "what it has open still works", talks_to_main, DONE },
	{ "threads can be made and pinned", makes_a_thread, DONE },
	{ "memory can be had", allocates, DONE },
	{ "the log can be written", writes_a_log, DONE },
	{ "time can be read", reads_the_clock, DONE },
	{ "it is another user", is_another_user, DONE },
	{ "it leaves no core and has few descriptors", has_no_core, DONE },
};

/* In a child: enter and try. */
static enum outcome outcome_of(bool (*attempt)(void), const struct sandbox *s)
{
	int status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int lacks;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		lacks = sandbox_enter(s);
		if (lacks < 0 || (lacks & ~lacks_wanted))
			_exit(NO_SANDBOX);
		_exit(attempt() ? DONE : REFUSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(pair[0]);
	close(pair[1]);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? ENDED : NO_SANDBOX;
	return (enum outcome)WEXITSTATUS(status);
}

static void attempts(void **state)
{
	const struct row *r = *state;
	const struct sandbox s = { .uid = OTHER_UID, .gid = OTHER_UID };

	if (geteuid() != 0)
		skip();
	lacks_wanted = SANDBOX_NO_LANDLOCK;	/* a kernel may not have it; there is the empty root */
	assert_int_equal(outcome_of(r->attempt, &s), r->want);
}

/* In a child: one step alone, then the error that opening a file gives; 0: it could be opened, -1: no such step here. */
static int error_after(bool (*step)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (!step())
			_exit(255);
		_exit(opens_a_file() ? 0 : errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

static void empty_root_alone(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(error_after(sandbox_empty_root), ENOENT);
	assert_int_equal(access("/etc/passwd", R_OK), 0);	/* ours is as it was */
}

static void landlock_alone(void **state)
{
	int err = error_after(sandbox_landlock);

	(void)state;
	if (err < 0)
		skip();
	assert_int_equal(err, EACCES);
}

/* As under a service manager that leaves neither CAP_SYS_ADMIN nor another user: said, and all else holds. */
static bool enters_with_less(void)
{
	const struct sandbox s = { .uid = OTHER_UID, .gid = OTHER_UID, .lock = pair, .lock_octets = sizeof(pair) };
	const struct rlimit none = { 0, 0 };
	int lacks;

	setrlimit(RLIMIT_MEMLOCK, &none);
	capng_clear(CAPNG_SELECT_CAPS);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return false;
	lacks = sandbox_enter(&s);
	return lacks == (SANDBOX_NO_EMPTY_ROOT | SANDBOX_NO_USER | SANDBOX_NO_LOCK) ||
	       lacks == (SANDBOX_NO_EMPTY_ROOT | SANDBOX_NO_USER | SANDBOX_NO_LOCK | SANDBOX_NO_LANDLOCK);
}

static void less_is_said(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(error_after(enters_with_less), EPERM);	/* seccomp's answer */
}

/* Without CAP_NET_ADMIN there is nothing to handle packets with. */
static bool enters_with_nothing(void)
{
	const struct sandbox s = { .uid = 0 };

	capng_clear(CAPNG_SELECT_CAPS);
	return capng_apply(CAPNG_SELECT_CAPS) == 0 && sandbox_enter(&s) == -EPERM;
}

static void no_capability_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(error_after(enters_with_nothing), 0);	/* it went no further */
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].name, attempts, &rows[i]);
	unit_add("an empty root hides files by itself", empty_root_alone, NULL);
	unit_add("Landlock hides files by itself", landlock_alone, NULL);
	unit_add("what could not be had is said, and the rest holds", less_is_said, NULL);
	unit_add("without CAP_NET_ADMIN it is an error", no_capability_is_an_error, NULL);
	return unit_run("sandbox");
}
