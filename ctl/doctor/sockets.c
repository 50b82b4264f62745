/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sockets - checks of this host's own sockets (sock_diag(7)), and of libvirtd's */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/ip.h"
#include "ctl/doctor/doctor.h"
#include "nat/wire.h"

enum { TCP_LISTEN_BIT = 1 << 10, UDP_UNCONNECTED_BIT = 1 << 7, ANSWER_OCTETS = 32768 };

struct scan {
	struct doctor *d;
	uint8_t proto;
};

/* Would packets to this socket go to a guest now? */
static const struct conf_row *row_over(const struct doctor *d, uint8_t proto, uint8_t family, const struct nat_addr *a,
				       uint16_t port)
{
	const struct conf_row *row;

	for (unsigned i = 0; (row = doctor_row(d, i)); i++)
		if (!row->rest && row->family == family && row->proto == proto && row->lo <= port && port <= row->hi &&
		    (nat_addr_is_any(a) || nat_addr_is_any(&row->listen) || nat_addr_eq(a, &row->listen)))
			return row;
	return NULL;
}

static int take_socket(const struct nlmsghdr *nlh, void *arg)
{
	static const char why[] =
		"Packets to a forwarded port go to the guest, so this program is not reached at that port any more, "
		"neither from outside nor, unless a device is named, from this host.";
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct scan *s = arg;
	struct nat_addr addr = { { 0 } }, any = { { 0 } };
	const struct conf_row *row;
	char owner[64], ip[CONF_IP_TEXT];
	uint8_t family;
	uint16_t port;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return MNL_CB_OK;
	family = m->idiag_family == AF_INET ? NAT_IPV4 : NAT_IPV6;
	port = wire_host(m->id.idiag_sport);
	memcpy(addr.octet, m->id.idiag_src, 16);
	if (family == NAT_IPV4)
		addr = m->id.idiag_src[0] ? nat_addr_v4((const uint8_t *)m->id.idiag_src) : any;
	row = row_over(s->d, s->proto, family, &addr, port);
	if (!row && family == NAT_IPV6 && nat_addr_is_any(&addr))
		row = row_over(s->d, s->proto, NAT_IPV4, &any, port);	/* [::] serves IPv4 too */
	if (!row)
		return MNL_CB_OK;
	net_owner(m->idiag_inode, owner, sizeof(owner));
	doctor_say(s->d, DOCTOR_WARNING, why, "%s listens on %s:%u/%s, which is forwarded to %s", owner,
		   nat_addr_is_any(&addr) ? "*" : conf_ip_print(ip, &addr, (enum nat_family)family, true), port,
		   s->proto == IPPROTO_TCP ? "tcp" : "udp", s->d->conf->forwards[row->forward].name);
	doctor_mend(s->d, "take another port in %s:%u, or let the program listen elsewhere",
		    s->d->conf->forwards[row->forward].file, row->line);
	return MNL_CB_OK;
}

static void scan(struct doctor *d, uint8_t family, uint8_t proto)
{
	char buf[ANSWER_OCTETS] __attribute__((aligned(8)));
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	struct scan s = { .d = d, .proto = proto };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;
	int ret = MNL_CB_OK;

	if (!nl)
		return;
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = proto;
	req->idiag_states = proto == IPPROTO_TCP ? TCP_LISTEN_BIT : UDP_UNCONNECTED_BIT;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		ret = MNL_CB_ERROR;
	while (ret > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		ret = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), take_socket, &s);
	}
	if (ret < 0)
		doctor_say(d, DOCTOR_NOTE, NULL, "this kernel does not list its %s sockets: %s",
			   proto == IPPROTO_TCP ? "TCP" : "UDP", strerror(errno));
	mnl_socket_close(nl);
}

void doctor_listeners(struct doctor *d)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 }, protos[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (unsigned f = 0; f < 2; f++)
		for (unsigned p = 0; p < 2; p++)
			scan(d, families[f], protos[p]);
}

enum { LIBVIRT_WAIT_MS = 3000 };

/*
 * Ask something that every libvirtd answers at once, before authentication:
 * which authentication it wants (REMOTE_PROC_AUTH_LIST, number 66 of program
 * 0x20008086, version 1; length, program, version, procedure, type, serial, status).
 * 0, or -errno; -ETIMEDOUT: it took the connection and said nothing.
 */
static int libvirt_ask(const char *path)
{
	static const uint8_t call[28] = { [3] = 28, 0x20, 0x00, 0x80, 0x86, [11] = 1, [15] = 66, [23] = 1 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = LIBVIRT_WAIT_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char octet;

	if (fd < 0)
		return -errno;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 || send(fd, call, sizeof(call), MSG_NOSIGNAL) < 0)
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	else if (poll(&p, 1, LIBVIRT_WAIT_MS) < 1)
		err = -ETIMEDOUT;
	else if (recv(fd, &octet, 1, 0) < 1)
		err = -EPROTO;
	close(fd);
	return err;
}

void doctor_libvirt(struct doctor *d)
{
	static const char why[] =
		"nfqnatd learns from libvirt where guests are. While libvirtd does not answer, forwards lead to "
		"where the guests were last; the rest goes on.";
	static const char *const paths[] = { "/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro" };
	enum doctor_level bad = d->conf->libvirt.on ? DOCTOR_PROBLEM : DOCTOR_NOTE;
	int err = -ENOENT;
	const char *path = paths[0];

	for (unsigned i = 0; i < 2 && err == -ENOENT; i++) {
		path = paths[i];
		err = libvirt_ask(path);
	}
	if (!err) {
		doctor_say(d, DOCTOR_OK, NULL, "libvirtd answers at %s", path);
	} else if (err == -ENOENT) {
		if (!d->conf->libvirt.on)
			return;
		doctor_say(d, bad, why, "libvirtd does not run: there is no %s", paths[0]);
		doctor_mend(d, "systemctl enable --now libvirtd");
	} else if (err == -ETIMEDOUT) {
		doctor_say(d, bad, why, "libvirtd hangs: it took a connection at %s and says nothing", path);
		doctor_mend(d, "systemctl restart libvirtd    (guests go on)");
	} else {
		doctor_say(d, bad, why, "libvirtd does not answer at %s: %s", path, strerror(-err));
		doctor_mend(d, "systemctl restart libvirtd; journalctl -u libvirtd");
	}
}
