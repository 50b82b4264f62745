#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Metrics are valid OpenMetrics, true, and served over HTTP by a process that can do nothing else.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80:whoami udp:80:whoami
config_metrics() {
	echo 'metrics: { listen: "127.0.0.1:9477" }'
	config_web
}
daemon_start -v < <(config_metrics)

# valid FILE - as the reference implementation reads it, which Debian has for its own python
valid() { /usr/bin/python3 - "$1" <<'END'
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
n = sum(len(f.samples) for f in text_string_to_metric_families(open(sys.argv[1]).read()))
assert n > 50, n
END
}
# value SERIES - of the text of nfqnatctl
value() { ctl metrics | awk -v s="$1" 'index($0, s " ") == 1 { print $NF }'; }
value_is() { [ "$(value "$1")" = "$2" ]; }
fetch() { host curl -sS --max-time 10 -o "$DIR/http" -w '%{http_code} %{content_type}' "$@"; }
http_child() {
	local pid

	for pid in $(cat "/proc/$DAEMON/task/"*/children 2>/dev/null); do
		grep -qs '^nfqnat-metrics' "/proc/$pid/comm" && echo "$pid" && return
	done
	return 1
}

check metrics_said log_has 'metrics at http://127.0.0.1:9477/metrics'
ctl metrics >"$DIR/before" || result 'not ok' metrics_text
check metrics_valid_when_idle valid "$DIR/before"
check metrics_tcp sees client tcp $HX4 8080 $C4 $G4 80
check metrics_udp sees client udp $HX6 8080 $C6 $G6 80
hold one client $HX4 8080
check metrics_connected heard one '^tcp '
check metrics_flows value_is nfqnat_flows 3
check metrics_forward_flows value_is "nfqnat_forward_flows{forward=\"web\",guest=\"$G4\"}" 2
check metrics_forward_flows_v6 value_is "nfqnat_forward_flows_opened_total{forward=\"web\",guest=\"$G6\"}" 1
check metrics_reason value_is 'nfqnat_packets_total{reason="OPENED",verdict="accept"}' 3
# What is counted per forward is what the flows say.
counted=$(ctl --json flows --guest $G4 | python3 -c 'import json, sys
print(sum(json.loads(l)["sent"]["octets"] for l in sys.stdin))')
same metrics_octets_are_the_flows "$counted" "$(value "nfqnat_forward_octets_total{forward=\"web\",guest=\"$G4\",direction=\"in\"}")"
before=$(value "nfqnat_forward_packets_total{forward=\"web\",guest=\"$G4\",direction=\"out\"}")
check metrics_flush eval '[[ $(ctl flush --all) == "3 flows ended" ]]'
same metrics_do_not_go_back "$before" "$(value "nfqnat_forward_packets_total{forward=\"web\",guest=\"$G4\",direction=\"out\"}")"
check metrics_flows_ended value_is "nfqnat_forward_flows_opened_total{forward=\"web\",guest=\"$G4\"}" 2

# ---- a forward that is removed keeps its name in what was counted ----
ctl add --name brief --to $G4 8100:80 >/dev/null || result 'not ok' metrics_add
check metrics_brief sees client tcp $HX4 8100 $C4 $G4 80
ctl del brief >/dev/null || result 'not ok' metrics_del
check metrics_removed_forward value_is "nfqnat_forward_flows_opened_total{forward=\"brief\",guest=\"$G4\"}" 1

# ---- rates ----
check metrics_top_once eval "ctl top --once | grep -qE '^web +[0-9]+ '"
check metrics_top_guests eval "ctl top --once --guests | grep -qE '^$G4 +[0-9]+ '"
check metrics_top_json eval "ctl --json top | python3 -c 'import json, sys; [json.loads(l)[\"forward\"] for l in sys.stdin]'"
# On a terminal: script(1) makes one. It shows the names, and q ends it.
on_terminal() {
	(wait_for 10 file_has "$DIR/screen" web; printf g; wait_for 10 file_has "$DIR/screen" "$G4"; printf q) |
		TERM=xterm LINES=24 COLUMNS=80 timeout 30 script -qfec "nsenter --net=/run/netns/$P-host $BUILD/nfqnatctl --socket $DIR/control.sock top" "$DIR/screen" >/dev/null
}
check metrics_top_on_a_terminal on_terminal
check metrics_top_shows file_has "$DIR/screen" "forward.*flows.*in bit/s|web"

# ---- dashboard and alerts ask for what there is ----
unknown_series() {
	grep -ohE 'nfqnat_[a-z_]+' "$TOP/docs/grafana.json" "$TOP/docs/alerts.yaml" | sort -u | while read -r s; do
		ctl metrics | grep -qE "^${s}[ {]" || echo "$s"
	done
}
same metrics_dashboard_series '' "$(unknown_series)"
check metrics_dashboard_is_json python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$TOP/docs/grafana.json"

# ---- HTTP ----
same metrics_http '200 application/openmetrics-text; version=1.0.0; charset=utf-8' "$(fetch http://127.0.0.1:9477/metrics)"
check metrics_http_valid valid "$DIR/http"
same metrics_http_404 '404 text/plain' "$(fetch http://127.0.0.1:9477/)"
same metrics_http_post '405 text/plain' "$(fetch -d x=y http://127.0.0.1:9477/metrics)"
check metrics_http_loopback_only eval '! client curl -sS --max-time 2 http://$HX4:9477/metrics 2>/dev/null'
pid=$(http_child)
check metrics_http_no_capabilities grep -qE '^CapEff:[[:space:]]*0+$' "/proc/$pid/status"
check metrics_http_not_root grep -qE '^Uid:[[:space:]]+[1-9]' "/proc/$pid/status"
# Thirty connections that say nothing: forwarding does not notice, the endpoint is back when they are gone.
spawn host python3 -c 'import socket, time
s = [socket.create_connection(("127.0.0.1", 9477)) for _ in range(30)]
print("open", flush=True)
time.sleep(60)' >"$DIR/silent"
SILENT=$SPAWNED
wait_for 5 file_has "$DIR/silent" open
check metrics_silent_clients_do_not_matter sees client tcp $HX4 8080 $C4 $G4 80
kill "$SILENT"
served() { [[ $(fetch http://127.0.0.1:9477/metrics) == 200* ]]; }
check metrics_http_back wait_for 15 served
kill -KILL "$pid"
check metrics_http_again wait_for 15 served
check metrics_forwarding_goes_on sees client tcp $HX4 8080 $C4 $G4 80
pid=$(http_child)
ctl reload >/dev/null
same metrics_reload_same_child "$pid" "$(http_child)"
# ---- another address, none, and back ----
listens() { host ss -Htln "sport = :$1" | grep -q .; }
sed -i 's/9477/9478/' "$DIR/nfqnat.yaml"
ctl reload >/dev/null
moved() { [[ $(fetch http://127.0.0.1:9478/metrics) == 200* ]]; }
check metrics_moved wait_for 10 moved
check metrics_moved_away eval '! listens 9477'
check metrics_moved_child_gone gone "$pid"
sed -i 's/"127.0.0.1:9478"/off/' "$DIR/nfqnat.yaml"
ctl reload >/dev/null
check metrics_off wait_for 5 eval '! listens 9478 && ! http_child'
sed -i 's/off/"[::1]:9479"/' "$DIR/nfqnat.yaml"
ctl reload >/dev/null
served6() { [[ $(fetch 'http://[::1]:9479/metrics') == 200* ]]; }
check metrics_on_again wait_for 10 served6
check metrics_moved_forwarding sees client tcp $HX4 8080 $C4 $G4 80
pid=$(http_child)
stops metrics_stop
check metrics_child_is_gone gone "$pid"
finish
