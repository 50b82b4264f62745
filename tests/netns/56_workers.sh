#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several workers: both ways of a client's connections are one worker's, and other clients are others'.

. "$(dirname "$0")/lib.sh"

WORKERS=3
ONLY=${STEERING:-any}	# tests/kernel is about nft
net_up
serve guest tcp:80:whoami
serve client tcp:80:whoami
config() {
	echo "workers: $WORKERS"
	config_head
	echo "  - name: web
    to: [$G4, \"$G6\"]
    publish: \"8080:80\"
masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0 }"
}

# client_is N - the client's own address ends in N from now on
client_is() {
	ip -n "$P-client" -batch - <<-END
		addr replace 198.51.100.$1/24 dev eth0
		addr replace 2001:db8:100::$1/64 dev eth0 nodad
		route replace $HX4/32 dev eth0 src 198.51.100.$1
		route replace $HX6/128 dev eth0 src 2001:db8:100::$1
	END
}
# by_queue - "QUEUE PACKETS" so far, of each queue for TCP
by_queue() {
	# shellcheck disable=SC2016 # for awk
	host awk -v n=$WORKERS '$1 < n || $1 >= 2 * n { print $1, $8 }' /proc/net/netfilter/nfnetlink_queue
}
# workers_of CMD... - numbers of the workers that CMD's packets of TCP went to, each with a space behind it
workers_of() {
	local before

	before=$(by_queue)
	"$@" >&2 || return
	queue_quiet >/dev/null
	# shellcheck disable=SC2016 # for awk
	{ echo "$before"; by_queue; } | awk -v n=$WORKERS '$1 in seen && seen[$1] != $2 { print $1 % n } { seen[$1] = $2 }' | sort -u | tr '\n' ' '
}

not_leaked() { ! grep -F "$G4" "$SNIFFED"; }

suite() {
	local n

	[ "$ONLY" = any ] || [ "$ONLY" = "$1" ] || return
	STEERING=$1
	daemon_start -v < <(config)
	for n in 2 3 4 9; do
		client_is $n
		same "workers_$1_client_${n}_v4" "$((n % 8 % WORKERS)) " "$(workers_of sees client tcp $HX4 8080 198.51.100.$n $G4 80)"
		same "workers_$1_client_${n}_v6" "$((n % 8 % WORKERS)) " "$(workers_of sees client tcp $HX6 8080 2001:db8:100::$n $G6 80)"
	done
	client_is 2
	# What a guest opens goes by the other end.
	same "workers_$1_masquerade_v4" "2 " "$(workers_of sees guest tcp $C4 80 $HX4 $C4 80)"
	same "workers_$1_masquerade_v6" "2 " "$(workers_of sees guest tcp $C6 80 $HX6 $C6 80)"
	stops "workers_$1_stop"
	check "workers_$1_rules_gone" no_rules_of_ours
}

for f in legacy nft; do
	if can_iptables $f; then
		suite iptables-$f
	else
		skip "workers_iptables-$f" "iptables-$f cannot queue here"
	fi
done
if can_nft_queue; then
	suite nft
else
	skip workers_nft "this kernel has no nft queue (CONFIG_NFT_QUEUE)"
fi

# ---- fail: open is not for what guests open: no packet leaves untranslated when nobody listens ----
FAIL=open STEERING=auto
daemon_start -v < <(config)
check workers_open_translates sees client tcp $HX4 8080 $C4 $G4 80
check workers_open_masquerades sees guest tcp $C4 80 $HX4 $C4 80
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
DAEMON=
wait_for 10 no_queue
# A forwarded port is the host's own now; what a guest sends goes nowhere.
check workers_open_falls_to_host refused client tcp $HX4 8080
sniff client eth0 "src $G4 or tcp dst port 8081"
check workers_open_guest_is_held no_answer guest tcp $C4 80
host peer tcp -t 500 $C4 8081 >/dev/null 2>&1	# comes behind it, and must be seen
check workers_open_sniffer_sees wait_for 5 grep -q '8081' "$SNIFFED"
check workers_open_nothing_leaked not_leaked
finish
