#!/bin/sh
# The three figures of lightness, each against its goal: the stripped binary,
# the resident memory of an idle edge, and the time from start to serving on an
# empty data folder. Exits 1 if one falls short.
set -eu
dir=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; rm -rf "$dir"' EXIT INT TERM
listen=${WEIR_SIZE_LISTEN:-127.0.0.1:17070}
idle=${WEIR_SIZE_IDLE:-30}
fail=0

figure() { # name value goal unit
  verdict=ok
  [ "$(echo "$2 $3" | awk '{print ($1 <= $2)}')" = 1 ] || { verdict=short; fail=1; }
  echo "figure $1 $2 $4 (goal at most $3) $verdict"
}

figure binary "$(wc -c <bin/weir-collector | awk '{printf "%.1f", $1 / 1e6}')" 95 MB

begin=$(date +%s%N)
WEIR_DATA="$dir/data" WEIR_LISTEN="$listen" WEIR_OTLP_GRPC=127.0.0.1:14317 WEIR_OTLP_HTTP=127.0.0.1:14318 \
  WEIR_LOGS="$dir/*.log" WEIR_POLICY= bin/weir-collector --config config/edge.yaml >"$dir/out" 2>&1 &
pid=$!
until curl -fsS -o /dev/null "http://$listen/ready" 2>/dev/null; do
  kill -0 "$pid" 2>/dev/null || { echo "the edge ended at start:"; cat "$dir/out"; exit 2; }
  sleep 0.02
done
figure start "$(echo "$begin $(date +%s%N)" | awk '{printf "%.2f", ($2 - $1) / 1e9}')" 2 s

echo "waiting ${idle} s for the edge to come to rest"
sleep "$idle"
figure idle "$(awk '/^VmRSS/ {printf "%.1f", $2 * 1024 / 1e6}' "/proc/$pid/status")" 90 MB
exit "$fail"
