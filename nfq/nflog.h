/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog - packets that a rule logs to us: the kernel's nfnetlink_log.
 *
 * A logged packet is a copy: nobody waits for a word on it, and none is lost
 * for having no connection yet. It is handed over at once, one to a message.
 *
 * Threads  none: one socket belongs to one caller
 */
#ifndef NFQ_NFLOG_H
#define NFQ_NFLOG_H

#include <stddef.h>
#include <stdint.h>

enum { NFLOG_OCTETS = 4096 };		/* one message with its packet, of which so much at most is asked for */

struct nflog {
	struct mnl_socket *nl;		/* NULL: closed */
	int fd;				/* to wait for; not blocking */
};

/**
 * nflog_open - listen to one group
 * @l:     out; closed by nflog_close(), untouched on error
 * @group: as in the rule
 * Returns 0 or -errno: -EPERM without CAP_NET_ADMIN, -EBUSY somebody else
 * listens to it, others if the kernel has no nfnetlink_log.
 */
int nflog_open(struct nflog *l, uint16_t group);
void nflog_close(struct nflog *l);

/**
 * nflog_next - the next packet of what was received
 * @buf:    aligned to 4; @len octets that recv() gave, any octets
 * @at:     where to look, 0 first; moved behind the message that was read
 * @octets: out, of the packet
 * Returns the packet, which lies in @buf, or NULL: there is no more.
 */
uint8_t *nflog_next(uint8_t *buf, size_t len, size_t *at, uint32_t *octets);

#endif
