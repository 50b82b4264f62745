/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease - what is in a lease file of libvirt's dnsmasq.
 *
 * /var/lib/libvirt/dnsmasq/BRIDGE.status, JSON, written anew and renamed by
 * libvirt's lease helper whenever dnsmasq gives, renews or takes back an
 * address. Host names and client ids in it are the guest's words; only the
 * address, the MAC and the time are looked at.
 */
#ifndef VIRT_WATCH_LEASE_H
#define VIRT_WATCH_LEASE_H

#include "virt/watch/claims.h"

enum { LEASE_OCTETS = 4 << 20, LEASE_MAX = 8192 };

/**
 * lease_read - add the leases in a file's octets to @c
 * @bridge: whose file it is
 * @now_s:  seconds since 1970; leases that ended before are left out
 * @next_s: in and out; made earlier if a lease ends before it
 *
 * Returns how many were added, or -1: not such a file, nothing was added.
 * A file of no octets has no leases. What lacks a MAC (a DHCPv6 client that
 * dnsmasq has no MAC of) or an address is passed over.
 */
int lease_read(const char *text, size_t len, const char *bridge, int64_t now_s, int64_t *next_s, struct claims *c);

#endif
