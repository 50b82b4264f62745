#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The connection log: lines, or fields in a real journal.

. "$(dirname "$0")/lib.sh"

JOURNALD=/lib/systemd/systemd-journald
net_up
serve guest tcp:80:whoami udp:80:whoami
config_log() {
	echo "connection-log: $1"
	config_web
}
quiet() { ! log_has 'flow [0-9]+ (new|end)'; }

# ---- as lines ----
# Not verbose: else each flow is logged anyway.
daemon_start --config "$DIR/nfqnat.yaml" < <(config_log on)
check connlog_tcp sees client tcp $HX4 8080 $C4 $G4 80
check connlog_begin wait_for 5 log_has "flow [0-9]+ new tcp $C4:[0-9]+ > $HX4:8080 => $C4:[0-9]+ > $G4:80 forward web"
ctl flush --all >/dev/null
check connlog_end wait_for 5 log_has "flow [0-9]+ end \(by hand\) tcp $C4.* sent [0-9]+ packets [0-9]+ octets, answered [0-9]+ packets [0-9]+ octets"
check connlog_no_states eval '! log_has "SYN_SENT -> "'
config_log off >"$DIR/nfqnat.yaml"
check connlog_off eval 'ctl reload >/dev/null'
: >"$LOG"
check connlog_tcp_off sees client tcp $HX4 8080 $C4 $G4 80
check connlog_flushed_off eval '[[ $(ctl flush --all) == 1* ]]'
check connlog_off_is_quiet quiet
stops connlog_stop

# ---- in the journal ----
if ! [ -x $JOURNALD ]; then
	skip connlog_journal "there is no systemd-journald"
	finish
fi
# A journal of our own, in a mount namespace: /run is ours there.
spawn host unshare -m --propagation private bash -c \
	"mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && exec $JOURNALD" 2>"$DIR/journald.err"
J=$SPAWNED
if ! wait_for 5 [ -S "/proc/$J/root/run/systemd/journal/socket" ]; then
	skip connlog_journal "systemd-journald does not start here: $(tail -n 1 "$DIR/journald.err")"
	finish
fi
# As a service: the journal reads its standard error, which is what JOURNAL_STREAM says.
cat >"$DIR/service" <<-END
	#!/bin/bash
	export JOURNAL_STREAM=\$(stat -L -c %d:%i /proc/self/fd/2)
	exec nsenter --mount=/proc/$J/ns/mnt "$BUILD/nfqnatd" "\$@"
END
chmod +x "$DIR/service"
NFQNATD=$DIR/service
journal() { journalctl -D "/proc/$J/root/run/log/journal" -o json "$@" 2>/dev/null; }
journal_has() { journal "${@:2}" | grep -qE -- "$1"; }
daemon_start --config "$DIR/nfqnat.yaml" < <(config_log on)
check connlog_journal_tcp sees client tcp $HX4 8080 $C4 $G4 80
check connlog_journal_v6 sees client udp $HX6 8080 $C6 $G6 80
check connlog_journal_begin wait_for 10 journal_has '"MESSAGE":"flow [0-9]+ new tcp' FORWARD=web SRC=$C4 DST=$HX4 DST_PORT=8080 GUEST=$G4 GUEST_PORT=80
check connlog_journal_v6_fields wait_for 10 journal_has '"FLOW":"[0-9]+"' PROTO=udp SRC=$C6 GUEST=$G6
ctl flush --all >/dev/null
check connlog_journal_end wait_for 10 journal_has '"OCTETS_OUT":"[1-9][0-9]*"' "REASON=by hand" GUEST=$G4
check connlog_journal_not_twice quiet
stops connlog_journal_stop

# ---- every line about a flow, a packet, a forward or a guest has fields, whoever writes it ----
# shellcheck source-path=SCRIPTDIR source=guests.sh
. "$(dirname "$0")/guests.sh"
config_guest() {
	config_web
	cat <<-END
		  - name: gone
		    to: 192.168.200.7
		    publish: 8090
		  - name: gw
		    guest: web1
		    publish: 8091
	END
}
ip -n "$P-host" route add unreachable 192.168.200.0/24
daemon_start --config "$DIR/nfqnat.yaml" -vv < <(config_guest)
check journal_warning_about_a_forward wait_for 10 journal_has '"PRIORITY":"4"' FORWARD=gone GUEST=192.168.200.7 "REASON=no route"
check journal_tcp sees client tcp $HX4 8080 $C4 $G4 80
check journal_v6 sees client udp $HX6 8080 $C6 $G6 80
# The worker writes these, from behind its sandbox.
check journal_flow_of_the_worker wait_for 10 journal_has '"MESSAGE":"flow [0-9]+ state SYN_RECV -> ESTABLISHED"' _COMM=nfqnat-worker FORWARD=web SRC=$C4 DST=$HX4 GUEST=$G4 GUEST_PORT=80 SYSLOG_IDENTIFIER=nfqnatd
check journal_packet wait_for 10 journal_has '"MESSAGE":"pkt pre ' FORWARD=web SRC=$C4 DST=$HX4 DST_PORT=8080 GUEST=$G4 "REASON=translated, new flow" FLOW=0
check journal_packet_back wait_for 10 journal_has '"MESSAGE":"pkt post ' FORWARD=web SRC=$G4 DST=$C4 GUEST=$G4 GUEST_PORT=80 REASON=translated
check journal_packet_v6 wait_for 10 journal_has '"MESSAGE":"pkt pre ' PROTO=udp SRC=$C6 GUEST=$G6
no_plain_lines() { ! grep -E '^<7>(flow|pkt) ' "$LOG"; }
check journal_not_twice no_plain_lines
world "$(web1 off)"
check journal_guest_off wait_for 10 journal_has '"MESSAGE":"forward gw: guest web1' FORWARD=gw GUEST_NAME=web1 "REASON=the guest is off"
world "$(web1)"
check journal_guest_on wait_for 10 journal_has '"MESSAGE":"forward gw: guest web1' FORWARD=gw GUEST_NAME=web1 GUEST=$G4 REASON=active
world "$(web1 running 1 "$(address $B4 neighbour)")"
check journal_guest_warning wait_for 10 journal_has '"PRIORITY":"4"' FORWARD=gw GUEST_NAME=web1 GUEST=$B4
ctl add --name brief --to $G4 8092:80 >/dev/null
check journal_added wait_for 10 journal_has 'was added by hand' FORWARD=brief
# The journal goes away and its socket with it: lines come as before.
kill "$J"
check journal_is_gone wait_for 5 gone "$J"
check journal_gone_forwarding sees client tcp $HX4 8080 $C4 $G4 80
check journal_gone_plain wait_for 5 log_has '^<7>pkt pre .*forward web'
stops journal_stop
finish
