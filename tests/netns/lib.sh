# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Namespaces, servers, the daemon and questions to them. Sourced by each test
# script, which then calls net_up and uses:
#   client|host|guest|guest2 CMD...     run there
#   spawn NS CMD...                     the same in the background; ended by the trap, by its pid
#   serve NS SPEC...                    answering ends (tests/tools/serve.c)
#   daemon_start [OPTION...] < <(config)   until `ready:`; daemon_stop; LOG is its log. No pipe: it sets variables.
#   wait_for SECONDS CMD...             until CMD succeeds; never sleep
#   check NAME CMD... | same NAME WANT GOT | skip NAME REASON, see ../result.sh
#
#     client                       host                          guest, guest2
#     198.51.100.2  ------- up0 198.51.100.1   virbr0 192.168.122.1 ------ 192.168.122.50, .51
#     2001:db8:100::2       2001:db8:100::1           fd00:122::1          fd00:122::50, ::51
#                           203.0.113.5, 2001:db8:203::5: more addresses of the host
#
# The client has no way to the guests' network but a blackhole: a packet that
# left untranslated, in either direction, can never make a test pass.

set -u

# shellcheck source-path=SCRIPTDIR source=../result.sh
. "$(dirname "${BASH_SOURCE[0]}")/../result.sh"
# shellcheck source-path=SCRIPTDIR source=../wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../wait.sh"
# shellcheck source-path=SCRIPTDIR source=able.sh
. "$(dirname "${BASH_SOURCE[0]}")/able.sh"

BUILD=$(cd "${BUILD:-$TOP/build/san}" && pwd) || exit 1
NFQNATD=${NFQNATD:-$BUILD/nfqnatd}
PATH=$BUILD/tools:$PATH:/usr/sbin:/sbin

HX4=198.51.100.1 HX6=2001:db8:100::1		# the host, as the client sees it
HY4=203.0.113.5 HY6=2001:db8:203::5		# its other address
C4=198.51.100.2 C6=2001:db8:100::2		# the client
G4=192.168.122.50 G6=fd00:122::50		# the guest
GG4=192.168.122.51 GG6=fd00:122::51		# the other guest
B4=192.168.122.1 B6=fd00:122::1			# the bridge

DIR=$(mktemp -d "${TMPDIR:-/tmp}/nfqnat-test.XXXXXX")
P=nn${DIR##*.}					# prefix of our namespaces; not the pid, which may have been a killed run's
# Not this machine's: kept blocks of ports, a proxy.
export STATE_DIRECTORY=$DIR/state no_proxy='*'
LOG=/dev/null
DAEMON=						# pid of the daemon
DAEMONS=0					# how many were started
PIDS=()						# what spawn started
declare -A HELD_FD=() HELD_PID=()		# open conversations, by name
SHOWN=0						# diagnostics are printed in full once
SUITE=$(basename "$0" .sh)

in_ns() {
	nsenter --net="/run/netns/$P-$1" "${@:2}"
}
# in_ns_for SECONDS NS CMD...
in_ns_for() {
	timeout "$1" nsenter --net="/run/netns/$P-$2" "${@:3}"
}
client() { in_ns client "$@"; }
host() { in_ns host "$@"; }
guest() { in_ns guest "$@"; }
guest2() { in_ns guest2 "$@"; }

# spawn NS CMD... - in the background; its pid is in SPAWNED
spawn() {
	(
		# Ends of FIFOs (see hold) must not live on in others.
		for fd in "${HELD_FD[@]}"; do
			exec {fd}>&-
		done
		exec nsenter --net="/run/netns/$P-$1" "${@:2}"
	) <&0 &		# or bash would take /dev/null
	SPAWNED=$!
	PIDS+=("$SPAWNED")
}

log_has() { grep -qE -- "$1" "$LOG"; }

# ---- namespaces ----

sysctl_in() {
	in_ns "$1" sysctl -qw "${@:2}" 2>/dev/null
}

# ns_add NAME
ns_add() {
	ip netns add "$P-$1"
	# No waiting for duplicate address detection; no limit on ICMP errors, which are counted here.
	sysctl_in "$1" net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000
	ip -n "$P-$1" link set lo up
}

# link NS DEVICE PEER_NS PEER_DEVICE
link() {
	ip -n "$P-$1" link add "$2" type veth peer name "$4" netns "$P-$3"
	ip -n "$P-$1" link set "$2" up
	ip -n "$P-$3" link set "$4" up
}

net_up() {
	local n

	for n in client host guest guest2; do
		ns_add $n
	done
	sysctl_in host net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1
	brnf 0
	link host up0 client eth0
	ip -n "$P-host" link add virbr0 type bridge forward_delay 0
	link host vnet0 guest eth0
	link host vnet1 guest2 eth0
	ip -n "$P-host" -batch - <<-END
		link set vnet0 master virbr0
		link set vnet1 master virbr0
		link set virbr0 up
		addr add $HX4/24 dev up0
		addr add $HX6/64 dev up0 nodad
		addr add $HY4/32 dev up0
		addr add $HY6/128 dev up0 nodad
		addr add $B4/24 dev virbr0
		addr add $B6/64 dev virbr0 nodad
	END
	ip -n "$P-client" -batch - <<-END
		addr add $C4/24 dev eth0
		addr add $C6/64 dev eth0 nodad
		route add default via $HX4
		route add blackhole 192.168.122.0/24
		route add ::/0 via $HX6
		route add blackhole fd00:122::/64
	END
	guest_up guest $G4 $G6
	guest_up guest2 $GG4 $GG6
	if ! wait_for 5 client ping -c1 -W1 $HX4 || ! wait_for 5 client ping -c1 -W1 $HX6 ||
		! wait_for 5 guest ping -c1 -W1 $B4 || ! wait_for 5 guest ping -c1 -W1 $B6; then
		result 'not ok' "$SUITE" "the namespaces do not reach each other"
		exit 1
	fi
}

guest_up() {
	ip -n "$P-$1" -batch - <<-END
		addr add $2/24 dev eth0
		addr add $3/64 dev eth0 nodad
		route add default via $B4
		route add ::/0 via $B6
	END
}

# brnf 0|1 - do bridged frames pass iptables? Docker hosts: 1. Status 1 if this kernel cannot.
brnf() {
	sysctl_in host net.bridge.bridge-nf-call-iptables="$1" net.bridge.bridge-nf-call-ip6tables="$1"
}

# raw_neighbours - addresses and hardware addresses of nobody's kernel, for wire.py: no stack answers by itself
raw_neighbours() {
	local a

	host bridge fdb add 02:00:00:00:00:60 dev vnet0 master static
	for a in 192.168.122.60 192.168.122.99 fd00:122::60 fd00:122::99; do
		host ip neigh add $a lladdr 02:00:00:00:00:60 dev virbr0 nud permanent
	done
	for a in 198.51.100.77 198.51.100.78 2001:db8:100::77 2001:db8:100::78; do
		host ip neigh add $a lladdr 02:00:00:00:00:77 dev up0 nud permanent
	done
}
raw_mac() { ip -n "$P-host" -o link show dev "$1" | sed -n 's/.*link\/ether \([^ ]*\).*/\1/p'; }

# ---- the end ----

end_pid() {
	kill "$1" 2>/dev/null || return 0
	wait_for 3 gone "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

cleanup() {
	local status=$? n pid

	trap - EXIT
	trap '' INT TERM HUP
	exec 2>/dev/null	# bash's own words about what was killed
	[ -z "$DAEMON" ] || end_pid "$DAEMON"
	for pid in "${PIDS[@]}"; do
		end_pid "$pid"
	done
	for n in $(ip netns list | awk -v p="$P-" 'index($1, p) == 1 { print $1 }'); do
		# Children of ours that outlived their parent: nobody else is in there.
		for pid in $(ip netns pids "$n"); do
			kill -KILL "$pid"
		done
		ip netns del "$n"
	done
	rm -rf "$DIR"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- results ----

# diagnose - what one needs to know after a failure; in full only once per script
diagnose() {
	local i f

	{
		if ((SHOWN)); then
			echo "--- log, last lines"
			tail -n 15 "$LOG"
			return
		fi
		SHOWN=1
		if [ -n "$DAEMON" ] && alive "$DAEMON"; then
			kill -USR1 "$DAEMON"
			# The table may be empty, so there is no line to wait for.
			wait_for 1 gone "$DAEMON"
		fi
		echo "--- log, last lines, with the flow table"
		tail -n 60 "$LOG"
		for i in iptables ip6tables; do
			for f in legacy nft; do
				echo "--- $i-$f-save"
				host $i-$f-save -c 2>/dev/null | grep -vE '^(#|COMMIT)'
			done
		done
		echo "--- nft list ruleset, but for what iptables-nft showed"
		host nft list tables 2>/dev/null | grep -vE ' (ip|ip6) (raw|mangle|nat|filter|security)$'
		host nft list table inet nfqnat 2>/dev/null
		echo "--- /proc/net/netfilter/nfnetlink_queue"
		host cat /proc/net/netfilter/nfnetlink_queue
	} 2>&1 | result_note
	SHOWN=1
}

# adopt CMD... - result lines of another program become ours
adopt() {
	local line status name

	"$@" >"$DIR/adopted" 2>&1
	status=$?
	while IFS= read -r line; do
		case $line in
		'ok '*)		result ok "${line#ok }" ;;
		'not ok '*)	result 'not ok' "${line#not ok }" ;;
		'skip '*)	name=${line#skip }; result skip "${name%%: *}" "${name#*: }" ;;
		*)		result_note <<<"$line" ;;
		esac
	done <"$DIR/adopted"
	if ((status)); then
		result 'not ok' "$SUITE" "$(basename "$2") ended with status $status"
	fi
	! grep -q '^not ok' "$DIR/adopted" || diagnose
}

# finish - the last line of each script
finish() {
	local log

	[ -z "$DAEMON" ] || daemon_stop || result 'not ok' "$SUITE: daemon stops" "status $DAEMON_STATUS"
	for log in "$DIR"/daemon.*.log; do
		[ -e "$log" ] || continue
		if grep -qE 'Sanitizer|runtime error|[Aa]ssert' "$log"; then
			result 'not ok' "$SUITE: the daemon is clean" "sanitizer or assertion"
			grep -E -A 30 'Sanitizer|runtime error|[Aa]ssert' "$log" | head -n 60 | result_note
		fi
		# No script takes as long as the limits of TCP and UDP, 240 s at least (R32).
		if grep -q 'flow [0-9]* end (idle) [tu][cd]p' "$log"; then
			result 'not ok' "$SUITE: no flow ends before its time"
			grep 'flow [0-9]* end (idle) [tu][cd]p' "$log" | head -n 5 | result_note
		fi
	done
	((RESULT_FAILED == 0))
	exit
}

# ---- servers ----

# serve NS SPEC...
serve() {
	local said

	said=$(mktemp "$DIR/serve.XXXXXX")
	spawn "$1" serve "${@:2}" >"$said"
	wait_for 5 grep -q serving "$said" || result 'not ok' "$SUITE" "server in $1 does not start"
}

# crowd_serve - the guest answers crowds (tests/tools/crowd.c) at port 7
crowd_serve() {
	spawn guest crowd serve 7 >"$DIR/serving"
	wait_for 5 grep -q serving "$DIR/serving" || result 'not ok' "$SUITE" "the crowd's server does not start"
}

# ---- the daemon ----

# daemon_run [OPTION...] <config - start and do not wait
daemon_run() {
	cat >"$DIR/nfqnat.yaml"
	daemon_again "$@"
}

# daemon_again [OPTION...] - the same with the configuration of the last time
daemon_again() {
	DAEMONS=$((DAEMONS + 1))
	LOG=$DIR/daemon.$DAEMONS.log
	: >"$LOG"
	spawn host "$NFQNATD" --config "$DIR/nfqnat.yaml" --control "$DIR/control.sock" "${@:--v}" 2>>"$LOG" >>"$LOG" </dev/null
	DAEMON=$SPAWNED
}

# ctl ARG... - ask the daemon
ctl() {
	host "$BUILD/nfqnatctl" --socket "$DIR/control.sock" "$@"
}

daemon_ready() {
	if ! wait_for 15 log_has 'ready:'; then
		result 'not ok' "$SUITE: daemon starts" "no \`ready:' in the log"
		diagnose
		return 1
	fi
}

daemon_start() {
	daemon_run "$@"
	daemon_ready || exit 1
}

# daemon_stop - by SIGTERM; status in DAEMON_STATUS
daemon_stop() {
	local pid=$DAEMON

	kill "$pid" 2>/dev/null
	if ! wait_for 10 gone "$pid"; then
		DAEMON_STATUS=hangs
		kill -KILL "$pid"
	else
		wait "$pid" 2>/dev/null
		DAEMON_STATUS=$?
	fi
	DAEMON=
	[ "$DAEMON_STATUS" = 0 ]
}

# without_conntrack - the host's tools know none from now on: then no rule switches the kernel's own reassembly on (R1)
without_conntrack() {
	local tool real

	mkdir "$DIR/bin"
	for tool in nft iptables-restore iptables-nft-restore iptables-legacy-restore ip6tables-restore \
		ip6tables-nft-restore ip6tables-legacy-restore; do
		real=$(command -v $tool) || continue
		cat >"$DIR/bin/$tool" <<-END
			#!/bin/bash
			text=\$(cat)
			case \$text in
			*conntrack* | *'ct state'*) echo 'this host has no conntrack' >&2; exit 2 ;;
			esac
			exec -a $tool $real "\$@" <<<"\$text"
		END
		chmod +x "$DIR/bin/$tool"
	done
	PATH=$DIR/bin:$PATH
}

# stops NAME - orderly, with status 0; not under check(), which would ask another shell's child
stops() {
	if daemon_stop; then
		result ok "$1"
	else
		result 'not ok' "$1" "status $DAEMON_STATUS"
		diagnose
	fi
}

# worker - pid of the packet worker
worker() {
	local file pid pids comm

	for file in "/proc/$DAEMON/task/"*/children; do
		read -ra pids <"$file"
		for pid in "${pids[@]}"; do
			read -r comm <"/proc/$pid/comm" && [[ $comm == *nfqnat-worker* ]] || continue
			echo "$pid"
			return 0
		done
	done 2>/dev/null
	return 1
}

# worker_is_not PID - another one runs
worker_is_not() {
	local now

	now=$(worker) && [ "$now" != "$1" ]
}

# passed NS DEVICE - octets that came in by the device so far
passed() {
	# shellcheck disable=SC2016 # for awk
	in_ns "$1" awk -v dev="$2:" '$1 == dev { print $2 }' /proc/net/dev
}
passed_more() { (($(passed "$1" "$2") > $3)); }

# queue_packets - how many packets were queued in the host so far
queue_packets() {
	# shellcheck disable=SC2016 # for awk
	host awk '{ n += $8 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue
}

# no_queue - nobody is bound to any
no_queue() {
	! host grep -q . /proc/net/netfilter/nfnetlink_queue
}

# queue_quiet - the same, when the ends of earlier conversations have passed
queue_quiet() {
	QUIET=-1 QUIET_LOOKS=0
	wait_for 3 queue_is_quiet
	queue_packets
}
# The same number four times: a conversation's end may take longer than the time between two looks.
queue_is_quiet() {
	local last=$QUIET

	QUIET=$(queue_packets)
	[ "$QUIET" = "$last" ] || QUIET_LOOKS=0
	((++QUIET_LOOKS >= 4))
}

# rules - every rule and chain of iptables, both flavours and families, and our nft table; no counters.
# Two tools show rules of either flavour, so a lookup never creates a table that was not there.
rules() {
	local i f

	for i in iptables ip6tables; do
		for f in legacy nft; do
			host $i-$f-save 2>/dev/null | awk -v who="$i-$f" '
				/^\*/ { table = substr($0, 2) }
				/^:/ { if ($2 == "-") print who, table, "-N", substr($1, 2) }
				/^-/ { print who, table, $0 }'
		done
	done
	host nft -s list table inet nfqnat 2>/dev/null | sed 's/^/nft nfqnat /'
	return 0
}
rules_of_ours() { rules | grep -iE 'nfqnat|NFQUEUE'; }
no_rules_of_ours() { ! rules_of_ours; }

# config_head - the first lines of every configuration
config_head() {
	echo "queue: 0
steering: ${STEERING:-auto}
firewall: ${FIREWALL:-pass}
fail: ${FAIL:-closed}
source-ports: 61000-65535
forwards:"
}

# config_web - the forwards most tests need
config_web() {
	config_head
	echo "  - name: web
    to: [$G4, \"$G6\"]
    publish: [\"8080:80\", \"8080:80/udp\", \"icmp\"]"
}

# ---- questions ----

# sees NS PROTO ADDR PORT WANT_PEER WANT_LOCAL WANT_LOCALPORT - who does the server say it talks to?
sees() {
	local got proto=$2

	got=$(in_ns "$1" peer "$2" "$3" "$4" 2>&1)
	# The peer's port may be anything.
	[[ $got =~ ^$proto\ ([^ ]+)\ [0-9]+\ ([^ ]+)\ ([0-9]+)$ ]] &&
		[ "${BASH_REMATCH[*]:1}" = "$5 $6 $7" ] && return
	printf 'want: %s %s PORT %s %s\ngot:  %s\n' "$2" "$5" "$6" "$7" "$got"
	return 1
}

# answer NS PROTO ADDR PORT - the answer or the error, whatever it is
answer() {
	in_ns "$1" peer "$2" -t "${TIMEOUT_MS:-5000}" "$3" "$4" 2>&1
}

# sniff NS DEVICE FILTER... - tcpdump in the background; its lines are in SNIFFED
sniff() {
	SNIFFED=$(mktemp "$DIR/sniff.XXXXXX")
	spawn "$1" tcpdump -nl --immediate-mode -i "$2" "${@:3}" >"$SNIFFED" 2>"$SNIFFED.err"
	SNIFFER=$SPAWNED
	wait_for 5 grep -q 'listening on' "$SNIFFED.err"
}
sniff_end() {
	kill -INT "$SNIFFER" 2>/dev/null
	wait "$SNIFFER" 2>/dev/null
}

# ping_sees NS ADDR WANT_SOURCE WANT_GUEST - three pings answered, and their source as the guest sees it
ping_sees() {
	local status

	sniff guest eth0 'icmp[0] == 8 or (icmp6 and ip6[40] == 128)'
	in_ns "$1" ping -n -c 3 -i 0.05 -W 5 "$2"
	status=$?
	wait_for 10 grep -qF "$3 > $4: " "$SNIFFED" || {
		echo "want: $3 > $4; the guest saw:"
		cat "$SNIFFED"
		status=1
	}
	sniff_end
	return $status
}

# no_answer NS PROTO ADDR PORT - silence or refusal, but nobody answers
no_answer() {
	local got

	got=$(TIMEOUT_MS=${TIMEOUT_MS:-400} answer "$@") || return 0
	echo "$got"
	return 1
}

# refused NS PROTO ADDR PORT
refused() {
	local got

	got=$(answer "$@")
	[ "$got" = 'error ECONNREFUSED' ] && return 0
	echo "want: error ECONNREFUSED; got: $got"
	return 1
}

# sha256 - of stdin, by the fastest there is
sha256() {
	if command -v openssl >/dev/null; then
		openssl dgst -sha256 -r | cut -c1-64
	else
		sha256sum | cut -c1-64
	fi
}

# ---- conversations that last ----

# hold NAME NS ADDR PORT [OPTION...] - connect and keep the line open; what comes goes to $DIR/hold.NAME
hold() {
	local name=$1 fd

	mkfifo "$DIR/fifo.$name"
	# Read-write: opening one end alone would wait for the other.
	exec {fd}<>"$DIR/fifo.$name"
	HELD_FD[$name]=$fd
	spawn "$2" peer tcp -i -t 20000 "${@:5}" "$3" "$4" <"$DIR/fifo.$name" >"$DIR/hold.$name" 2>&1
	HELD_PID[$name]=$SPAWNED
}

# say NAME TEXT - and wait until it comes back
say() {
	echo "$2" >&"${HELD_FD[$1]}"
	wait_for "${SAY_S:-8}" file_has "$DIR/hold.$1" "^$2\$" && return
	echo "want: $2; got:"
	cat "$DIR/hold.$1"
	return 1
}

# heard NAME PATTERN - wait until it came
heard() {
	wait_for 8 file_has "$DIR/hold.$1" "$2" && return
	echo "want: $2; got:"
	cat "$DIR/hold.$1"
	return 1
}

# hang_up NAME - end our side; HUNG_UP is the status of the conversation
hang_up() {
	local fd=${HELD_FD[$1]}

	exec {fd}>&-
	wait_for 5 gone "${HELD_PID[$1]}" || kill "${HELD_PID[$1]}"
	wait "${HELD_PID[$1]}"
	HUNG_UP=$?
	unset "HELD_FD[$1]" "HELD_PID[$1]"
	rm -f "$DIR/fifo.$1"
	((HUNG_UP == 0))
}
