#!/bin/sh
# Runs every fuzz target of the module for the given time, one after another.
# An input that reaches something new is made smaller for a hundred runs and not,
# as is Go's habit, for a minute, which would be all the time there is.
set -eu
time=${1:-30s}
git grep -l '^func Fuzz' -- '*_test.go' | while read -r file; do
  dir=$(dirname "$file")
  sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file" | while read -r name; do
    echo "== ./$dir $name"
    go test -tags remove_all_sd -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 100x "./$dir" </dev/null
  done
done
