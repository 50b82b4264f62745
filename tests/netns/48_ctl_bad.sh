#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad clients of the control socket hear what is wrong, take bounded memory, and forwarding does not notice.

. "$(dirname "$0")/lib.sh"
HERE=$(cd "$(dirname "$0")" && pwd)

net_up
serve guest tcp:80:whoami udp:80:whoami
config_bad() {
	echo 'control: { group: daemon }'
	config_web
}
# Freed memory is what counts here, and sanitizers keep it.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4
daemon_start -v < <(config_bad)
SOCK=$DIR/control.sock
chmod 755 "$DIR"
abuse() { host python3 "$HERE/abuse.py" "$SOCK" "$@"; }
# hears PATTERN WHAT... - what comes of it
hears() {
	local got

	got=$(abuse "${@:2}" 2>&1)
	grep -qE -- "$1" <<<"$got" && return
	printf 'want: %s\ngot:  %s\n' "$1" "$got"
	return 1
}
abuse_on() { spawn host python3 "$HERE/abuse.py" "$SOCK" "${@:2}" >"$DIR/abuse.$1" 2>&1; }
resident_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"; }
counter() { ctl --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["control"][sys.argv[1]])' "$1"; }
counter_is_at_least() { [ "$(counter "$1")" -ge "$2" ]; }
forwards() { sees client tcp $HX4 8080 $C4 $G4 80 && sees client udp $HX6 8080 $C6 $G6 80; }

# The one that never reads comes first: it is hung up on 30 s later, while all else goes on.
before=$(resident_kib)
abuse_on deaf deaf
check bad_deaf_fills_its_line wait_for 10 file_has "$DIR/abuse.deaf" full

# ---- what is not a request ----
check bad_not_json hears 'the request is not JSON: .* \| True' send '{"cmd":'
check bad_empty hears 'not JSON.* \| True' send ''
check bad_not_utf8 hears 'not JSON.* \| True' send $'{"cmd":"\xff\xfe"}'
check bad_list hears 'not JSON|no "cmd".* \| True' send '[1,2,3]'
check bad_no_cmd hears 'no "cmd".* \| True' send '{"a":1}'
check bad_cmd_number hears 'no "cmd".* \| True' send '{"cmd":7}'
check bad_cmd_twice hears 'not JSON: duplicate.* \| True' send '{"cmd":"status","cmd":"flows"}'
check bad_unknown hears "there is no command 'nosuch'.* \| True" send '{"cmd":"nosuch"}'
check bad_key hears "'colour' means nothing here \| True" send '{"cmd":"flows","colour":"green"}'
check bad_type hears "'guest' must be a text.* \| True" send '{"cmd":"flows","guest":[]}'
check bad_nul hears 'must be a text|not JSON.* \| True' send '{"cmd":"flows","guest":"a\u0000b"}'
check bad_number hears "'port' must be a number.* \| True" send '{"cmd":"flows","port":1e9}'
check bad_half_a_tuple hears 'has all of src.* \| True' send '{"cmd":"flows","src":"1.2.3.4"}'
check bad_all_is_not_true hears "'all' must be true.* \| True" send '{"cmd":"flush","all":false}'
check bad_all_and_a_filter hears "nothing beside it.* \| True" send '{"cmd":"flush","all":true,"guest":"web"}'
check bad_filter_shape hears "must be a list.* \| True" send '{"cmd":"watch","what":"packets","filter":[[1,2]]}'
check bad_filter_program hears "is not a valid program \| True" send '{"cmd":"watch","what":"packets","filter":[[5,0,0,4000000000]]}'
check bad_deep hears 'not JSON.* \| True' send "$(printf '[%.0s' {1..5000})"
check bad_too_long hears 'longer than 65536 octets' long
check bad_too_long_is_hung_up_on hears '^hung up$' long
check bad_half hears gone half
check bad_pipeline hears '^51 answers|^50 answers' pipeline
check bad_forwarding_goes_on forwards

# ---- nfqnatctl itself ----
not_understood() {
	local got status

	got=$(timeout 10 "$BUILD/nfqnatctl" --socket "$SOCK" "$@" 2>&1)
	status=$?
	[ "$status" = 2 ] && grep -q 'not text in UTF-8' <<<"$got" && return
	echo "status $status: $got"
	return 1
}
check bad_text_del not_understood del $'\xff'
check bad_text_name not_understood add --name $'\xff' --to 192.168.122.50 tcp:1
check bad_text_guest not_understood add --to $'guest:\xff' tcp:1
check bad_text_port not_understood add --to 192.168.122.50 $'tcp:\xff'
check bad_text_filter not_understood flows --guest $'\xff'

# ---- who may not ----
ask_as() { host setpriv --reuid 65534 --regid "$1" --clear-groups "$BUILD/nfqnatctl" --socket "$SOCK" status; }
no_rights() {
	local got status

	got=$(ask_as 65534 2>&1)
	status=$?
	[ "$status" = "$1" ] && grep -qE -- "$2" <<<"$got" && return
	echo "status $status: $got"
	return 1
}
check bad_stranger no_rights 3 'Permission denied; be root, or in the group'
check bad_member_of_the_group eval 'ask_as "$(getent group daemon | cut -d: -f3)" | grep -q "^worker"'
chmod 666 "$SOCK"	# even so: who it is counts, not that it could connect
check bad_stranger_who_connects no_rights 1 'permission denied; be root'
chmod 660 "$SOCK"

# ---- a thousand at once ----
abuse_on crowd crowd 1000
check bad_crowd_is_told wait_for 40 file_has "$DIR/abuse.crowd" 'refused 9[0-9][0-9] of 1000'
CROWD=$SPAWNED
check bad_crowd_forwarding forwards
kill "$CROWD"
check bad_crowd_gone wait_for 10 ctl status
check bad_crowd_counted counter_is_at_least refused 900

# ---- those that ask without a pause: together they have a fifth of one CPU ----
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$DAEMON/stat"; }
FLOODS=()
for i in 1 2 3 4; do
	abuse_on "flood.$i" flood
	FLOODS+=("$SPAWNED")
done
check bad_flood_floods wait_for 10 file_has "$DIR/abuse.flood.4" flooding
ticks=$(cpu_ticks)
BEGIN=$(now_ms)
check bad_flood_for_3_s wait_for 10 since "$BEGIN" 3000
check bad_flood_forwarding forwards
check bad_flood_operator ctl status
took=$((($(cpu_ticks) - ticks) * 1000 / $(getconf CLK_TCK) * 100 / ($(now_ms) - BEGIN)))
# 20 % is its share; the rest is what the daemon did for the two before, and the end of a request that was begun.
check bad_flood_has_its_share eval "(( $took > 2 && $took < 45 )) || ! echo $took %"
for pid in "${FLOODS[@]}"; do
	end_pid "$pid"
done

# ---- a watcher that never reads, under load ----
abuse_on watch deaf-watch
WATCHER=$SPAWNED
check bad_watcher_watches wait_for 5 file_has "$DIR/abuse.watch" watching
head -c 50000000 /dev/urandom >"$DIR/bulk"
want=$(sha256 <"$DIR/bulk")
spawn guest socat -u TCP-LISTEN:90,reuseaddr "OPEN:$DIR/got,creat,trunc"
GOT=$SPAWNED
ctl add --name load --to $G4 8090:90 >/dev/null
wait_for 5 eval 'guest ss -Hltn sport = :90 | grep -q .'
client timeout 60 socat -u "OPEN:$DIR/bulk" TCP:$HX4:8090
wait_for 10 gone "$GOT"
same bad_watcher_transfer_is_whole "$want" "$(sha256 <"$DIR/got")"
check bad_watcher_lost_records eval 'ctl status | grep -qE "^1 watch packets or events, [1-9][0-9]* records were lost"'
no_overrun() { [ "$(ctl --json status | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["worker_counts"]["overruns"])')" = 0 ]; }
check bad_watcher_no_overrun no_overrun
check bad_watcher_forwarding forwards
kill "$WATCHER"
check bad_watcher_gone wait_for 5 eval 'ctl status | grep -q "^0 watch packets"'

# ---- memory, and the end of the deaf one ----
after=$(resident_kib)
check bad_memory_is_bounded eval "(( $after - $before < 60000 ))"
check bad_deaf_is_hung_up_on wait_for 60 log_has 'a client did not read for 30 s; hung up'
check bad_deaf_counted counter_is_at_least dropped 1
check bad_forwarding_at_the_end forwards
stops bad_stop
finish
