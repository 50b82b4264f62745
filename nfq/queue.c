/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queue - see queue.h */
#include "nfq/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "nfq/ask.h"
#include "nfq/msg.h"

enum { CONFIG_OCTETS = 8192 };		/* one netlink message of configuration */

int queue_stats(uint16_t num, struct queue_stats *s)
{
	FILE *f = fopen("/proc/net/netfilter/nfnetlink_queue", "re");
	char line[256];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		unsigned n;

		/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote them, they fit */
		if (sscanf(line, "%u %" SCNu32 " %" SCNu32 " %*u %*u %" SCNu32 " %" SCNu32 " %" SCNu32, &n, &s->portid,
			   &s->waiting, &s->dropped, &s->user_dropped, &s->last_id) == 6 && n == num) {
			err = 0;
			break;
		}
	}
	fclose(f);
	return err;
}

static int queue_bind(struct mnl_socket *nl, uint16_t num)
{
	char buf[CONFIG_OCTETS] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, num);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	return ask_kernel(nl, nlh);
}

static int queue_setup(struct mnl_socket *nl, uint16_t num, bool gso, uint32_t octets)
{
	char buf[CONFIG_OCTETS] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, num);

	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, (int)octets);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, QUEUE_MAXLEN);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(gso ? NFQA_CFG_F_GSO : 0));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	return ask_kernel(nl, nlh);
}

static int socket_setup(int fd)
{
	const int rcv = QUEUE_RCVBUF_OCTETS, snd = QUEUE_SNDBUF_OCTETS, on = 1;

	/* Without NO_ENOBUFS one overrun stops the socket until it is drained: netlink_attachskb(). */
	if (setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcv, sizeof(rcv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &snd, sizeof(snd)) < 0)
		return -errno;
	return 0;
}

/* The kernel answers EPERM both without the capability and for somebody else's queue. Tell them apart. */
static int explain(int err, uint16_t num, char *why, size_t octets)
{
	struct queue_stats s;

	if (!queue_stats(num, &s) && (err == -EPERM || err == -EBUSY)) {
		snprintf(why, octets, "queue %u is taken by netlink port %" PRIu32
			 " (usually a process id); stop that program or set another `queue:`", num, s.portid);
		return -EBUSY;
	}
	switch (-err) {
	case EPERM:
		snprintf(why, octets, "queue %u: not permitted; run as root or with CAP_NET_ADMIN", num);
		break;
	case EPROTONOSUPPORT:
	case ENOENT:
	case EOPNOTSUPP:
	case EINVAL:
		snprintf(why, octets, "queue %u: this kernel has no NFQUEUE (%s); load nfnetlink_queue or use a kernel with "
			 "CONFIG_NETFILTER_NETLINK_QUEUE", num, strerror(-err));
		break;
	default:
		snprintf(why, octets, "queue %u: %s", num, strerror(-err));
	}
	return err;
}

static int open_as(struct queue *q, uint16_t num, bool gso, uint32_t octets, char *why, size_t why_octets)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return explain(-errno, num, why, why_octets);
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		goto close;
	}
	/* The socket first: packets may come as soon as the queue is bound, and explain() looks for somebody else's queue. */
	err = socket_setup(mnl_socket_get_fd(nl));
	if (!err)
		err = queue_bind(nl, num);
	if (!err)
		err = queue_setup(nl, num, gso, octets);
	if (err)
		goto close;
	*q = (struct queue){ .nl = nl, .fd = mnl_socket_get_fd(nl), .num = num };
	return 0;
close:
	err = explain(err, num, why, why_octets);
	mnl_socket_close(nl);
	return err;
}

int queue_open(struct queue *q, uint16_t num, bool gso, char *why, size_t why_octets)
{
	return open_as(q, num, gso, MSG_PAYLOAD_MAX, why, why_octets);
}

int queue_open_headers(struct queue *q, uint16_t num, uint16_t whole, char *why, size_t why_octets)
{
	int err = open_as(q, num, true, QUEUE_HEADERS_OCTETS, why, why_octets);

	if (!err) {
		q->headers = true;
		q->whole = whole;
	}
	return err;
}

/* Not set up again: the kernel's word on that would stand behind all packets that wait. */
int queue_adopt(struct queue *q, int fd, uint16_t num)
{
	struct sockaddr_nl sa = { 0 };
	socklen_t len = sizeof(sa);
	struct mnl_socket *nl;
	struct queue_stats s;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 || sa.nl_family != AF_NETLINK || queue_stats(num, &s) < 0 ||
	    s.portid != sa.nl_pid)
		return -ENOENT;
	nl = mnl_socket_fdopen(fd);
	if (!nl)
		return -ENOENT;
	*q = (struct queue){ .nl = nl, .fd = fd, .num = num };
	return 0;
}

void queue_close(struct queue *q)
{
	mnl_socket_close(q->nl);
	q->nl = NULL;
	q->fd = -1;
}

/* The id of the first packet in the socket, which stays there; what stands before it is forgotten. 0: none. */
static uint32_t first_unread(const struct queue *q)
{
	static uint8_t in[MSG_SLOT_OCTETS] __attribute__((aligned(64)));
	struct nat_pkt p;
	uint16_t num;
	uint32_t id;
	ssize_t len;
	int err;

	for (;;) {
		len = recv(q->fd, in, sizeof(in), MSG_DONTWAIT | MSG_PEEK);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return 0;
		if (msg_parse(in, (size_t)len, &p, &id, &num, &err) == MSG_PACKET)
			return id;
		/* The kernel's answer to a verdict, or a packet of before queue_setup(): it waits without an owner. */
		recv(q->fd, in, sizeof(in), MSG_DONTWAIT);
	}
}

int queue_reclaim(struct queue *q, bool drop)
{
	uint8_t out[MSG_VERDICT_OCTETS] __attribute__((aligned(4)));
	struct queue_stats s = { 0 };
	uint32_t id;
	int err = queue_stats(q->num, &s);

	if (err || !s.waiting)
		return err;
	/*
	 * What is still in the socket is not lost: its first id tells where the
	 * dead worker stopped. An empty socket, asked after the statistics,
	 * means that it had taken all up to the last id they name.
	 */
	id = first_unread(q);
	if (id)
		s.last_id = id - 1;
	msg_verdict_batch(out, q->num, s.last_id, drop ? NF_DROP : NF_REPEAT);
	if (send(q->fd, out, sizeof(out), 0) < 0)
		return -errno;
	return (int)s.waiting;
}
