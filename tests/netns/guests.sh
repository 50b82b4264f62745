# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A watcher whose words the test chooses (fake-virt), and guests to speak of. Sourced after net_up.

export FAKE_VIRT=$DIR/virt NFQNAT_VIRT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/fake-virt
mkdir "$FAKE_VIRT"
mkfifo "$FAKE_VIRT/tell"
: >"$FAKE_VIRT/pids"
: >"$FAKE_VIRT/told"
U1=11111111-1111-4111-8111-111111111111 U2=22222222-2222-4222-8222-222222222222

tell() { printf '%s\n' "$1" >"$FAKE_VIRT/tell"; }
starts() { wc -l <"$FAKE_VIRT/pids"; }
started_again() { (($(starts) > $1)); }
last_pid() { tail -n 1 "$FAKE_VIRT/pids"; }

# address A SOURCE
address() { printf '{"address":"%s","source":"%s"}' "$1" "$2"; }
# guest_json NAME UUID STATE GENERATION ADDRESSES [FORWARDS] [WARNINGS]
guest_json() {
	printf '{"uri":"qemu:///system","uuid":"%s","name":"%s","state":"%s","generation":%s,"nics":[{"mac":"52:54:00:00:00:01","type":"network","network":"default","bridge":"virbr0","target":"vnet0","up":true,"addresses":[%s]}],"forwards":[%s],"warnings":[%s]}' \
		"$2" "$1" "$3" "$4" "$5" "${6-}" "${7-}"
}
# world GUESTS [NETWORK_MODE] [CONNECTION_UP] - said and kept
world() {
	tell "{\"type\":\"world\",\"connections\":[{\"uri\":\"qemu:///system\",\"up\":${3-true},\"why\":\"gone\"}],\"networks\":[{\"uri\":\"qemu:///system\",\"uuid\":\"$U1\",\"name\":\"default\",\"active\":true,\"mode\":\"${2-nat}\",\"ipv6_nat\":false,\"bridge\":\"virbr0\",\"addresses\":[\"$B4/24\",\"$B6/64\"]}],\"guests\":[$1]}"
}
WEB1="$(address $G4 lease),$(address $G6 neighbour)"
WEB2="$(address $GG4 lease),$(address $GG6 lease)"
web1() { guest_json web1 $U1 "${1-running}" "${2-1}" "${3-$WEB1}" "${4-}" "${5-}"; }
web2() { guest_json web2 $U2 "${1-running}" "${2-1}" "${3-$WEB2}" "${4-}" "${5-}"; }
