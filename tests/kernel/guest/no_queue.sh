#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No NFQUEUE at all: status 1 and one line that says what is missing.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
cannot no_queue nfnetlink_queue
serve host tcp:8080:whoami
started_not no_queue 'queue 0: this kernel has no NFQUEUE .*nfnetlink_queue' < <(config_web)
same no_queue_one_error 1 "$(grep -c 'error' "$LOG")"
check no_queue_host_keeps_its_port sees client tcp $HX4 8080 $C4 $HX4 8080
finish
