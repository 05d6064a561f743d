#!/usr/bin/env bash
# down.sh STATE: ends the process that holds the cluster's namespaces, and with it all its processes, mounts and interfaces;
# removes its control groups and sets the kernel's values back.
set -u
state=$1
holder=$(cat "$state/holder.pid" 2>/dev/null)
outer=$(cat "$state/unshare.pid" 2>/dev/null)
if [ -n "$holder" ]; then kill -9 "$holder" 2>/dev/null; fi
for _ in $(seq 100); do
  if [ -z "$outer" ] || ! kill -0 "$outer" 2>/dev/null; then break; fi
  sleep 0.1
done
group=$(cat "$state/group" 2>/dev/null)
for round in 1 2 3 4 5; do
  left=0
  for folder in /sys/fs/cgroup/"${group:-none}" /sys/fs/cgroup/*/"${group:-none}" /sys/fs/cgroup/k8s.io /sys/fs/cgroup/*/k8s.io; do
    [ -d "$folder" ] || continue
    find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null
    if [ -d "$folder" ] && [ "${folder##*/}" = "$group" ]; then left=1; fi
  done
  if [ "$left" = 0 ]; then break; fi
  sleep 0.5
done
if [ -e "$state/sysctl" ]; then
  while IFS= read -r line; do sysctl -qw "${line// = /=}"; done <"$state/sysctl"
fi
for folder in $(cat "$state/made" 2>/dev/null); do rmdir "$folder" 2>/dev/null; done
rm -rf "$state"
if [ "${left:-0}" = 1 ] || [ -e "$state" ]; then
  echo 'not everything of the cluster could be removed' >&2
  exit 1
fi
