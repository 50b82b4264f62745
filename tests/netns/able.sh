# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What this machine can do for us. Sourced.

# can_iptables legacy|nft - does this flavour work here, for NFQUEUE in raw?
can_iptables() {
	command -v "iptables-$1" >/dev/null && command -v "ip6tables-$1" >/dev/null &&
		unshare -n "iptables-$1" -w -t raw -A OUTPUT -p udp --dport 9 -j NFQUEUE --queue-num 0 2>/dev/null
}

can_nft_queue() {
	unshare -n nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }
		add rule inet t c queue num 0' 2>/dev/null
}

# why_not - what is missing to run nfqnat in namespaces, in one line; nothing if nothing is
why_not() {
	local cmd

	if [ "$(id -u)" != 0 ]; then
		echo "needs root, for network namespaces"
		return
	fi
	for cmd in ip tcpdump curl ping sysctl nsenter; do
		command -v $cmd >/dev/null || {
			echo "needs $cmd"
			return
		}
	done
	if ! unshare -n true 2>/dev/null; then
		echo "cannot make network namespaces here"
	elif ! can_iptables nft && ! can_iptables legacy && ! can_nft_queue; then
		echo "this kernel has no NFQUEUE (neither xt_NFQUEUE for iptables nor nft_queue for nft)"
	fi
}
