#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package under a real systemd (in a container on this machine's own files, read-only below an overlay):
# unit.sh PACKAGE... - installed, started, killed, restarted, upgraded; clients notice nothing.

set -u
packages=()
for p; do
	packages+=("$(realpath "$p")")
done
# shellcheck source-path=SCRIPTDIR source=../netns/lib.sh
. "$(dirname "$0")/../netns/lib.sh"

# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "$0")/machine.sh"

packages_install() { chroot "$ROOT" dpkg --force-depends -i "${packages[@]}" >"$OVER/dpkg" 2>&1; }
# Not is-system-running: jobs of others may be queued for minutes.
up() { inside systemctl is-active -q basic.target; }

container_start() {
	# Nothing of this machine's services or timers: basic.target, and what is started by hand.
	spawn_here systemd-nspawn -q --register=no --keep-unit -D "$ROOT" --boot --network-namespace-path="/run/netns/$P-host" \
		--capability=CAP_NET_ADMIN,CAP_NET_RAW \
		--system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" --console=read-only \
		systemd.unit=basic.target systemd.mask=timers.target >"$OVER/boot" 2>&1 </dev/null
	CONTAINER=$SPAWNED
	wait_for 60 init_pid && wait_for 180 up
}
show() {
	echo "--- journal of nfqnatd"
	inside journalctl -u nfqnatd --no-pager -n 40
	inside systemctl status nfqnatd --no-pager
}
main_pid() { inside systemctl show -p MainPID --value nfqnatd; }
main_is_new() {
	local now

	now=$(main_pid) && [ "$now" != 0 ] && [ "$now" != "$1" ] && inside systemctl is-active -q nfqnatd
}
journal_has() { inside journalctl -u nfqnatd --no-pager | grep -qE -- "$1"; }

net_up
crowd_serve
serve guest tcp:80:whoami
serve host tcp:8080:whoami
if ! machine_files; then
	result skip package_under_systemd "no overlay here"
	exit 0
fi
if ! packages_install; then
	result 'not ok' package_installs
	tail -n 40 "$OVER/dpkg" | result_note
	exit 1
fi
machine_config >"$ROOT/etc/nfqnat/nfqnat.yaml"
# As shipped it waits half a minute for a main process that hangs.
mkdir -p "$ROOT/etc/systemd/system/nfqnatd.service.d"
printf '[Service]\nWatchdogSec=4\n' >"$ROOT/etc/systemd/system/nfqnatd.service.d/test.conf"
if ! container_start; then
	result skip package_under_systemd "systemd does not boot in a container here: $(tail -n 1 "$OVER/boot")"
	exit 0
fi

expect unit_starts inside systemctl start nfqnatd
expect unit_forwards sees client tcp $HX4 8080 $C4 $G4 80
expect unit_forwards_v6 sees client tcp $HX6 8080 $C6 $G6 80
expect unit_runs_as_its_user test "$(inside ps -o user= -p "$(main_pid)")" = nfqnat
expect unit_main_has_two_capabilities inside grep -q '^CapEff:.*0000000000003000$' "/proc/$(main_pid)/status"
worker=$(inside pgrep -P "$(main_pid)" -f . | head -n 1)
expect unit_worker_has_one inside grep -q '^CapEff:.*0000000000001000$' "/proc/$worker/status"
expect unit_control_socket inside nfqnatctl status

hold long client $HX4 7
expect unit_flow say long one
before=$(main_pid)
inside kill -KILL "$before"
expect unit_is_restarted wait_for 20 main_is_new "$before"
expect unit_takes_over journal_has 'flow table: taken over'
expect unit_flow_over_killed_main say long two

expect unit_reloads inside systemctl reload nfqnatd
expect unit_reload_is_done wait_for 10 journal_has reloaded
before=$(main_pid)
inside systemctl kill --signal=USR2 --kill-who=main nfqnatd
expect unit_upgrade_is_done wait_for 10 journal_has 'upgrading'
expect unit_flow_over_upgrade say long three
expect unit_upgrade_keeps_pid test "$(main_pid)" = "$before"
# A restart, while somebody asks every 20 ms: nothing is lost, and it is said in the journal what was left.
before=$(main_pid)
spawn client crowd ask -t 50 -u 20 -i 200 $HX4 7 >"$OVER/crowd"
CROWD=$SPAWNED
wait_for 30 grep -q talking "$OVER/crowd"
expect unit_restarts inside systemctl restart nfqnatd
expect unit_restart_is_another_process main_is_new "$before"
expect unit_restart_leaves_all journal_has 'leaving: rules, flows and queues stay'
expect unit_flow_over_restart say long restarted
kill -TERM "$CROWD"
wait "$CROWD"
expect unit_nothing_lost_over_restart grep -q '^tcp 50 of 50, wrong 0, udp 20 of 20, lost 0 of' "$OVER/crowd"
tail -n 1 "$OVER/crowd" | result_note
expect unit_restarts_again inside systemctl restart nfqnatd
expect unit_flow_over_second_restart say long again
before=$(main_pid)
inside kill -STOP "$before"
expect unit_watchdog_replaces_a_main_that_hangs wait_for 60 main_is_new "$before"
expect unit_flow_over_hung_main say long four
hang_up long
expect unit_stops inside systemctl stop nfqnatd
expect unit_leaves_no_rule no_rules_of_ours
expect unit_package_goes inside dpkg --purge nfqnat-libvirt nfqnat
expect unit_package_leaves_nothing test ! -e "$ROOT/usr/sbin/nfqnatd" -a ! -e "$ROOT/etc/nfqnat/nfqnat.yaml"
((RESULT_FAILED == 0))
