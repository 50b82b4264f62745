/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * broker - starts a process for each question to an agent, and ends it.
 *
 * The hub is nobody and could not open libvirt's read-write socket. So before
 * it becomes nobody it leaves this process behind, which takes one kind of
 * order, "ask this guest", and starts ask_run() for it. It never talks to
 * libvirt or a guest itself, and reads nothing that either says: the answer
 * goes from that process to the hub by a socket that came with the order.
 *
 * An order is one datagram: the guest's UUID as 36 octets of text, and the
 * descriptor. An order that is anything else, or one too many, is closed.
 */
#ifndef VIRT_WATCH_BROKER_H
#define VIRT_WATCH_BROKER_H

enum {
	BROKER_AT_ONCE = 8,
	BROKER_KILL_S = 14,	/* after ASK_LIMIT_S: one that did not end by itself */
};

/* broker_start - a descriptor for broker_ask(), or -1 and errno. The broker ends when it is closed. */
int broker_start(void);

/**
 * broker_ask - order a question
 * @broker: from broker_start(), non-blocking or not
 * @uuid:   36 octets
 * Returns a descriptor from which ask.h's answer can be read until end of
 * file, non-blocking; or -1 and errno: EAGAIN; EPIPE, ECONNRESET: the broker is gone.
 */
int broker_ask(int broker, const char *uuid);

#endif
