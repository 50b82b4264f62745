/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ask - see ask.h */
#include "virt/watch/ask.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "virt/watch/agent.h"
#include "virt/watch/confine.h"

static void put(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static _Noreturn void end_with(int fd, enum ask_said said, const char *text)
{
	const char first = (char)said;

	put(fd, &first, 1);
	put(fd, text, strnlen(text, AGENT_OCTETS + 1));
	/* No handlers, no destructors: they would want what was given up. */
	_exit(said != ASK_ANSWER);
}

static void on_error(void *arg, virErrorPtr error)
{
	(void)arg;
	(void)error;
}

void ask_run(const char *uuid, int fd)
{
	virConnectPtr conn;
	virDomainPtr dom;
	char *answer;

	alarm(ASK_LIMIT_S);
	virSetErrorFunc(NULL, on_error);
	conn = virConnectOpen(ASK_URI);
	if (!conn)
		end_with(fd, ASK_ERROR, virGetLastErrorMessage());
	if (!confine_to_talk())
		end_with(fd, ASK_ERROR, "system calls cannot be limited");
	dom = virDomainLookupByUUIDString(conn, uuid);
	answer = dom ? virDomainQemuAgentCommand(dom, "{\"execute\":\"guest-network-get-interfaces\"}", ASK_AGENT_S, 0) : NULL;
	if (!answer)
		end_with(fd, ASK_ERROR, virGetLastErrorMessage());
	end_with(fd, ASK_ANSWER, answer);
}
