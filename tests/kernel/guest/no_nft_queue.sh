#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nft is there, its queue is not (CONFIG_NFT_QUEUE): auto takes iptables, nft is refused.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
cannot no_nft_queue nft_queue
matrix_serve
daemon_start -v < <(config_web)
check no_nft_queue_auto_takes_iptables log_has 'rules by iptables$'
check no_nft_queue_no_table no_table
check no_nft_queue_works_v4 sees client tcp $HX4 8080 $C4 $G4 80
check no_nft_queue_works_v6 sees client tcp $HX6 8080 $C6 $G6 80
stops no_nft_queue_stop

STEERING=nft
started_not no_nft_queue_nft 'steering rules: nft: .*' < <(config_web)
finish
