#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The control socket follows the configuration: another path, another group, and back, while clients stay.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80:whoami udp:80:whoami
chmod 755 "$DIR"
# As users run it: where the socket is, the file says.
cat >"$DIR/nfqnatd" <<-END
	#!/bin/bash
	exec "$BUILD/nfqnatd" "\${@:1:2}" "\${@:5}"
END
chmod +x "$DIR/nfqnatd"
NFQNATD=$DIR/nfqnatd
# config_control SOCKET GROUP
config_control() {
	echo "control: { socket: $1, group: $2 }"
	config_web
}
# at SOCKET ARG... - ask there
at() { host "$BUILD/nfqnatctl" --socket "$@"; }
reload() { at "$1" reload >"$DIR/said" 2>&1 && grep -q '^reloaded' "$DIR/said"; }
owner() { stat -c '%a %G' "$1"; }
as_daemon_group() { host setpriv --reuid 65534 --regid "$(getent group daemon | cut -d: -f3)" --clear-groups "$BUILD/nfqnatctl" --socket "$1" "${@:2}"; }
not_there() { ! [ -e "$1" ]; }

daemon_start -v < <(config_control "$DIR/a.sock" root)
same move_first '600 root' "$(owner "$DIR/a.sock")"
spawn host "$BUILD/nfqnatctl" --socket "$DIR/a.sock" events >"$DIR/events" 2>"$DIR/events.err"
EVENTS=$SPAWNED
watched() { at "$1" status | grep -q '^1 watch'; }
check move_watched wait_for 5 watched "$DIR/a.sock"

config_control "$DIR/sub/b.sock" daemon >"$DIR/nfqnat.yaml"
check move_reload reload "$DIR/a.sock"
check move_answers_there wait_for 5 at "$DIR/sub/b.sock" status
same move_group '660 daemon' "$(owner "$DIR/sub/b.sock")"
check move_old_is_gone not_there "$DIR/a.sock"
check move_member_may as_daemon_group "$DIR/sub/b.sock" status
check move_client_stays eval 'alive $EVENTS'
check move_forwards sees client tcp $HX4 8080 $C4 $G4 80
check move_client_hears wait_for 5 file_has "$DIR/events" 'flow [0-9]+ new tcp'

# ---- the group goes: who is only of it is hung up on ----
spawn host setpriv --reuid 65534 --regid "$(getent group daemon | cut -d: -f3)" --clear-groups "$BUILD/nfqnatctl" --socket "$DIR/sub/b.sock" events >"$DIR/member" 2>&1
MEMBER=$SPAWNED
two() { at "$DIR/sub/b.sock" status | grep -q '^2 watch'; }
check move_member_watches wait_for 5 two
config_control "$DIR/sub/b.sock" root >"$DIR/nfqnat.yaml"
check move_group_reload reload "$DIR/sub/b.sock"
check move_member_is_hung_up_on wait_for 5 gone "$MEMBER"
check move_member_may_not eval '! as_daemon_group "$DIR/sub/b.sock" status'
check move_root_stays eval 'alive $EVENTS'
same move_group_back '600 root' "$(owner "$DIR/sub/b.sock")"

# ---- where it cannot be: a warning, and it stays ----
config_control /proc/nowhere/c.sock root >"$DIR/nfqnat.yaml"
check move_nowhere reload "$DIR/sub/b.sock"
check move_nowhere_is_named wait_for 5 log_has 'warning: control: /proc/nowhere/c.sock: .*asks where it asked before'
check move_nowhere_stays at "$DIR/sub/b.sock" status
config_control "$DIR/sub/b.sock" nosuchgroup >"$DIR/nfqnat.yaml"
check move_no_group reload "$DIR/sub/b.sock"
check move_no_group_is_named wait_for 5 log_has 'warning: control: there is no group nosuchgroup; make it'

# ---- somebody removes the file: SIGHUP brings it back ----
config_control "$DIR/sub/b.sock" root >"$DIR/nfqnat.yaml"
rm "$DIR/sub/b.sock"
kill -HUP "$DAEMON"
check move_removed_comes_back wait_for 10 at "$DIR/sub/b.sock" status
check move_forwards_at_the_end sees client udp $HX6 8080 $C6 $G6 80
stops move_stop
check move_socket_is_gone not_there "$DIR/sub/b.sock"
finish
