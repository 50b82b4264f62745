/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privilege - give up what is not needed.
 *
 * Talking to libvirt's read-only socket, reading lease files, and listening
 * to rtnetlink take no privilege at all.
 */
#ifndef VIRT_WATCH_PRIVILEGE_H
#define VIRT_WATCH_PRIVILEGE_H

/**
 * privilege_drop - become @user (if this is root), without capabilities, and never get any again
 * Returns NULL, or what did not work, which errno explains. A process that
 * may not change its user (no CAP_SETUID: a service's bounding set) stays what it
 * is but loses all capabilities: that is no error.
 */
const char *privilege_drop(const char *user);

#endif
