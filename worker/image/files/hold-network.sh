#!/bin/bash
# Owns the network of one build: loads the rules, tells what the kernel then holds, says READY and waits. No build joins before, and
# the build has no capability to change the rules. Whatever changes them ends the holder, and the build's network ends with it.
set -eu
nft -f - <<<"$1"
exec 3< <(exec nft monitor)
nft --stateless --terse list ruleset
echo READY
read -r -u 3 change || change='the watch over them ended'
echo "The rules changed: $change" >&2
exit 1
