#!/bin/bash
# Runs inside the dev shell. The marker tells a shell that never came about from a command that failed in it.
: >/build/run/started
[[ -n $3 ]] && exec 2>&3 3>&-
cd -- "$1" || exit 1
printf '$ %s\n' "$2"
exec /bin/bash -c "$2"
