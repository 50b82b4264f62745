/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel - checks of NFQUEUE: by which rules packets can come to us, and whether the queues are free */
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/doctor/doctor.h"
#include "nfq/steer/run.h"

enum { UNKNOWN = 255 };

/* In a network namespace of its own, where nothing of the host can be changed. */
static int run_apart(const char *const *argv, const char *input)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return UNKNOWN;
	if (!pid) {
		char words[256];

		if (unshare(CLONE_NEWNET) < 0)
			_exit(UNKNOWN);
		status = run_program(argv, input, NULL, words, sizeof(words));
		_exit(status < 0 ? UNKNOWN : status > 253 ? 1 : status);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return UNKNOWN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : UNKNOWN;
}

static int try_nft(void)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };

	return run_apart(argv,
			 "table inet t {\n chain c {\n type filter hook input priority 0;\n queue num 0\n }\n}\n");
}

static int try_xt(const char *program)
{
	const char *const argv[] = { program, "-w",	 "5", "-t", "raw",     "-A",	      "OUTPUT", "-p",
				     "udp",   "--dport", "9", "-j", "NFQUEUE", "--queue-num", "0",	NULL };

	return run_apart(argv, NULL);
}

/* Does a flavour work for every family that is forwarded? */
static int try_flavour(const struct doctor *d, const char *flavour)
{
	char program[32];
	int status;

	snprintf(program, sizeof(program), "iptables%s", flavour);
	status = try_xt(program);
	snprintf(program, sizeof(program), "ip6tables%s", flavour);
	return status || !doctor_has_family(d, NAT_IPV6) ? status : try_xt(program);
}

void doctor_nfqueue(struct doctor *d)
{
	static const char why[] =
		"Packets come to nfqnatd by NFQUEUE. It needs nfnetlink_queue in the kernel, and either nft's "
		"`queue` (nft_queue) or the NFQUEUE target of iptables (xt_NFQUEUE).";
	static const struct { enum conf_steering steering; const char *flavour;
	} xt[] = {
		{ CONF_STEER_IPTABLES_NFT, "-nft" },
		{ CONF_STEER_IPTABLES_LEGACY, "-legacy" },
		{ CONF_STEER_IPTABLES, "" },
	};
	enum conf_steering want = d->conf->steering;
	int nft = try_nft();
	bool any = !nft && (want == CONF_STEER_AUTO || want == CONF_STEER_NFT);

	if (nft == UNKNOWN) {
		doctor_say(d, DOCTOR_NOTE, NULL, "could not be tried without root");
		return;
	}
	for (unsigned i = 0; i < sizeof(xt) / sizeof(xt[0]); i++)
		if ((want == CONF_STEER_AUTO || want == xt[i].steering) && !try_flavour(d, xt[i].flavour))
			any = true;
	if (!any && want != CONF_STEER_AUTO) {
		doctor_say(d, DOCTOR_PROBLEM, why, "the rules that `steering:` asks for do not work here");
		doctor_mend(d, "write `steering: auto` in %s, or install the program and load the module",
			    d->conf_path);
	} else if (!any) {
		doctor_say(d, DOCTOR_PROBLEM, why, "neither nft nor iptables can queue packets here");
		doctor_mend(d, "apt-get install nftables iptables; modprobe -a nfnetlink_queue nft_queue xt_NFQUEUE");
	} else {
		doctor_say(d, DOCTOR_OK, NULL, "packets can be queued by %s", nft ? "iptables" : "nft");
	}
}

/* The inode of the netlink socket of port @portid; 0: none. */
static unsigned long netlink_inode(unsigned long portid)
{
	FILE *f = fopen("/proc/self/net/netlink", "re");
	unsigned long found = 0;
	char line[256];

	/* sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
	while (f && !found && fgets(line, sizeof(line), f)) {
		char *word[10], *save = NULL;
		unsigned n = 0;

		for (char *w = strtok_r(line, " \n", &save); w && n < 10; w = strtok_r(NULL, " \n", &save))
			word[n++] = w;
		if (n == 10 && strtoul(word[1], NULL, 10) == NETLINK_NETFILTER && strtoul(word[2], NULL, 10) == portid)
			found = strtoul(word[9], NULL, 10);
	}
	if (f)
		fclose(f);
	return found;
}

void doctor_queue(struct doctor *d)
{
	static const char why[] =
		"A queue belongs to one program. nfqnatd takes three for each worker, two with `headers-only: off`, from `queue:` on.";
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long workers = d->conf->workers ? d->conf->workers : cpus > 0 ? (unsigned long)cpus : 1;
	FILE *f = fopen("/proc/self/net/netfilter/nfnetlink_queue", "re");
	char line[256], owner[64];

	while (f && fgets(line, sizeof(line), f)) {
		char *end;
		unsigned long num = strtoul(line, &end, 10), portid = strtoul(end, NULL, 10);

		if (num < d->conf->queue || num >= d->conf->queue + conf_queues(d->conf, (unsigned)workers))
			continue;
		net_owner(netlink_inode(portid), owner, sizeof(owner));
		if (d->running || !strncmp(owner, "nfqnat", 6))
			continue;
		doctor_say(d, DOCTOR_PROBLEM, why, "queue %lu is taken by %s", num, owner);
		doctor_mend(d, "write another `queue:` in %s, for example %lu", d->conf_path, num + 100);
	}
	if (f)
		fclose(f);
}
