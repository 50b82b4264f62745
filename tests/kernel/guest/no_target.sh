#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Queues are there, but no rule can fill them, by nft or iptables: an end with one line that names both.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
cannot no_target nft_queue xt_NFQUEUE
serve host tcp:8080:whoami
started_not no_target_auto 'steering rules: .*iptables.*nft: ' < <(config_web)
check no_target_host_keeps_its_port sees client tcp $HX4 8080 $C4 $HX4 8080
STEERING=iptables-legacy
started_not no_target_legacy 'steering rules: ip6?tables-legacy-restore: ' < <(config_web)
finish
