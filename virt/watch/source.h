/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source - one libvirt connection, in a process of its own.
 *
 * virConnectOpen() has no time limit: while libvirtd hangs it does not
 * return, and no thread that waits in it can be ended. So each URI has a
 * process; one that hangs keeps no other from working, and the hub kills and
 * replaces it.
 *
 * Subscribe, then list, then follow: after every (re)connection, for events
 * are never replayed. What an event says is not believed; it only tells
 * which guest (by UUID) to read again.
 */
#ifndef VIRT_WATCH_SOURCE_H
#define VIRT_WATCH_SOURCE_H

enum { SOURCE_HEARTBEAT_S = 2 };

/**
 * source_run - follow @uri until the hub closes its end
 * @fd: stream socket to the hub. Written: heartbeats, logs, and worlds of
 *      this URI alone, as in virt/protocol.h, with these differences:
 *      a connection that is down comes without networks and guests; a network
 *      has "hosts" (see xml_network_read()); a NIC has no addresses; in place
 *      of its generation a guest has "run", the id that libvirt gives anew to
 *      each start, restore and snapshot revert; 0: it is off.
 *      Read: any octet asks to list all again, end of file to end.
 *
 * Returns the exit status of the process.
 */
int source_run(const char *uri, int fd);

#endif
