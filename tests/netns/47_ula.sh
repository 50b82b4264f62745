#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest with a unique local address prefers IPv4, and IPv6 with the gai.conf that the guide gives.

. "$(dirname "$0")/lib.sh"

net_up
GUIDE=$TOP/docs/ipv6-without-ip6tables-nat.md
printf '%s both.example\n%s both.example\n127.0.0.1 localhost\n' $C4 $C6 >"$DIR/hosts"
sed -n '/^```gai.conf$/,/^```$/p' "$GUIDE" | grep -v '^```' >"$DIR/gai.conf"
: >"$DIR/empty"

# prefers GAI-CONF - the family that a program in the guest tries first for a name with both
prefers() {
	# shellcheck disable=SC2016 # in the other shell
	guest unshare -m bash -c 'mount --bind "$1" /etc/hosts &&
		mount --bind "$2" /etc/gai.conf && exec python3 -c "
import socket
print({socket.AF_INET: 4, socket.AF_INET6: 6}[socket.getaddrinfo(\"both.example\", 80, type=socket.SOCK_STREAM)[0][0]])"' \
		_ "$DIR/hosts" "$1"
}

if [ ! -e /etc/gai.conf ]; then
	skip doctor_ula_guide "no /etc/gai.conf here: not glibc"
	finish
fi
check ula_guide_has_labels [ "$(grep -c '^label ' "$DIR/gai.conf")" = 9 ]
same ula_prefers_ipv4 4 "$(prefers "$DIR/empty")"
same ula_prefers_ipv6_by_the_guide 6 "$(prefers "$DIR/gai.conf")"
finish
