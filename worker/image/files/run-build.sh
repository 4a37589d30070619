#!/bin/bash
# The first process of a build's container: finds the dev shell, runs the command in it, and tells by its exit status what went wrong.
# The cgroup's counters are read here because they are gone with the container, and Podman's OOMKilled is always false.
# Everything from `conclude` on that runs after a failure uses builtins only where it can: at the limit of processes nothing forks.
set -u

readonly out_of_memory=71 too_many_processes=72 disk_full=73 output_missing=74 output_empty=75 output_not_folder=76
readonly no_dev_shell=77 tool_missing=78 command_failed=79 root_dir_missing=80 output_outside=81 terminated=82

# One page, allocated while there is space: the report is written into it when the disk may be full.
readonly report=/build/run/report
printf '%4096s' '' >"$report"
readonly shell_log=/build/run/shell.log

# conclude REASON STATUS OOM_KILLS PID_REFUSALS
conclude() {
  printf 'status=%s\noom_kills=%s\npid_refusals=%s\n' "$2" "$3" "$4" 1<>"$report"
  exit "$1"
}

# read_counter KEY FILE...: the value beside KEY in the first of the files that is there, into $counter. (cgroup v1, then v2)
read_counter() {
  local wanted=$1 file key value
  shift
  counter=0
  for file in "$@"; do
    [[ -r $file ]] || continue
    while read -r key value _; do [[ $key == "$wanted" ]] && counter=$value; done <"$file"
    return
  done
}

read_limits() {
  read_counter oom_kill /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events
  oom_kills=$counter
  read_counter max /sys/fs/cgroup/pids/pids.events /sys/fs/cgroup/pids.events
  pid_refusals=$counter
}

# is_full FOLDER: less than 1 % of the blocks or none of the inodes left.
is_full() {
  local blocks available inodes
  read -r blocks available inodes < <(stat --file-system --format='%b %a %d' "$1")
  ((available * 100 < blocks || inodes == 0))
}

mapfile -d '' -t request </build/run/request
mapfile -d '' -t environment </build/run/environment
readonly root_dir=${request[0]} command=${request[1]} output_dir=${request[2]} devshell=${request[3]}
readonly root=/build/source/$root_dir

if [[ -s /build/ca.pem ]]; then
  readonly bundle=/build/run/ca-bundle.pem
  cat /etc/ssl/certs/ca-certificates.crt /build/ca.pem >"$bundle"
  environment+=("NODE_EXTRA_CA_CERTS=/build/ca.pem" "SSL_CERT_FILE=$bundle" "NIX_SSL_CERT_FILE=$bundle" "GIT_SSL_CAINFO=$bundle" "CURL_CA_BUNDLE=$bundle")
else
  environment+=("NIX_SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt")
fi
# Package caches lie under /build/cache: what is there after a success is given to the next build. TMPDIR is under the disk's cap too.
environment+=(
  HOME=/build/home USER=build LOGNAME=build SHELL=/bin/bash LANG=C.UTF-8 TERM=dumb TMPDIR=/build/tmp PATH=/usr/local/bin:/usr/bin:/bin
  XDG_CACHE_HOME=/build/cache/xdg XDG_DATA_HOME=/build/cache/data
  NIX_CONF_DIR=/opt/catapult/nix NIX_CACHE_HOME=/build/home/.cache/nix
  npm_config_cache=/build/cache/npm npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
  YARN_CACHE_FOLDER=/build/cache/yarn YARN_GLOBAL_FOLDER=/build/cache/yarn-global YARN_ENABLE_TELEMETRY=0
)

# What a repository's own flake made in builds before of the same repository and trust. It is not signed: who may write there may as well
# write what is built. A path that cannot be had from it is built.
readonly nix_cache=/build/cache/nix
# What of it is kept, in KiB, and how long keeping may take, in seconds.
readonly nix_cache_limit=$((512 * 1024)) nix_cache_time=60

cd -- "$root" 2>/dev/null || conclude $root_dir_missing 1 0 0

flake=
for folder in "$root" /build/source; do
  [[ -z $flake && -f $folder/flake.nix ]] && flake=$(realpath -- "$folder")
done

if [[ -n $flake && -f $nix_cache/nix-cache-info ]]; then
  environment+=("NIX_CONFIG=extra-substituters = file://$nix_cache?trusted=true&priority=1"$'\n''fallback = true')
fi

# in_nix COMMAND…: with what the shell was made with, and nothing read from what the build left open.
in_nix() {
  env --ignore-environment "${environment[@]}" timeout --kill-after=1 "$nix_cache_time" "$@" </dev/null 2>>"$shell_log"
}

# keep_store: puts what derivations made in this build's store into the cache. Whatever goes wrong costs the next build time, never this one
# its success. The repository's own source is no derivation's, and stays out, as it is new with each commit.
keep_store() {
  local paths path new=
  local -a kept=()
  mapfile -t paths < <(in_nix find /nix/store -maxdepth 1 -name '*.drv' -exec nix-store --query --outputs {} +)
  for path in "${paths[@]}"; do
    [[ -e $path ]] || continue
    kept+=("$path")
    path=${path#/nix/store/}
    [[ -e $nix_cache/${path%%-*}.narinfo ]] || new=1
  done
  [[ -n $new ]] || return 0
  copy_store && is_small && return
  # Outgrown by what commits before needed: what this one needs may fit alone.
  rm -rf -- "$nix_cache"
  copy_store && is_small && return
  rm -rf -- "$nix_cache"
}

copy_store() {
  in_nix nix copy --no-check-sigs --to "file://$nix_cache?compression=zstd" "${kept[@]}"
}

is_small() {
  local size
  read -r size _ < <(du -sk -- "$nix_cache")
  ((size <= nix_cache_limit))
}

ended=
trap 'ended=1' TERM

# Everything the repository decides runs below this one, so that the kernel chooses it, not this process, when memory runs out.
(
  echo 500 >/proc/self/oom_score_adj
  shell=(--offline "path:/opt/catapult/devshells#$devshell")
  if [[ $devshell == zola ]]; then shell=("path:/opt/catapult/devshells#zola"); fi
  own=
  if [[ -n $flake ]]; then
    system=$(uname -m)-linux
    has_shell=$(env --ignore-environment "${environment[@]}" "CATAPULT_FLAKE=$flake" nix eval --impure --no-write-lock-file --expr \
      'let f = builtins.getFlake "path:${builtins.getEnv "CATAPULT_FLAKE"}"; s = builtins.currentSystem; in ((f.devShells or { }).${s} or { }) ? default || (f.devShell or { }) ? ${s}') || exit 1
    if [[ $has_shell == true ]]; then
      echo "Using the dev shell of the repository's flake.nix"
      shell=(--no-write-lock-file "path:$flake")
      own=1
      : >/build/run/own-shell
    else
      echo "The repository's flake.nix has no dev shell for $system; using Catapult's"
    fi
  fi
  # Of a shell that costs no download nobody wants to read how Nix made it, unless it failed; run-shell.sh takes the output back.
  quiet=
  if [[ -z $own && $devshell != zola ]]; then quiet=1 && exec 3>&2 2>"$shell_log"; fi
  # `nix develop` writes the folder that it runs in into a script, without quoting it. run-shell.sh goes to the site's folder by itself.
  if [[ $root == *[^A-Za-z0-9._/@+-]* ]]; then cd /build/home; fi
  exec env --ignore-environment "${environment[@]}" nix develop "${shell[@]}" --command /bin/bash /opt/catapult/run-shell.sh "$root" "$command" "$quiet"
) </dev/null &
wait $!
status=$?

read_limits
((oom_kills > 0)) && conclude $out_of_memory $status "$oom_kills" "$pid_refusals"
if [[ -n $ended ]]; then conclude $terminated $status "$oom_kills" "$pid_refusals"; fi
if ((status != 0)); then
  ((pid_refusals > 0)) && conclude $too_many_processes $status "$oom_kills" "$pid_refusals"
  for folder in /build /nix /tmp; do is_full $folder && conclude $disk_full $status 0 0; done
  [[ -e /build/run/started ]] || { [[ -e $shell_log ]] && cat "$shell_log"; conclude $no_dev_shell $status 0 0; }
  ((status == 127)) && conclude $tool_missing $status 0 0
  conclude $command_failed $status 0 0
fi

# What the checks below find may be due to a limit that the command did not mind.
reject() {
  ((pid_refusals > 0)) && conclude $too_many_processes 0 0 "$pid_refusals"
  is_full /build && conclude $disk_full 0 0 0
  conclude "$1" 0 0 0
}
[[ -e $root/$output_dir ]] || reject $output_missing
[[ -d $root/$output_dir ]] || reject $output_not_folder
output=$(realpath -- "$root/$output_dir")
[[ $output == /build/source || $output == /build/source/* ]] || reject $output_outside
chmod u+rwx -- "$output"
shopt -s dotglob nullglob
entries=("$output"/*)
((${#entries[@]} > 0)) || reject $output_empty
# Renames on the same file system: they cost nothing, however large the output is. The top folder itself lies in one that is root's.
if [[ $output == /build/source ]]; then
  mkdir /build/output/site
  find /build/source -mindepth 1 -maxdepth 1 -exec mv --target-directory=/build/output/site -- {} +
else
  mv --no-target-directory -- "$output" /build/output/site
fi || reject $output_missing
[[ -e /build/run/own-shell ]] && keep_store
exit 0
