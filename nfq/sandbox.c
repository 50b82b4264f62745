/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox - see sandbox.h */
#include "nfq/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nfq/syscalls.h"

enum {
	DESCRIPTORS = 8,	/* numbers below it are taken long before, but poll(2) wants the limit above its count */
	PROCESSES = 256,	/* threads of all workers of this user; the old one may still be ending */
};

/* What linux/landlock.h of an older kernel does not have yet. The kernel is told the size, so fields may be more. */
struct ruleset {
	uint64_t fs, net, scoped;
};

const char *sandbox_lack_name(enum sandbox_lacks bit)
{
	switch (bit) {
	case SANDBOX_NO_EMPTY_ROOT:
		return "an empty root (CAP_SYS_ADMIN)";
	case SANDBOX_NO_LANDLOCK:
		return "Landlock";
	case SANDBOX_NO_USER:
		return "the user " SANDBOX_USER;
	case SANDBOX_NO_LOCK:
		return "locked memory (RLIMIT_MEMLOCK)";
	}
	return "?";
}

void sandbox_user(struct sandbox *s)
{
	struct passwd *pw = getpwnam(SANDBOX_USER);

	const bool other = pw && pw->pw_uid != getuid();

	s->uid = other ? pw->pw_uid : 0;
	s->gid = other ? pw->pw_gid : 0;
}

bool sandbox_empty_root(void)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("nfqnat-empty", "/proc", "tmpfs", flags, "size=4k,nr_inodes=2,mode=0555") < 0 || chdir("/proc") < 0)
		return false;
	/* The initial root of an initramfs cannot be pivoted away from; chroot hides it as well from who cannot chroot. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
	return chroot(".") == 0 && chdir("/") == 0;
}

static int choose_net_admin(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) < 0 ? -EPERM : 0;
}

static int capabilities(const struct sandbox *s, bool *user)
{
	bool all = capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	const capng_flags_t flags = CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING;

	*user = s->uid && !choose_net_admin() && capng_change_id((int)s->uid, (int)s->gid, flags) == 0;
	if (*user)
		return 0;
	/* Chosen again: a change of user that failed has left its own marks in the choice. */
	if (choose_net_admin())
		return -EPERM;
	/* The bounding set is left alone where CAP_SETPCAP is missing; no_new_privs makes it harmless. */
	return capng_apply(all ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

bool sandbox_landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = { .fs = (1u << 13) - 1 };
	size_t octets = sizeof(r.fs);
	long fd;
	bool done;

	if (abi < 1)
		return false;
	if (abi >= 2)
		r.fs |= 1u << 13;	/* REFER */
	if (abi >= 3)
		r.fs |= 1u << 14;	/* TRUNCATE */
	if (abi >= 4) {
		r.net = 3;		/* TCP bind and connect */
		octets += sizeof(r.net);
	}
	if (abi >= 5)
		r.fs |= 1u << 15;	/* IOCTL_DEV */
	if (abi >= 6) {
		r.scoped = 3;		/* abstract sockets and signals outside */
		octets += sizeof(r.scoped);
	}
	fd = syscall(SYS_landlock_create_ruleset, &r, octets, 0);
	if (fd < 0)
		return false;
	done = syscall(SYS_landlock_restrict_self, (int)fd, 0) == 0;
	close((int)fd);
	return done;
}

static void limits(void)
{
	const struct rlimit none = { 0, 0 }, files = { DESCRIPTORS, DESCRIPTORS }, processes = { PROCESSES, PROCESSES };

	/* Each only lowers a limit, which is always allowed. */
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_MSGQUEUE, &none);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_NPROC, &processes);
}

int sandbox_enter(const struct sandbox *s)
{
	int lacks = 0, err;
	bool user;

	if (s->lock && mlock2(s->lock, s->lock_octets, MLOCK_ONFAULT) < 0)
		lacks |= SANDBOX_NO_LOCK;
	if (!sandbox_empty_root())
		lacks |= SANDBOX_NO_EMPTY_ROOT;
	err = capabilities(s, &user);
	if (err)
		return err;
	if (s->uid && !user)
		lacks |= SANDBOX_NO_USER;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	if (!sandbox_landlock())
		lacks |= SANDBOX_NO_LANDLOCK;
	limits();
	err = syscalls_limit();
	return err ? err : lacks;
}
