/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask - ask the agent in one guest for its addresses, in a process of its own.
 *
 * libvirt lets only a read-write connection ask agents, and whoever has one
 * may do anything on this host. So what holds it is as small as can be: it
 * connects, gives up every system call but those of talking, asks the one
 * question, hands the answer on unread, and ends. Who reads what the guest
 * says has no such connection (agents.h). It ends by itself after
 * ASK_LIMIT_S, whatever the agent, libvirtd or it itself does.
 *
 * Not virDomainInterfaceAddresses(): it has no time limit, and an agent that
 * is silent would keep one of libvirtd's workers for ever. A command with
 * libvirt's own limit does not; libvirtd notes that the guest was sent one
 * ("tainted: custom-ga-command").
 */
#ifndef VIRT_WATCH_ASK_H
#define VIRT_WATCH_ASK_H

enum {
	ASK_AGENT_S = 4,	/* libvirtd waits so long for each of the agent's two answers */
	ASK_LIMIT_S = 12,	/* connecting and all */
};

#define ASK_URI "qemu:///system"

enum ask_said {
	ASK_ANSWER = 'a',	/* the first octet: what follows is the agent's */
	ASK_ERROR = 'e',	/* what follows is libvirt's word for why there is no answer */
};

/**
 * ask_run - the whole life of that process
 * @uuid: of the guest
 * @fd:   where the answer goes, at most AGENT_OCTETS + 1 octets of it
 */
_Noreturn void ask_run(const char *uuid, int fd);

#endif
