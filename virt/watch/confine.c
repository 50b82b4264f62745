/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confine - see confine.h */
#include "virt/watch/confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS = 64 };

/* What a client of libvirt never needs. */
static const int denied[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(io_uring_setup), SCMP_SYS(setuid), SCMP_SYS(setgid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat),
	SCMP_SYS(chown), SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
};

/* Talking, and what the C library and glib do meanwhile: memory, locks, time, their end. */
static const int talk[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek),
	SCMP_SYS(fcntl), SCMP_SYS(getsockopt), SCMP_SYS(futex), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getrandom), SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *call, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		err = seccomp_rule_add(ctx, action, call[i], 0);
		if (err == -EDOM || err == -EOPNOTSUPP)
			err = 0;	/* this architecture has no such call */
	}
	return err;
}

/* What is refused is told to the caller: a library that tries something new gets on without it. */
static bool load(uint32_t otherwise, uint32_t action, const int *call, size_t n)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);
	bool done = ctx && !add_all(ctx, action, call, n);

	/* Memory that is not run. */
	if (done && otherwise != SCMP_ACT_ALLOW)
		done = !seccomp_rule_add(ctx, action, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0)) &&
		       !seccomp_rule_add(ctx, action, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0));
	done = done && !seccomp_load(ctx);
	seccomp_release(ctx);
	return done;
}

/* Nothing in the file system is written, made, removed or run; reading is not touched (libvirt reads its configuration). */
static void landlock(void)
{
	struct landlock_ruleset_attr all = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
				     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	long fd = syscall(SYS_landlock_create_ruleset, &all, sizeof(all.handled_access_fs), 0);

	if (fd < 0)
		return;
	syscall(SYS_landlock_restrict_self, (int)fd, 0);
	close((int)fd);
}

bool confine_to_ask(void)
{
	const struct rlimit none = { 0, 0 }, files = { DESCRIPTORS, DESCRIPTORS };

	capng_clear(CAPNG_SELECT_ALL);
	capng_apply(CAPNG_SELECT_BOUNDS);	/* takes CAP_SETPCAP; without it no_new_privs makes it moot */
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return false;
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_NOFILE, &files);
	landlock();
	return load(SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EPERM), denied, sizeof(denied) / sizeof(*denied));
}

bool confine_to_talk(void)
{
	return load(SCMP_ACT_ERRNO(EPERM), SCMP_ACT_ALLOW, talk, sizeof(talk) / sizeof(*talk));
}
