#!/bin/sh
# Starts an edge, a fleet and a sample product on this machine, waits for four
# reports, shows side by side what stayed home and what the fleet knows, and
# goes on until it is stopped. `make demo` builds what it needs.
#
#   demo/run.sh [--once]      --once: stop after the comparison
#
# Everything it writes is under ./data-demo, which each run begins anew.
# WEIR_LISTEN, WEIR_OTLP_GRPC, WEIR_OTLP_HTTP and WEIR_FLEET_LISTEN move the
# addresses; that of the fleet's receiver is in the policy and stays.
set -eu
cd "$(dirname "$0")/.."

once=no
case "${1-}" in
--once) once=yes ;;
'') ;;
*) echo "demo: unknown argument $1; the only one is --once" >&2; exit 2 ;;
esac

edge=${WEIR_LISTEN:-127.0.0.1:7070}
grpc=${WEIR_OTLP_GRPC:-127.0.0.1:4317}
otlp=${WEIR_OTLP_HTTP:-127.0.0.1:4318}
fleet=${WEIR_FLEET_LISTEN:-127.0.0.1:7171}
reports=127.0.0.1:4418
policy=policies/sample-shop.yaml
data=./data-demo

fail() { echo "demo: $*" >&2; exit 1; }

for b in weir-collector weir demo-shop demo-compare; do
	[ -x "bin/$b" ] || fail "bin/$b is missing: run 'make demo', which builds it"
done
bin/demo-compare free "$edge" "$grpc" "$otlp" "$fleet" "$reports" || exit 1

rm -rf "$data"
mkdir -p "$data/edge" "$data/fleet" "$data/shop-logs"

shop_pid= edge_pid= fleet_pid=
# stop ends the children, the one that sends first, and waits for each, so that
# what was sent is stored and what is in the ledger is synced.
stop() {
	trap '' INT TERM
	trap - EXIT
	for pid in $shop_pid $edge_pid $fleet_pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}
trap 'code=$?; stop; exit $code' EXIT
trap 'echo; echo "demo: stopping"; stop; exit 0' INT TERM

# until_ready URL PID LOG: waits for a collector, and says why if it ended.
until_ready() {
	tries=0
	until bin/demo-compare ready -timeout 1s "http://$1" 2>/dev/null; do
		kill -0 "$2" 2>/dev/null || { tail -n 5 "$3" >&2; fail "$3 has the whole of it"; }
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || fail "http://$1/ready does not answer: see $3"
	done
}

echo "demo: accepting $policy in the customer's name"
WEIR_DATA="$data/edge" bin/weir policy accept "$policy" --by demo --reason "sample policy of the demo"

WEIR_DATA="$data/fleet" WEIR_FLEET_LISTEN="$fleet" WEIR_FLEET_OTLP_HTTP="$reports" \
	WEIR_FLEET_POLICIES="$policy" \
	bin/weir-collector --config config/fleet.yaml >"$data/fleet.log" 2>&1 &
fleet_pid=$!
until_ready "$fleet" "$fleet_pid" "$data/fleet.log"
echo "demo: the fleet is ready at http://$fleet, its log is $data/fleet.log"

echo "demo: the vendor makes a token for its customer, the customer's edge enrols with it"
WEIR_DATA="$data/fleet" bin/weir fleet enroll sample-customer --url "https://$reports" >"$data/token" 2>/dev/null
WEIR_DATA="$data/edge" WEIR_POLICY="$policy" bin/weir enroll --token-file "$data/token"
rm "$data/token"

WEIR_DATA="$data/edge" WEIR_POLICY="$policy" WEIR_LOGS="$data/shop-logs/*.log" \
	WEIR_LISTEN="$edge" WEIR_OTLP_GRPC="$grpc" WEIR_OTLP_HTTP="$otlp" \
	bin/weir-collector --config config/edge.yaml >"$data/edge.log" 2>&1 &
edge_pid=$!
until_ready "$edge" "$edge_pid" "$data/edge.log"
echo "demo: the edge is ready at http://$edge, its log is $data/edge.log"

OTEL_EXPORTER_OTLP_ENDPOINT="http://$otlp" bin/demo-shop -logs "$data/shop-logs" >"$data/shop.log" 2>&1 &
shop_pid=$!
echo "demo: the sample product is running, its log is $data/shop.log"

# How busy the processors are is known after 11 s, from two measurements: the
# fourth report always has it, the third not always.
bin/demo-compare -edge "http://$edge" -fleet "http://$fleet" -data "$data/edge" -wait-reports 4

[ "$once" = no ] || exit 0
cat <<END

It goes on until you stop it with Ctrl-C. Meanwhile:

  bin/demo-compare -edge http://$edge -fleet http://$fleet -data $data/edge
  WEIR_DATA=$data/edge bin/weir ledger tail
  WEIR_DATA=$data/edge bin/weir ledger verify
  bin/weir policy explain $policy
END
while kill -0 "$edge_pid" 2>/dev/null && kill -0 "$fleet_pid" 2>/dev/null && kill -0 "$shop_pid" 2>/dev/null; do
	sleep 1 &
	wait $! || true
done
fail "one of the three ended by itself: see $data/*.log"
