#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nfqnatctl shows and changes what a running daemon does, with real packets.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80-83:whoami udp:80-83:whoami
serve guest2 tcp:80:whoami
config_more() {
	config_web
	echo "  - name: other
    to: $GG4
    publish: \"8070:80\"
    allow: 203.0.113.0/24"
}
daemon_start -v < <(config_more)

# said PATTERN ARG... - nfqnatctl says it and ends well
said() {
	local want=$1

	shift
	ctl "$@" >"$DIR/said" 2>&1 && grep -qE -- "$want" "$DIR/said" && return
	echo "want: $want; got:"
	cat "$DIR/said"
	return 1
}
# refuses STATUS PATTERN ARG... - nfqnatctl ends with STATUS, says PATTERN on stderr and nothing on stdout
refuses() {
	local want=$2 status=$1 got

	shift 2
	ctl "$@" >"$DIR/said" 2>"$DIR/said.err"
	got=$?
	[ "$got" = "$status" ] && ! [ -s "$DIR/said" ] && grep -qE -- "$want" "$DIR/said.err" && return
	echo "want: status $status, $want; got: status $got"
	cat "$DIR/said" "$DIR/said.err"
	return 1
}
# counts N ARG... - so many lines
counts() {
	local n=$1

	shift
	ctl "$@" >"$DIR/said" 2>&1 && [ "$(wc -l <"$DIR/said")" = "$n" ] && return
	echo "want: $n lines; got:"
	cat "$DIR/said"
	return 1
}
is_json() { ctl --json "$@" >"$DIR/json" 2>&1 && python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$DIR/json"; }
width_80() { ! ctl "$@" | grep -qE '.{81}'; }

# ---- what runs ----
check ctl_status said 'worker +pid [0-9]+, [0-9]+ threads$' status
check ctl_status_json is_json status
check ctl_status_fits_80_columns width_80 status
check ctl_no_colour_in_a_pipe eval '! ctl status | grep -q "$(printf "\033")"'
check ctl_colour_on_demand eval 'ctl --colour always forwards | grep -q "$(printf "\033")"'
check ctl_forwards said "^web +tcp4 +\*:8080 +$G4:80\$" forwards
check ctl_forwards_v6 said "^web +tcp6 +\*:8080 +\[$G6\]:80\$" forwards
check ctl_forwards_sources said "^other +tcp4 +\*:8070 +$GG4:80 +1 prefix\$" forwards other
check ctl_forwards_by_name counts 2 forwards other
check ctl_forwards_unknown refuses 1 'no forward of this name' forwards nosuch
check ctl_forwards_json is_json forwards

# ---- what one tries first ----
check ctl_help said '^  flows +the flow table' --help
check ctl_help_of_a_command said '^usage: nfqnatctl \[--json\] flows \[--guest' flows --help
check ctl_help_as_a_command said '^usage: nfqnatctl \[--json\] trace' help trace
check ctl_h said '^usage: nfqnatctl \[--json\] add' add -h
check ctl_no_command refuses 2 '^usage: nfqnatctl'
check ctl_unknown_command refuses 2 'there is no command .statsu.' statsu
full() { ctl status >/dev/full 2>"$DIR/said.err" && return 1; grep -q 'could not be written: No space left' "$DIR/said.err"; }
check ctl_full_disk full
check ctl_head eval 'ctl flows | head -n 0; ctl status | head -n 1 | grep -q ^nfqnatd'

# ---- flows ----
hold one client $HX4 8080
hold six client $HX6 8080
check ctl_connected heard one '^tcp '
check ctl_connected_v6 heard six '^tcp '
check ctl_udp sees client udp $HX4 8080 $C4 $G4 80
check R91_flows_v4 said "^tcp +ESTABLISHED +$C4:[0-9]+ > $HX4:8080 +$G4:80 " flows
check R91_flows_v6 said "^tcp +ESTABLISHED +\[$C6\]:[0-9]+ > \[$HX6\]:8080 +\[$G6\]:80 " flows
check R91_flows_udp said "^udp +answered +$C4:[0-9]+ > $HX4:8080 +$G4:80 " flows --proto udp
check ctl_flows_all counts 4 flows
check ctl_flows_by_proto counts 2 flows --proto udp
check ctl_flows_by_state counts 3 flows --state ESTABLISHED
check ctl_flows_by_address counts 2 flows --address 2001:db8:100::/64
check ctl_flows_by_guest counts 3 flows --guest $G4
check ctl_flows_by_forward counts 4 flows --forward web
check ctl_flows_by_forward_none counts 0 flows --forward other
check ctl_flows_by_port counts 4 flows --port 8080
check ctl_flows_by_port_none counts 0 flows --port 9
check ctl_flows_sorted counts 4 flows --sort octets
check ctl_flows_json is_json flows
check ctl_flows_json_sorted is_json flows --sort left
check ctl_flows_bad_state refuses 1 "state 'FOO' is not known" flows --state FOO
check ctl_flows_bad_address refuses 1 "is not an address" flows --address 300.1.2.3
check ctl_flows_bad_port refuses 2 'number from 1 to 65535' flows --port 70000
check ctl_flows_bad_sort refuses 2 'sort size is not known' flows --sort size

# ---- streams: what is shown is what happened ----
watch() {
	spawn host "$BUILD/nfqnatctl" --socket "$DIR/control.sock" "${@:2}" >"$DIR/$1" 2>"$DIR/$1.err"
	WATCHER[$1]=$SPAWNED
}
declare -A WATCHER
watchers() { [ "$(ctl --json status | python3 -c 'import json,sys; print(json.load(sys.stdin)["watchers"]["now"])')" = "$1" ]; }
watch events events --proto tcp
watch trace trace tcp port 8080 and host $C4
watch tracejson --json trace udp
watch capture capture "$DIR/all.pcapng"
check ctl_four_watch wait_for 10 watchers 4
check ctl_watched_v4 sees client tcp $HX4 8080 $C4 $G4 80
check ctl_watched_v6 sees client tcp $HX6 8080 $C6 $G6 80
check ctl_watched_udp sees client udp $HX4 8080 $C4 $G4 80
check ctl_events_new wait_for 5 file_has "$DIR/events" "flow [0-9]+ new tcp $C4:[0-9]+ > $HX4:8080 => $C4:[0-9]+ > $G4:80 forward web"
check ctl_events_state file_has "$DIR/events" 'flow [0-9]+ state SYN_RECV -> ESTABLISHED'
check ctl_events_filtered eval "! grep -q udp '$DIR/events'"
check ctl_trace_before_and_after wait_for 5 file_has "$DIR/trace" "pkt pre in=up0 tcp $C4:[0-9]+ > $HX4:8080 => $C4:[0-9]+ > $G4:80 \[S\].*forward web: translated, new flow, waited [0-9]+ us, took [0-9.]+ us"
check ctl_trace_answer file_has "$DIR/trace" "pkt post .* $G4:80 > $C4:[0-9]+ => $HX4:8080 > $C4:[0-9]+ \[SA\].*translated, took [0-9.]+ us\$"
check ctl_trace_filtered eval "! grep -qE '2001:db8|udp' '$DIR/trace'"
check ctl_trace_json wait_for 5 file_has "$DIR/tracejson" '"reason":"OPENED"'
frames() { tshark -r "$DIR/all.pcapng" -Y "$1" 2>/dev/null | wc -l; }
frames_are() { [ "$(frames "$1")" -ge "$2" ]; }
check ctl_capture_ends eval 'kill -INT ${WATCHER[capture]}; wait_for 5 gone ${WATCHER[capture]}'
check ctl_capture_before frames_are "ip.dst == $HX4 && tcp.dstport == 8080 && tcp.flags.syn == 1 && frame.interface_name == before" 1
check ctl_capture_after frames_are "ip.dst == $G4 && tcp.dstport == 80 && tcp.flags.syn == 1 && frame.interface_name == after" 1
check ctl_capture_v6 frames_are "ipv6.dst == $G6 && tcp.dstport == 80 && frame.interface_name == after" 1
check ctl_capture_comment frames_are 'frame.comment contains "forward web" && frame.comment contains "translated, new flow"' 2
same ctl_capture_no_bad_packet 0 "$(frames '_ws.malformed')"
# Checksums of what went: whole, as the guest got them.
bad_sums() { tshark -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -r "$DIR/all.pcapng" -Y 'frame.interface_name == after && (tcp.checksum.status == 0 || udp.checksum.status == 0)' 2>/dev/null | wc -l; }
same ctl_capture_checksums 0 "$(bad_sums)"
# Other readers than Wireshark: libpcap, and the daemon's replay, which finds every packet that was captured.
check ctl_capture_for_tcpdump eval "tcpdump -nr '$DIR/all.pcapng' 'tcp dst port 80' 2>/dev/null | grep -qF '$G4.80: Flags [S]'"
check ctl_capture_can_be_replayed eval "'$NFQNATD' --replay '$DIR/all.pcapng' --config '$DIR/nfqnat.yaml' | grep -F 'forward web: translated, new flow'"
check ctl_capture_says_how_many file_has "$DIR/capture.err" '[0-9]+ packets written to .*, 0 lost'
check ctl_bad_filter refuses 2 "filter .host and. *: .*pcap-filter" trace "host and"
kill -INT ${WATCHER[events]} ${WATCHER[trace]} ${WATCHER[tracejson]}
check ctl_watchers_gone wait_for 5 watchers 0

# ---- a forward that is added ----
check ctl_add_not_there_yet refused client tcp $HX4 8100
check ctl_add said '^added extra; 3 forwards in' add --name extra --to $G4,$G6 8100:82 8100:82/udp
check ctl_add_is_shown said "^extra +udp6 +\*:8100 +\[$G6\]:82 +added\$" forwards extra
check ctl_add_v4 sees client tcp $HX4 8100 $C4 $G4 82
check ctl_add_v6 sees client tcp $HX6 8100 $C6 $G6 82
check ctl_add_udp sees client udp $HX4 8100 $C4 $G4 82
check ctl_add_keeps_flows say one "after add"
check ctl_add_same_name refuses 1 'forward named extra exists' add --name extra --to $G4 8101
check ctl_add_taken refuses 1 'published by forward web' add --to $G4 8080:81
check ctl_add_mistakes refuses 1 '2 mistakes; nothing was changed' add --to 1.2.3 99999
check ctl_add_names_mistakes eval "ctl add --to 1.2.3 8102 2>&1 | grep -q '1.2.3'"
check ctl_add_source_ports refuses 1 'mistake' add --to $G4 61000:80
hold extra client $HX4 8100
check ctl_extra_connected heard extra '^tcp '
check ctl_reload_keeps_added said '^reloaded; 3 forwards' reload
check ctl_reload_added_goes_on say extra "after reload"
check ctl_del said '^deleted extra; 2 forwards' del extra
was_reset() { wait_for 5 gone "${HELD_PID[$1]}" && grep -q 'error ECONNRESET' "$DIR/hold.$1"; }
check ctl_del_resets was_reset extra
check ctl_del_is_gone refused client tcp $HX4 8100
check ctl_del_keeps_flows say six "after del"
check ctl_del_not_ours refuses 1 'was not added by hand' del web
check ctl_del_unknown refuses 1 'no forward nosuch' del nosuch
check ctl_add_for said '^added' add --name short --to $G4 --for 3s 8103:83
check ctl_add_for_is_shown said "^short +tcp4 .* for [123]s\$" forwards short
check ctl_add_for_works sees client tcp $HX4 8103 $C4 $G4 83
check ctl_add_for_ends wait_for 10 refused client tcp $HX4 8103
check ctl_add_for_bad refuses 2 'for 20x: write for example' add --to $G4 --for 20x 8104

# ---- an added forward whose ports the file takes waits, and comes back ----
check ctl_add_waits_first said '^added' add --name waits --to $G4 8105:83
config_more >"$DIR/nfqnat.yaml"
echo "  - name: taker
    to: $GG4
    publish: \"8105:80\"" >>"$DIR/nfqnat.yaml"
check ctl_file_comes_first said '^reloaded' reload
check ctl_file_has_the_port sees client tcp $HX4 8105 $C4 $GG4 80
check ctl_added_waits_and_says_why said '^not active: forward waits: the configuration publishes' forwards
config_more >"$DIR/nfqnat.yaml"
check ctl_file_gives_it_back said '^reloaded' reload
check ctl_added_is_back sees client tcp $HX4 8105 $C4 $G4 83
check ctl_waits_del said '^deleted' del waits

# ---- why ----
check ctl_why_new said "after|$C4:4000 > $G4:80" why tcp $C4:4000 $HX4:8080
check ctl_why_new_opens eval "grep -q 'translated, new flow' '$DIR/said' && grep -q 'this packet opens one' '$DIR/said'"
check ctl_why_names_the_line eval "grep -qE 'forward  web, .*nfqnat.yaml:[0-9]+' '$DIR/said'"
check ctl_why_firewall_passed eval "grep -q \"passed the host's FORWARD rules\" '$DIR/said'"
check ctl_why_changes_nothing counts 0 flows --port 4000
check ctl_why_v6 said "\[$C6\]:4000 > \[$G6\]:80" why tcp "[$C6]:4000" "[$HX6]:8080"
check ctl_why_not_allowed said 'dropped, source is not on the forward.s allow list' why tcp $C4:4000 $HX4:8070
check ctl_why_not_allowed_by_whom eval "grep -qE 'forward  other, .*nfqnat.yaml:[0-9]+' '$DIR/said'"
check ctl_why_no_forward said 'no forward for it, left to the host' why tcp $C4:4000 $HX4:9
check ctl_why_not_this_host said 'not an address of this host' why udp $C4:4000 8.8.8.8:53
check ctl_why_local said "at out: translated, new flow" why tcp $HX4:4000 $HX4:8080
check ctl_why_ping said "translated, new flow" why icmp $C4 $HX4
one() { ctl --json flows --state ESTABLISHED --guest $G4 | head -n 1 | python3 -c 'import json,sys
f = json.loads(sys.stdin.readline()); e = f[sys.argv[1]]
a, b = (e["src"], e["sport"]), (e["dst"], e["dport"])
print("tcp %s:%d %s:%d" % (*(a if len(sys.argv) < 3 else b), *(b if len(sys.argv) < 3 else a)))' "$@"; }
# shellcheck disable=SC2046 # words are wanted
check ctl_why_known_flow said 'flow     [0-9]+, ESTABLISHED' why $(one orig)
check ctl_why_known_flow_is_translated eval "grep -q 'translated' '$DIR/said' && ! grep -q 'new flow' '$DIR/said'"
# shellcheck disable=SC2046
check ctl_why_answer said "at post .*translated" why $(one xlat inverse)
check ctl_why_answer_after eval "grep -q '$HX4:8080 > $C4' '$DIR/said'"
check ctl_why_json is_json why tcp $C4:4000 $HX4:8080
check ctl_why_bad refuses 2 'a tuple is two ends' why tcp $C4:4000

# ---- reload with mistakes ----
cp "$DIR/nfqnat.yaml" "$DIR/good.yaml"
echo 'forwards: [ { to: 1.2.3, publish: ["99999"] } ]' >"$DIR/nfqnat.yaml"
check ctl_reload_names_mistakes refuses 1 'nfqnat.yaml:1:[0-9]+: .*1\.2\.3' reload
check ctl_reload_bad_changes_nothing sees client tcp $HX4 8080 $C4 $G4 80
cp "$DIR/good.yaml" "$DIR/nfqnat.yaml"

# ---- flush ----
check ctl_flush_needs_a_filter refuses 1 'which flows' flush
check ctl_flush_none said '^0 flows ended' flush --port 9
check ctl_flush_by_family said '^[1-9][0-9]* flows? ended' flush --family 6
check ctl_flush_resets_client was_reset six
check ctl_flush_keeps_others say one "after a flush"
# The tuple as flows print it is the tuple that flush reads.
tuple() { ctl flows --state ESTABLISHED --forward web | sed -nE 's/^(tcp) +ESTABLISHED +([^ ]+) > ([^ ]+) .*/\1 \2 > \3/p' | head -n 1; }
# shellcheck disable=SC2046 # words are wanted
check ctl_flush_by_tuple said '^1 flow ended' flush $(tuple)
check ctl_flush_by_tuple_resets was_reset one
established() { guest ss -Htn state established sport = :80 | grep -q .; }
not_established() { ! established; }
check ctl_flush_resets_guest wait_for 5 not_established

# ---- why, and the firewall ----
check ctl_why_no_rule said 'firewall no rule of this host' why tcp $C4:4001 $HX4:8080
reject=$(host sh -c 'command -v iptables-nft || command -v iptables')
host "$reject" -A FORWARD -p tcp --dport 80 -m conntrack --ctstate NEW -j REJECT
check ctl_why_passed_in_spite_of_it said 'firewall no rule of this host' why tcp $C4:4001 $HX4:8080
FIREWALL=respect config_more >"$DIR/nfqnat.yaml"
check ctl_why_respect said '^reloaded' reload
check ctl_why_names_the_rule said 'firewall new connections are rejected by .*(dport|dpt).* 80' why tcp $C4:4001 $HX4:8080
check ctl_why_is_right no_answer client tcp $HX4 8080
host "$reject" -F FORWARD
config_more >"$DIR/nfqnat.yaml"
check ctl_why_pass_again said '^reloaded' reload

# ---- completion ----
# completes WORD... - what bash would offer for the last word
completes() {
	PATH=$BUILD:$PATH NFQNAT_SOCKET=$DIR/control.sock bash -c '. "$1"; shift; COMP_WORDS=(nfqnatctl "$@"); COMP_CWORD=$#; _nfqnatctl
		printf "%s\n" "${COMPREPLY[@]}"' bash "$TOP/ctl/nfqnatctl.bash" "$@"
}
same ctl_completes_commands "flows flush forwards" "$(completes f | sort | tr '\n' ' ' | sed 's/ $//')"
same ctl_completes_forwards web "$(completes flows --forward w)"
same ctl_completes_guests "$G6" "$(completes flush --guest fd)"
same ctl_completes_options "--state" "$(completes flows --st)"
commands_known() { local c; for c in $(ctl --help | awk '/^  [a-z]/ { print $1 }'); do completes "${c:0:4}" | grep -qx "$c" || echo "$c"; done; }
same ctl_completes_every_command '' "$(commands_known)"

# ---- the manual has every command ----
undocumented() { local c; for c in $(ctl --help | awk '/^  [a-z]/ { print $1 }'); do grep -qE "^\.It Cm $c( |\$)" "$TOP/docs/nfqnatctl.8" || echo "$c"; done; }
same ctl_manual_has_every_command '' "$(undocumented)"

# ---- the worker dies: nfqnatctl tells ----
old=$(worker)
kill -KILL "$old"
check ctl_new_worker wait_for 10 worker_is_not "$old"
check ctl_status_counts_deaths wait_for 5 said '1 died and were replaced' status
check ctl_after_death sees client tcp $HX4 8080 $C4 $G4 80
stops ctl_stop
check ctl_no_daemon refuses 3 'no nfqnatd answers' status
check ctl_socket_is_gone eval '! [ -e "$DIR/control.sock" ]'
finish
