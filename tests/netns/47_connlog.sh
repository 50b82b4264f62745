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
finish
