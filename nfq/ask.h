/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask - one configuration message of nfnetlink, and the kernel's word on it.
 */
#ifndef NFQ_ASK_H
#define NFQ_ASK_H

#include <libmnl/libmnl.h>

/**
 * ask_kernel - send a message and wait for its acknowledgement
 * @nl:  of NETLINK_NETFILTER, blocking. Packets that come before the answer are let go, of whatever size: the rules may
 *       be there from before. The kernel keeps what was queued until a verdict or the end of the socket.
 * @nlh: a whole message; its sequence number and NLM_F_ACK are set here
 *
 * Called by one thread of a process at a time. Returns 0, or -errno: the kernel's answer (-EPERM, -EBUSY: another has
 * this number, -EINVAL: it knows no such thing), or of the socket. Two system calls, and one for each packet.
 */
int ask_kernel(struct mnl_socket *nl, struct nlmsghdr *nlh);

#endif
