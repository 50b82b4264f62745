/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status - where a driver of libvirt's keeps what it knows of running guests.
 *
 * Some changes have no event of libvirt's, nor of the kernel's: domif-setlink
 * tells QEMU alone. But whatever changes in a running guest, the driver
 * writes the guest's status file anew and renames it, NAME.xml in
 * /run/libvirt/qemu or /run/libvirt/lxc. Anybody may see that; what is in the
 * files is for root, and nobody here wants to read them.
 *
 * Threads  none
 */
#ifndef VIRT_WATCH_STATUS_H
#define VIRT_WATCH_STATUS_H

/**
 * status_open - watch the directory of the driver that @uri speaks of
 * Returns a descriptor for inotify, readable when there is news, or -1: not a
 * driver of this host's, or it has no such directory (yet).
 */
int status_open(const char *uri);

/* status_read - call @each with the name of each guest whose file was written; NULL: of any, for some news was lost */
void status_read(int fd, void (*each)(void *arg, const char *name), void *arg);

#endif
