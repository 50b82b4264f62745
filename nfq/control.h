/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control - what main process and worker say to each other.
 *
 * Fixed-size messages over a SOCK_SEQPACKET pair: one send is one message.
 * The worker ends when its side is closed, so it never outlives the main process.
 */
#ifndef NFQ_CONTROL_H
#define NFQ_CONTROL_H

#include <stdbool.h>

#include "nat/flow.h"
#include "nfq/reject.h"

enum control_type {
	CONTROL_SWAP,		/* to the worker: make mapping area `area` the active one */
	CONTROL_READY,		/* to main: packets are being handled; `count` were taken over from a dead worker */
	CONTROL_SWAPPED,	/* to main: every flow has been looked at; `count` flows ended */
	CONTROL_RESET,		/* to main: `flow` lost its forward; send RST to both sides */
	CONTROL_FLUSH,		/* to the worker: end `flow` in slot `area`, if it is still there; slot NAT_NONE: say how many ended */
	CONTROL_FLUSHED,	/* to main: `count` flows were ended by CONTROL_FLUSH */
	CONTROL_WANT,		/* to main: rewrites are wanted of the kernel (nat/mark.h) */
	CONTROL_REJECT,		/* to main: tell the sender of the packet that begins with the `count` octets of `head`; `area`: enum reject_how */
};

enum { CONTROL_ROOM = 2048 };

struct control_msg {
	uint32_t type;		/* enum control_type */
	uint32_t area;
	uint32_t count;
	uint32_t mtu;		/* of CONTROL_REJECT, octets */
	union {
		struct nat_flow flow;
		uint8_t head[REJECT_QUOTE];
	};
};

/* control_pair - two connected non-blocking ends; 0 or -errno */
int control_pair(int fd[2]);

/* control_send - 0, or -errno: -EAGAIN the other side does not read, -EPIPE it is gone */
int control_send(int fd, const struct control_msg *m);

/* control_send_wait - the same, but waits for room: for what must not get lost behind a crowd of CONTROL_RESET */
int control_send_wait(int fd, const struct control_msg *m);

/* control_room - is there room for CONTROL_ROOM messages? Waits up to @wait_ms; true too if the other side is gone */
bool control_room(int fd, int wait_ms);

/* control_recv - 1: a message; 0: none now; -1: the other side is gone */
int control_recv(int fd, struct control_msg *m);

#endif
