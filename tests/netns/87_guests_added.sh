#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A forward that is added by hand can follow a guest, on a host whose configuration says nothing of libvirt.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80-81:whoami udp:80-81:whoami
serve guest2 tcp:80:whoami
serve host tcp:8080:whoami	# never answers for a guest
# shellcheck source-path=SCRIPTDIR source=guests.sh
. "$(dirname "$0")/guests.sh"

nothing() {
	echo "forwards: []"
	echo "source-ports: 61000-65535"
}
said() {
	local want=$1

	shift
	ctl "$@" >"$DIR/said" 2>&1
	grep -qE -- "$want" "$DIR/said" && return
	echo "want: $want; got:"
	cat "$DIR/said"
	return 1
}
no_watcher() { gone "$(last_pid)"; }

daemon_start -v < <(nothing)
same added_guest_no_watcher_before 0 "$(starts)"
check added_guest said '^added web; 1 forward in' add --to guest:web1 --name web 8080:80 8080:80/udp
check added_guest_says_that_nobody_answers grep -q '^  forward web: libvirt has not answered yet' "$DIR/said"
check added_guest_starts_the_watcher wait_for 10 started_again 0
check added_guest_tells_it wait_for 10 grep -q '"type":"configure".*qemu:///system' "$FAKE_VIRT/told"
check added_guest_waits said 'forward web: libvirt has not answered yet' forwards
world "$(web1 off)"
check added_guest_off wait_for 10 log_has 'forward web: guest web1, the guest is off'
check added_guest_off_is_refused refused client tcp $HX4 8080
world "$(web1)"
check added_guest_v4 wait_for 10 sees client tcp $HX4 8080 $C4 $G4 80
check added_guest_v6 wait_for 10 sees client tcp $HX6 8080 $C6 $G6 80
check added_guest_udp sees client udp $HX4 8080 $C4 $G4 80
check added_guest_is_shown said "^web +tcp4 +\*:8080 +$G4:80 +added\$" forwards web
hold kept client $HX4 8080 -t 60000
check added_guest_connected heard kept '^tcp '
world "$(web1 running 1 "$(address $GG4 lease)")"
check added_guest_is_followed wait_for 10 sees client tcp $HX4 8080 $C4 $GG4 80
world "$(web1)"
check added_guest_back wait_for 10 sees client tcp $HX4 8080 $C4 $G4 80

# ---- what is refused, and what the guest's own metadata may not take ----
check added_guest_taken said 'published by forward web' add --to guest:web2 8080:80
check added_guest_mistake said 'when-off .nonsense. is not known' add --to guest:web2 --when-off nonsense 8081:80
check added_guest_two said 'follows one guest' add --to guest:web1,guest:web2 8082:80
check added_guest_for said '^added' add --to guest:web1 --name brief --for 2s 8083:81
check added_guest_for_works wait_for 10 sees client tcp $HX4 8083 $C4 $G4 81
check added_guest_for_ends wait_for 10 refused client tcp $HX4 8083
check added_guest_says_where said "^  forward where: guest web1, IPv4 active at $G4 .lease" add --to guest:web1 --name where 8085:81
check added_guest_deleted said '^deleted where; ' del where
check added_guest_says_it_in_json eval 'ctl --json add --to guest:web1 --name where 8085:81 >"$DIR/said" && python3 -c "import json, sys
a = json.load(sys.stdin); g = a[\"guests\"][0]
assert a[\"forward\"] == \"where\" and g[\"guest\"] == \"web1\" and g[\"ipv4\"][\"address\"] == \"$G4\", a" <"$DIR/said"'
check added_guest_deleted_again said '^deleted where; ' del where
check added_guest_with_address said '^added' add --to "guest:web1,$G4" --name fixed 8084:81
check added_guest_with_address_works wait_for 10 sees client tcp $HX4 8084 $C4 $G4 81
check added_guest_pattern said '^added' add --to 'guest:web*' --name all --when-off drop '20000+10:80'
world "$(web1),$(web2)"
check added_guest_pattern_first wait_for 10 sees client tcp $HX4 20000 $C4 $G4 80
check added_guest_pattern_second wait_for 10 sees client tcp $HX4 20010 $C4 $GG4 80
META='{"proto":"tcp","address":null,"dev":null,"ranges":[{"start":8080,"end":null,"to":81,"exclude":false}]}'
printf 'libvirt: { metadata: true }\n' >"$DIR/nfqnat.yaml.new"
nothing >>"$DIR/nfqnat.yaml.new"
mv "$DIR/nfqnat.yaml.new" "$DIR/nfqnat.yaml"
check added_guest_reload said '^reloaded' reload
world "$(web1 running 1 "$WEB1" "$META"),$(web2)"
check added_guest_comes_before_metadata wait_for 10 log_has 'forward web1 \(metadata\).* 2 left out: forwarded already'
check added_guest_keeps_its_port sees client tcp $HX4 8080 $C4 $G4 80

# ---- a main process that dies: it goes on ----
nothing >"$DIR/nfqnat.yaml"
check added_guest_reload_back said '^reloaded' reload
check added_guest_del_pattern said '^deleted' del all
check added_guest_del_fixed said '^deleted' del fixed
check added_guest_watched_still wait_for 10 sees client tcp $HX4 8080 $C4 $G4 80
pid=$DAEMON
n=$(starts)
kill -USR2 "$DAEMON"
check added_guest_upgrade wait_for 10 log_has 'forward web was added by hand and goes on'
same added_guest_same_pid "$pid" "$DAEMON"
check added_guest_watcher_again wait_for 10 started_again "$n"
world "$(web1)"
check added_guest_after_upgrade wait_for 10 sees client tcp $HX4 8080 $C4 $G4 80
world "$(web1 off)"
check added_guest_after_upgrade_off wait_for 10 refused client tcp $HX4 8080

# ---- the last one goes: libvirt is left alone ----
check added_guest_del said '^deleted web; 0 forwards in 0 rows run$' del web
check added_guest_watcher_ends wait_for 10 no_watcher
check added_guest_the_hosts_port answer client tcp $HX4 8080
stops added_guest_stop
finish
