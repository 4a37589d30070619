#!/bin/bash
# Owns the network of one build. It loads the rules, says so, and waits: no build joins before it has said READY, and when it ends,
# the network ends with it. The build has no capability to change the rules.
set -eu
nft -f - <<<"$1"
echo READY
exec sleep infinity
