/* SPDX-License-Identifier: GPL-2.0-or-later */
/* privilege - see privilege.h */
#include "virt/watch/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

static const char *become(const char *user)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (!pw) {
		errno = errno ? errno : ENOENT;
		return "no such user";
	}
	if (setgroups(0, NULL) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return "the user cannot be changed";
	return NULL;
}

const char *privilege_drop(const char *user)
{
	const char *bad = NULL;

	if (geteuid() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) &&
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID))
		bad = become(user);
	if (bad)
		return bad;
	capng_clear(CAPNG_SELECT_ALL);
	/* The bounding set takes CAP_SETPCAP, which another user no longer has; no_new_privs makes it moot. */
	capng_apply(CAPNG_SELECT_BOUNDS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return "capabilities cannot be given up";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "no_new_privs";
	return NULL;
}
