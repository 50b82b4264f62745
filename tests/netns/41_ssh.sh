#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ssh and scp with a real sshd: in to a guest, out from one, long sessions, over a restart of the daemon.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

SSHD=$(command -v sshd)
if [ -z "$SSHD" ] || ! command -v ssh-keygen >/dev/null || ! command -v scp >/dev/null; then
	skip R27_ssh "needs ssh and sshd"
	finish
fi
OCTETS=52428800
net_up
config() {
	config_head
	echo "  - name: ssh
    to: [$G4, \"$G6\"]
    publish: [\"2222:22\"]
masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0 }"
}

# ---- keys and configuration of our own; nothing of this machine's is read or written ----
S=$DIR/ssh
mkdir -m 700 "$S"
made_run=
if [ ! -d /run/sshd ]; then		# sshd insists on it
	mkdir -m 755 /run/sshd && made_run=1
fi
ssh-keygen -q -t ed25519 -N '' -f "$S/host"
ssh-keygen -q -t ed25519 -N '' -f "$S/me"
cp "$S/me.pub" "$S/allowed"
cat >"$S/sshd_config" <<-END
	Port 22
	HostKey $S/host
	AuthorizedKeysFile $S/allowed
	PermitRootLogin prohibit-password
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	StrictModes no
	UsePAM no
	PidFile none
	UseDNS no
	Subsystem sftp internal-sftp
END
cat >"$S/config" <<-END
	Host *
	  User root
	  IdentityFile $S/me
	  IdentitiesOnly yes
	  UserKnownHostsFile $S/known
	  GlobalKnownHostsFile /dev/null
	  StrictHostKeyChecking accept-new
	  BatchMode yes
	  ConnectTimeout 20
	  ServerAliveInterval 1
	  ServerAliveCountMax 20
	  LogLevel ERROR
END
for ns in guest client; do
	spawn $ns "$SSHD" -D -e -f "$S/sshd_config" >/dev/null 2>"$S/log.$ns"
done
listening() { in_ns "$1" ss -Hltn "sport = :22" | grep -q .; }
wait_for 10 listening guest
wait_for 10 listening client
daemon_start -v < <(config)
peer gen $OCTETS >"$S/file"
SUM=$(sha256 <"$S/file")

# run FROM PORT ADDR COMMAND - what it prints
run() { in_ns "$1" ssh -F "$S/config" -p "$2" "$3" "$4"; }
# from_whom FROM PORT ADDR WANT - sshd says who it talks to: SSH_CONNECTION is client, port, server, port
from_whom() {
	local got

	# shellcheck disable=SC2016 # for the other end
	got=$(run "$1" "$2" "$3" 'echo $SSH_CONNECTION' | awk '{ print $1, $3, $4 }')
	echo "want $4, got $got"
	[ "$got" = "$4" ]
}
# there and back, 50 MB each
copies() {
	local to=$3

	[[ $to != *:* ]] || to="[$to]"
	in_ns "$1" scp -q -F "$S/config" -P "$2" "$S/file" "$to:$S/up.$3" && [ "$(sha256 <"$S/up.$3")" = "$SUM" ] &&
		in_ns "$1" scp -q -F "$S/config" -P "$2" "$to:$S/up.$3" "$S/down.$3" && [ "$(sha256 <"$S/down.$3")" = "$SUM" ]
	set -- $? "$3"
	rm -f "$S/up.$2" "$S/down.$2"
	return "$1"
}

check R27_ssh_v4 from_whom client 2222 $HX4 "$C4 $G4 22"
check R27_ssh_v6 from_whom client 2222 $HX6 "$C6 $G6 22"
check R18_ssh_out_v4 from_whom guest 22 $C4 "$HX4 $C4 22"
check R18_ssh_out_v6 from_whom guest 22 $C6 "$HX6 $C6 22"
check R27_scp_50_MB_v4 copies client 2222 $HX4
check R27_scp_50_MB_v6 copies client 2222 $HX6
check R18_scp_50_MB_out_v4 copies guest 22 $C4
check R18_scp_50_MB_out_v6 copies guest 22 $C6

# ---- long sessions: nothing but keepalives for a while, then a word, and all of it again over restarts ----
# open NAME FROM PORT ADDR - a session of cat; what comes goes to $DIR/hold.NAME, as hold() of lib.sh has it
open() {
	local fd

	mkfifo "$DIR/fifo.$1"
	exec {fd}<>"$DIR/fifo.$1"
	HELD_FD[$1]=$fd
	spawn "$2" ssh -F "$S/config" -p "$3" "$4" cat <"$DIR/fifo.$1" >"$DIR/hold.$1" 2>&1
	HELD_PID[$1]=$SPAWNED
}
SAY_S=20
open in4 client 2222 $HX4
open in6 client 2222 $HX6
open out4 guest 22 $C4
open out6 guest 22 $C6
all_say() {
	local s

	for s in in4 in6 out4 out6; do
		say $s "$1 $s" || return 1
	done
}
check R27_ssh_sessions_answer all_say first
# ServerAliveInterval: a request and its answer each second, that many packets without a word of ours.
keepalives() {
	local before

	before=$(queue_packets)
	more() { (($(queue_packets) > before + 32)); }
	wait_for 20 more
}
check R33_ssh_keepalives_pass keepalives
check R33_ssh_sessions_after_keepalives all_say again
kill -KILL "$(worker)"
check R88_ssh_sessions_over_a_killed_worker all_say killed-worker
before=$(worker)
kill -USR2 "$DAEMON"
check R88_ssh_upgraded wait_for 20 worker_is_not "$before"
check R88_ssh_sessions_over_an_upgrade all_say upgraded
# A daemon that is killed and started anew has lost its table: forwards pick up what was under way (R31).
killed_and_started() {
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	daemon_again -v
	daemon_ready
}
killed_and_started
check R31_ssh_sessions_in_over_a_killed_daemon eval 'say in4 killed4 && say in6 killed6'
# In the middle of a copy; -l so that there is a middle.
scp_begin() {
	spawn client scp -q -l 200000 -F "$S/config" -P 2222 "$S/file" "$1:$S/up" >"$S/scp.err" 2>&1
	SCP=$SPAWNED
	wait_for 20 test -s "$S/up"
}
scp_ends() { wait_for 60 gone "$SCP" && [ "$(sha256 <"$S/up")" = "$SUM" ]; }
scp_begin $HX4
killed_and_started
check R88_scp_50_MB_over_a_killed_daemon scp_ends
for s in in4 in6; do
	hang_up $s
done
[ -z "$made_run" ] || rmdir /run/sshd
finish
