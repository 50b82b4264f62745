/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel - see kernel.h */
#include "virt/watch/kernel.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { OCTETS = 32768 };	/* of one read; the kernel's dumps come in pieces of at most that */

/* room for one more of @size in *@rows; false: no memory */
static bool grow(void **rows, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *p;

	if (n < *room)
		return true;
	p = realloc(*rows, more * size);
	if (!p)
		return false;
	*rows = p;
	*room = more;
	return true;
}

static void forget_index(struct kernel *k, uint32_t index)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_neighbours; i++)
		if (k->neighbours[i].index != index)
			k->neighbours[n++] = k->neighbours[i];
	k->n_neighbours = n;
	n = 0;
	for (size_t i = 0; i < k->n_own; i++)
		if (k->own[i].index != index)
			k->own[n++] = k->own[i];
	k->n_own = n;
}

static bool take_link(struct kernel *k, const struct rtnl *r)
{
	struct kernel_link new = { .index = r->index, .master = r->master, .up = r->up };
	size_t i = 0;

	memcpy(new.name, r->name, sizeof(new.name));
	while (i < k->n_links && k->links[i].index != r->index)
		i++;
	if (r->what == RTNL_LINK_GONE) {
		if (i == k->n_links)
			return false;
		k->links[i] = k->links[--k->n_links];
		forget_index(k, r->index);
		return true;
	}
	if (i < k->n_links && k->links[i].master == r->master && k->links[i].up == r->up && !strcmp(k->links[i].name, r->name))
		return false;
	if (i == k->n_links) {
		if (!grow((void **)&k->links, k->n_links, &k->room_links, sizeof(*k->links)))
			return false;
		k->n_links++;
	}
	k->links[i] = new;
	return true;
}

static bool take_own(struct kernel *k, const struct rtnl *r)
{
	size_t i = 0;

	while (i < k->n_own && (k->own[i].index != r->index || !nat_addr_eq(&k->own[i].addr, &r->addr)))
		i++;
	if (r->what == RTNL_ADDRESS_GONE) {
		if (i == k->n_own)
			return false;
		k->own[i] = k->own[--k->n_own];
		return true;
	}
	if (i < k->n_own || !grow((void **)&k->own, k->n_own, &k->room_own, sizeof(*k->own)))
		return false;
	k->own[k->n_own++] = (struct kernel_own){ .index = r->index, .addr = r->addr };
	return true;
}

static struct kernel_neighbour *neighbour_find(struct kernel *k, const struct rtnl *r)
{
	for (size_t i = 0; i < k->n_neighbours; i++)
		if (k->neighbours[i].index == r->index && nat_addr_eq(&k->neighbours[i].addr, &r->addr))
			return &k->neighbours[i];
	return NULL;
}

static bool full_for(const struct kernel *k, const uint8_t mac[6])
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_neighbours; i++)
		n += !memcmp(k->neighbours[i].mac, mac, 6);
	return n >= KERNEL_PER_MAC || k->n_neighbours >= KERNEL_NEIGHBOURS;
}

static bool neighbour_new(struct kernel *k, const struct rtnl *r)
{
	struct kernel_neighbour *n;

	/* fe80::/10 is no address to forward to, and every guest has one. */
	if (nat_addr_is_linklocal(&r->addr, r->family) || nat_addr_is_multicast(&r->addr, r->family) ||
	    full_for(k, r->mac) ||
	    !grow((void **)&k->neighbours, k->n_neighbours, &k->room_neighbours, sizeof(*k->neighbours)))
		return false;
	n = &k->neighbours[k->n_neighbours++];
	*n = (struct kernel_neighbour){ .index = r->index, .family = (uint8_t)r->family, .addr = r->addr, .marked = true };
	memcpy(n->mac, r->mac, 6);
	n->seen = ++k->counter;
	return true;
}

static bool take_neighbour(struct kernel *k, const struct rtnl *r)
{
	struct kernel_neighbour *n = neighbour_find(k, r);
	bool changed;

	if (!n)
		return r->what == RTNL_NEIGHBOUR && neighbour_new(k, r);
	if (r->what != RTNL_NEIGHBOUR) {
		changed = !n->failed && r->what == RTNL_NEIGHBOUR_FAILED;
		n->failed |= r->what == RTNL_NEIGHBOUR_FAILED;
		n->gone |= r->what == RTNL_NEIGHBOUR_GONE;
		n->marked = true;
		return changed;
	}
	changed = n->failed || memcmp(n->mac, r->mac, 6) != 0;
	if (memcmp(n->mac, r->mac, 6) != 0)
		n->seen = ++k->counter;
	memcpy(n->mac, r->mac, 6);
	n->failed = n->gone = false;
	n->marked = true;
	return changed;
}

static bool take(struct kernel *k, const struct nlmsghdr *nlh)
{
	struct rtnl r = rtnl_read(nlh);

	switch (r.what) {
	case RTNL_OTHER:
		return false;
	case RTNL_LINK:
	case RTNL_LINK_GONE:
		return take_link(k, &r);
	case RTNL_NEIGHBOUR:
	case RTNL_NEIGHBOUR_FAILED:
	case RTNL_NEIGHBOUR_GONE:
		return take_neighbour(k, &r);
	case RTNL_ADDRESS:
	case RTNL_ADDRESS_GONE:
		return take_own(k, &r);
	}
	return false;
}

struct taking {
	struct kernel *k;
	bool changed;
};

static int take_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct taking *t = arg;

	t->changed |= take(t->k, nlh);
	return MNL_CB_OK;
}

/* One question for all of a kind, answered on a socket of its own so that news cannot come in between. */
static int dump(struct taking *t, uint16_t type, size_t header_octets)
{
	char buf[OCTETS] __attribute__((aligned(4)));
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int status = MNL_CB_OK;
	ssize_t n;

	if (!nl)
		return -errno;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(nlh, header_octets);		/* all zero: of every family */
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		status = MNL_CB_ERROR;
	while (status == MNL_CB_OK) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		status = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buf, (size_t)n, 0, 0, take_cb, t);
	}
	n = status == MNL_CB_ERROR ? -errno : 0;
	mnl_socket_close(nl);
	return (int)n;
}

static int dump_all(struct taking *t)
{
	int err = dump(t, RTM_GETLINK, sizeof(struct ifinfomsg));

	if (!err)
		err = dump(t, RTM_GETADDR, sizeof(struct ifaddrmsg));
	if (!err)
		err = dump(t, RTM_GETNEIGH, sizeof(struct ndmsg));
	return err;
}

/* Links and own addresses are read into new tables, which replace the old ones only when they are whole. */
static int refresh(struct kernel *k)
{
	struct kernel new = *k;
	struct taking t = { .k = &new };
	int err;

	new.links = NULL;
	new.own = NULL;
	new.n_links = new.room_links = new.n_own = new.room_own = 0;
	for (size_t i = 0; i < new.n_neighbours; i++)
		new.neighbours[i].marked = false;
	err = dump_all(&t);
	if (err) {
		free(new.links);
		free(new.own);
		new.links = k->links;
		new.own = k->own;
		new.n_links = k->n_links;
		new.room_links = k->room_links;
		new.n_own = k->n_own;
		new.room_own = k->room_own;
	} else {
		free(k->links);
		free(k->own);
		for (size_t i = 0; i < new.n_neighbours; i++)
			new.neighbours[i].gone |= !new.neighbours[i].marked;
	}
	*k = new;
	return err;
}

int kernel_refresh(struct kernel *k)
{
	int err = -EINTR;

	/* The kernel says EINTR when a table changed while it was being told. */
	for (unsigned tries = 0; err == -EINTR && tries < 8; tries++)
		err = refresh(k);
	return err;
}

int kernel_open(struct kernel *k)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
	struct kernel new = { .nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC) };
	int err = 0;

	if (!new.nl)
		return -errno;
	new.fd = mnl_socket_get_fd(new.nl);
	if (mnl_socket_bind(new.nl, groups, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (!err)
		err = kernel_refresh(&new);
	if (err)
		kernel_close(&new);
	else
		*k = new;
	return err;
}

void kernel_close(struct kernel *k)
{
	mnl_socket_close(k->nl);
	free(k->links);
	free(k->neighbours);
	free(k->own);
	*k = (struct kernel){ .fd = -1 };
}

bool kernel_read(struct kernel *k)
{
	char buf[OCTETS] __attribute__((aligned(4)));
	struct taking t = { .k = k };
	bool overrun = false;
	ssize_t n;

	for (;;) {
		n = recv(k->fd, buf, sizeof(buf), 0);
		if (n > 0) {
			mnl_cb_run(buf, (size_t)n, 0, 0, take_cb, &t);
		} else if (n < 0 && errno == ENOBUFS) {
			overrun = true;
		} else if (!(n < 0 && errno == EINTR)) {
			break;
		}
	}
	/* If that fails the next overrun or the caller's regular refresh makes good for it. */
	if (overrun)
		kernel_refresh(k);
	return overrun || t.changed;
}

const struct kernel_link *kernel_link(const struct kernel *k, const char *name)
{
	for (size_t i = 0; i < k->n_links; i++)
		if (!strcmp(k->links[i].name, name))
			return &k->links[i];
	return NULL;
}

const char *kernel_link_name(const struct kernel *k, uint32_t index)
{
	for (size_t i = 0; i < k->n_links; i++)
		if (k->links[i].index == index)
			return k->links[i].name;
	return NULL;
}

void kernel_forget(struct kernel *k, const uint8_t mac[6])
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_neighbours; i++) {
		const struct kernel_neighbour *e = &k->neighbours[i];

		if ((!e->failed && !e->gone) || memcmp(e->mac, mac, 6) != 0)
			k->neighbours[n++] = *e;
	}
	k->n_neighbours = n;
}
