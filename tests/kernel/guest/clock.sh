#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The wall clock jumps by years, forward and back: no flow ends, and timers go on (R35). Here it is nobody else's clock.

. "$(dirname "$0")/../../netns/lib.sh"

net_up
serve guest tcp:7:echo tcp:80:whoami
daemon_start -v < <(config_head; echo "  - { name: web, to: [$G4, \"$G6\"], publish: [\"7\", \"8080:80\"] }")
hold long client $HX4 7
check R35_flow say long one
for year in 2037 1990 2030; do
	date -s "$year-01-02 03:04:05" >/dev/null || skip "R35_clock_$year" "the clock cannot be set"
	check "R35_flow_in_$year" say long "in $year"
	check "R35_new_flow_in_$year" sees client tcp $HX6 8080 $C6 $G6 80
done
hang_up long
check R35_no_flow_ended_by_time eval "! log_has 'end .idle.'"
finish
