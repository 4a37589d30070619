#!/bin/bash
# Runs inside the dev shell. The marker tells a shell that never came about from a command that failed in it.
: >/build/run/started
[[ -n $3 ]] && exec 2>&3 3>&-
cd -- "$1" || exit 1
# By builtins alone: in an argument, also of `env`, every process of the container could read them. The file is gone before the command is.
if [[ -e /build/run/variables ]]; then
  mapfile -d '' -t catapult_variables </build/run/variables
  rm -f /build/run/variables
  for catapult_variable in "${catapult_variables[@]}"; do export -- "$catapult_variable"; done
  unset catapult_variables catapult_variable
fi
printf '$ %s\n' "$2"
exec /bin/bash -c "$2"
