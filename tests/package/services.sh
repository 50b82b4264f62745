#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The OpenRC and runit scripts under the real OpenRC and runit, in a container of this machine's files: services.sh
# Started, killed (the main process, then its keeper), reloaded, upgraded, restarted, stopped; and a wrong configuration.

set -u
# shellcheck source-path=SCRIPTDIR source=../netns/lib.sh
. "$(dirname "$0")/../netns/lib.sh"
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "$0")/machine.sh"

WHO=openrc
show() {
	echo "--- $WHO: log, processes, answers"
	tail -n 40 "$OVER/boot.log"
	inside tail -n 40 /run/messages
	inside ps axf
	inside nfqnatctl status
}

# ---- the same words for both ----

openrc_start() { inside rc-update add nfqnatd lab && inside openrc lab; }
openrc_do() { inside rc-service nfqnatd "$1"; }
openrc_is_up() { inside rc-service nfqnatd status | grep -q 'status: started'; }
openrc_is_down() { inside rc-service nfqnatd status | grep -q 'status: stopped'; }

runit_start() { inside ln -s /etc/sv/nfqnatd /etc/lab/nfqnatd && wait_for 10 inside sv status nfqnatd && inside sv -w 20 start nfqnatd; }
runit_do() {
	case $1 in
	reload)		inside sv hup nfqnatd ;;
	upgrade)	inside sv 2 nfqnatd ;;
	*)		inside sv -w 20 "$1" nfqnatd ;;
	esac
}
runit_is_up() { inside sv status nfqnatd | grep -q '^run: '; }
runit_is_down() { inside sv status nfqnatd | grep -q '^down: '; }

keeper() { inside pgrep -o -x nfqnat-keeper; }
main_pid() { inside pgrep -P "$(keeper)"; }
# is_new WHAT PID - another one, and it answers
is_new() {
	local now

	now=$("$1") && [ "$now" != "$2" ] && inside nfqnatctl status
}
program() { inside stat -L -c %i "/proc/$(main_pid)/exe"; }
program_is_new() { [ "$(program)" != "$1" ] && inside nfqnatctl status; }

config() { machine_config >"$ROOT/etc/nfqnat/nfqnat.yaml"; }
forwards() { sees client tcp $HX4 8080 $C4 $G4 80 && sees client tcp $HX6 8080 $C6 $G6 80; }

life() {
	local before

	config
	expect "${WHO}_starts" "${WHO}_start"
	# At once: who comes after us relies on it.
	expect "${WHO}_forwards" forwards
	expect "${WHO}_status" "${WHO}_is_up"
	hold long client $HX4 7
	expect "${WHO}_flow" say long one

	before=$(main_pid)
	inside kill -KILL "$before"
	expect "${WHO}_main_is_restarted" wait_for 20 is_new main_pid "$before"
	expect "${WHO}_flow_over_killed_main" say long two

	machine_config | sed 's/8080:80/8080-8081:80-81/' >"$ROOT/etc/nfqnat/nfqnat.yaml"
	expect "${WHO}_reload" "${WHO}_do" reload
	expect "${WHO}_reload_is_done" wait_for 10 sees client tcp $HX4 8081 $C4 $G4 81
	expect "${WHO}_flow_over_reload" say long three

	cp "$ROOT/usr/local/sbin/nfqnatd" "$ROOT/usr/local/sbin/nfqnatd.new"
	before=$(program)
	mv "$ROOT/usr/local/sbin/nfqnatd.new" "$ROOT/usr/local/sbin/nfqnatd"
	expect "${WHO}_upgrade" "${WHO}_do" upgrade
	expect "${WHO}_upgrade_is_done" wait_for 20 program_is_new "$before"
	expect "${WHO}_flow_over_upgrade" say long four
	hang_up long

	before=$(keeper)
	inside kill -KILL "$before"
	expect "${WHO}_keeper_is_restarted" wait_for 30 is_new keeper "$before"
	expect "${WHO}_forwards_after_that" forwards

	before=$(keeper)
	expect "${WHO}_restart" "${WHO}_do" restart
	expect "${WHO}_restart_is_another" is_new keeper "$before"
	expect "${WHO}_forwards_after_restart" forwards

	[ "$WHO" != openrc ] || wrong_file
	expect "${WHO}_stop" "${WHO}_do" stop
	expect "${WHO}_status_stopped" "${WHO}_is_down"
	expect "${WHO}_leaves_no_rule" no_rules_of_ours
	# What the first process has not waited for yet is none: runsvdir does not, where runit(8) would.
	expect "${WHO}_leaves_no_process" eval '! inside pgrep -r D,R,S,T nfqnat'
}
# A configuration that is wrong is refused while the old one goes on.
wrong_file() {
	echo 'forwards: nonsense' >"$ROOT/etc/nfqnat/nfqnat.yaml"
	expect openrc_checkconfig_refuses eval '! openrc_do checkconfig'
	expect openrc_reload_refuses eval '! openrc_do reload'
	expect openrc_restart_refuses eval '! openrc_do restart'
	expect openrc_forwards_all_the_same forwards
}

machine_net
serve guest tcp:81:whoami
if ! machine_files; then
	result skip openrc_and_runit "no overlay here"
	exit 0
fi
if ! machine_install openrc runit busybox-static; then
	result skip openrc_and_runit "openrc and runit cannot be installed: $(tail -n 1 "$OVER/apt")"
	exit 0
fi
make -s -C "$TOP" install-service DESTDIR="$ROOT" PREFIX=/usr/local >/dev/null || exit
examples=$ROOT/usr/local/share/doc/nfqnat/examples
install -m 755 "$examples/openrc/nfqnatd" "$ROOT/etc/init.d/nfqnatd"
mkdir -p "$ROOT/etc/sv/nfqnatd" "$ROOT/etc/lab" "$ROOT/etc/runlevels/lab"
install -m 755 -t "$ROOT/etc/sv/nfqnatd" "$examples"/runit/*

# boots SCRIPT - or there is nothing to ask
boots() {
	machine_boot "$1" && return
	result 'not ok' "${WHO}_boots" "$(tail -n 1 "$OVER/boot.log")"
	return 1
}
# shellcheck disable=SC2016 # for the other shell
boots 'mkdir -p /run/openrc /run/lock && touch /run/openrc/softlevel && busybox syslogd -O /run/messages && touch /run/up
sleep infinity & wait $!' && life
kill -KILL "$INIT" "$CONTAINER"
wait "$CONTAINER" 2>/dev/null
WHO=runit
export SVDIR=/etc/lab
boots 'touch /run/up; exec runsvdir -P /etc/lab' && life
((RESULT_FAILED == 0))
