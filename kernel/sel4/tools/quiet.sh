#!/bin/sh
# quiet.sh LOG COMMAND...: runs the command with its output in LOG; shows LOG's end if it fails.
log=$1
shift
"$@" >"$log" 2>&1 || { echo "failed; the end of $log:" >&2; tail -n 20 "$log" >&2; exit 1; }
