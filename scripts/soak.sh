#!/bin/sh
# The long tests of durability, part after part. What has passed on the same
# sources is not run again, so that a soak that was interrupted goes on where it
# was; `rm -r bin/soak` forgets. Every part's whole output is in bin/soak.
#
#   soak.sh TAGS [PART...]      all parts unless some are named
#
# Exits 1 if a part fails, after all have run.
set -eu
tags=$1
shift
out=bin/soak
mkdir -p "$out"
sources="$(git rev-parse HEAD) $(git diff HEAD | cksum)"
began=$(date +%s)
failed=
ran=0
passed=0

parts() { # name, package, tests, minutes, flags
  cat <<'PARTS'
logs-kill       ./localstore/logstore        ^TestSoakKillLosesNothingAcknowledged$        10
logs-power      ./localstore/logstore        ^TestSoakAPowerCutLosesNothingAcknowledged$   10
logs-syncs      ./localstore/logstore        ^TestSoakFailingSyncsAcknowledgeNothing$      5
logs-full       ./localstore/logstore        ^TestSoakAFullFileSystemHeals$                10
logs-cut        ./localstore/logstore        ^TestSoakALogCutAnywhereWithinItsEnd$         10
logs-flips      ./localstore/logstore        ^TestAFlippedBit                              5
logs-histories  ./localstore/logstore        ^TestOneHistoryUnderAnySettingGivesOneAnswer$ 10 -rapid.checks=3000
report-kill     ./exporters/upstreamexporter ^TestKillNine                                 20
report-power    ./exporters/upstreamexporter ^TestPowerCuts                                20
report-network  ./exporters/upstreamexporter ^TestNoNetwork                                20
report-outages  ./exporters/upstreamexporter ^(TestOutages|TestAFleetThatComesBack)        20
faults          ./test/faults                .                                             20
PARTS
}

took() { echo "$(($(date +%s) - $1)) s"; }

soak() { # name package tests minutes flags...
  name=$1 package=$2 tests=$3 minutes=$4
  shift 4
  ran=$((ran + 1))
  mark=$out/$name.passed
  if [ -f "$mark" ] && [ "$(head -n 1 "$mark")" = "$sources" ]; then
    echo "== $name: passed before on these sources ($(tail -n 1 "$mark"))"
    passed=$((passed + 1))
    return
  fi
  rm -f "$mark"
  echo "== $name: $package $tests"
  start=$(date +%s)
  go test -tags "$tags soak" -count=1 -timeout "${minutes}m" -v -run "$tests" "$package" "$@" >"$out/$name.log" 2>&1 &
  test=$!
  while kill -0 "$test" 2>/dev/null; do
    sleep 1
    [ $((($(date +%s) - start) % 30)) != 29 ] || echo "   $(took "$start"): $(tail -n 1 "$out/$name.log" | cut -c 1-100)"
  done
  if wait "$test" && ! grep -q -e '^ *--- SKIP' -e 'no tests to run' "$out/$name.log"; then
    printf '%s\n%s\n' "$sources" "$(took "$start") on $(date -u +%Y-%m-%d)" >"$mark"
    passed=$((passed + 1))
    sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: /   /p; /^fail-closed/s/^/   /p' "$out/$name.log" | tail -n 3
    echo "   passed in $(took "$start")"
  else
    failed="$failed $name"
    tail -n 20 "$out/$name.log" | sed 's/^/   /'
    echo "   FAILED after $(took "$start"): all it said is in $out/$name.log"
  fi
}

list=$(mktemp)
trap 'rm -f "$list"' EXIT
trap 'echo "   interrupted; what has passed is kept"; kill "$test" 2>/dev/null; exit 130' INT TERM
test=
if [ $# = 0 ]; then
  parts >"$list"
else
  for p; do
    parts | grep "^$p " >>"$list" || { echo "no part '$p'; there are: $(parts | cut -d' ' -f1 | tr '\n' ' ')"; exit 2; }
  done
fi
while read -r line <&3; do
  # shellcheck disable=SC2086 # a line is a list of words without blanks or *
  soak $line
done 3<"$list"
echo "soak: $passed of $ran parts passed in $(took "$began")${failed:+, failed:$failed}"
[ -z "$failed" ]
