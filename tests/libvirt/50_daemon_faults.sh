#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A libvirtd that ends, is killed or hangs costs no packet of a guest that runs.

. "$(dirname "$0")/lib.sh"

config() {
	cat <<-END
		queue: 0
		steering: ${STEERING:-auto}
		libvirt: { uri: ["qemu:///system", "lxc:///system"] }
		forwards:
		  - { guest: c1, publish: ["8081:80", "7001:7777"] }
	END
}

# Absent at start: refused, never this host's own service; then it comes.
libvirtd_answers >/dev/null 2>&1 || must "libvirtd starts" libvirtd_start
lab_ready
vl start c1 >/dev/null
libvirtd_end TERM
daemon_start < <(config)
"$BUILD/tools/serve" tcp:8081:http >/dev/null &
OWN=$!
check absent_never_the_hosts_own refused $H4 8081
must "libvirtd starts" libvirtd_start
check absent_comes http $H4 8081 c1
check absent_comes_v6 answers $H6 8081
kill $OWN

for f in 4 6; do
	h=H$f
	from_client steady "${!h}" 7001 >"$DIR/steady$f" 2>&1 &
	steady[f]=$!
	must "conversation over IPv$f" wait_for "$LONG" file_has "$DIR/steady$f" talking
done

says() { tail -n "+$1" "$DIR/daemon.log" | grep -qE "$2"; }
for signal in TERM KILL; do
	libvirtd_end $signal
	check "sig${signal,,}_new_connections" http_now $H4 8081 c1
	must "libvirtd starts" libvirtd_start
	check "sig${signal,,}_and_back" http $H4 8081 c1
done

# Hangs for a minute, longer than keepalive and the watcher's patience take. A reload works, for what is known of guests.
kill -STOP "$(libvirtd_pid)"
stopped=$(now_ms)
daemon_reload < <(config; echo '  - { guest: c1, publish: ["8082:80"] }')
check hang_reload_adds answers $H4 8082
daemon_reload < <(config)
check hang_reload_removes refused $H4 8082
wait_for 70 since "$stopped" 60000
check hang_is_told file_has "$DIR/daemon.log" 'lxc:///system does not answer for [0-9]+ s: the connection is given up'
check hang_a_minute_new_connections http_now $H4 8081 c1
kill -CONT "$(libvirtd_pid)"
check hang_a_minute_and_back http $H4 8081 c1

# The watcher itself is killed: another one takes its place.
watcher() { pgrep -P "$DAEMON" -x nfqnat-virt; }
old=$(watcher)
kill -9 "$old"
another() { new=$(watcher) && [ "$new" != "$old" ]; }
check watcher_is_replaced wait_for "$LONG" another
check watcher_killed_new_connections http_now $H4 8081 c1

# And while there is no libvirtd to tell the new one anything: what was known stays.
libvirtd_end TERM
old=$(watcher)
kill -9 "$old"
check watcher_killed_without_libvirtd_is_replaced wait_for "$LONG" another
check watcher_killed_without_libvirtd_guests_stay wait_for "$LONG" file_has "$DIR/daemon.log" 'its watcher is new: [1-9]+ guests stay'
check watcher_killed_without_libvirtd_new_connections http_now $H4 8081 c1
must "libvirtd starts" libvirtd_start
check watcher_killed_without_libvirtd_and_back http $H4 8081 c1

for f in 4 6; do
	pkill -TERM -P "${steady[f]}" -f 'probe steady'
	wait "${steady[f]}"
	check "no_packet_lost_v$f" grep -qE '^[1-9][0-9]* answered, 0 lost$' "$DIR/steady$f"
	result_note <"$DIR/steady$f"
done
vl destroy c1 >/dev/null
check still_followed refused $H4 8081
