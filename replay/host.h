/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host - the host that a capture was made on, as far as its configuration tells.
 *
 * A capture knows neither routes nor hooks, and this machine's must not
 * matter: the same file gives the same lines everywhere. So:
 *   - there is one device "inside", behind which all guests are, one
 *     "outside", and those that the configuration names;
 *   - this host's address toward a guest is the first of the guest's /24 or
 *     /64, as libvirt makes it;
 *   - a masquerade without `to:` goes out by 192.0.2.1 and 2001:db8::1;
 *   - the hook of a packet follows from who sends it to whom: host_place().
 */
#ifndef REPLAY_HOST_H
#define REPLAY_HOST_H

#include "conf/conf.h"
#include "nat/nat.h"
#include "nfq/table.h"

/* host_open - the host of @c; it must stay until the next host_open(). One at a time. */
void host_open(const struct conf *c);

/* host_answers - for table_make_on() */
const struct table_host *host_answers(void);

/* host_device_name - for show_devices() */
char *host_device_name(unsigned ifindex, char *buf);

/**
 * host_place - which hook would have queued this packet, on which devices?
 * @p: data, len and truncated are set; hook, indev and outdev are set here
 *
 *     of a guest's own flow  from it: POST; answers to it: PRE
 *     of a known flow        from its initiator: PRE, or OUT if that is this host;
 *                            from its guest: POST, PRE for a hairpin, IN to this host;
 *                            seen after its translation: FWD on its way in, POST on its way out
 *     to a guest             FWD
 *     from a guest's network PRE if it is to a listener, else POST
 *     from a listener's own address or a loopback address, to a listener    OUT
 *     all else               PRE
 * ICMP errors: about a packet that reached the inside, POST; else PRE. A
 * source address of the inside is believed to be there: SPOOFED cannot be
 * judged from a capture.
 */
void host_place(const struct nat *n, struct nat_pkt *p);

/* host_next_hook - the hook that this packet passes next and is changed at once more (hairpins); false: none */
bool host_next_hook(const struct nat *n, struct nat_pkt *p);

#endif
