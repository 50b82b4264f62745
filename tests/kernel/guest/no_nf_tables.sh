#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel without nf_tables: the legacy iptables do it.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
cannot no_nf_tables nf_tables nft_compat
matrix_serve
daemon_start -v < <(config_web)
check no_nf_tables_backend log_has 'rules by iptables-legacy$'
check no_nf_tables_says_nothing eval '! log_has "error|warning|could not"'
matrix_external
stops no_nf_tables_stop
check no_nf_tables_gone no_rules_of_ours

STEERING=nft
started_not no_nf_tables_nft 'steering rules: nft: ' < <(config_web)
finish
