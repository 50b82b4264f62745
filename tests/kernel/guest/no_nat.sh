#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The case this program was made for: a kernel that cannot do NAT, for IPv6 or at all.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
cannot no_nat nf_nat ip6table_nat iptable_nat nft_chain_nat
check no_nat_ip6tables_legacy eval '! host ip6tables-legacy -w -t nat -L 2>/dev/null'
check no_nat_ip6tables_nft eval "! host ip6tables-nft -w -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to $G6 2>/dev/null"
matrix_serve
daemon_start -v < <(config_web)
matrix
check no_nat_was_not_needed eval '! lsmod_has nf_nat'
check no_nat_conntrack_is_used eval 'rules | grep -qE "ct state|ctstate"'
stops no_nat_stop
finish
