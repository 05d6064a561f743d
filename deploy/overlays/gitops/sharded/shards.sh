#!/usr/bin/env bash
# Prints the ConfigMaps cors-sidecar-rules-0, -1 … of a folder of rule files, for `kubectl apply --server-side -f -`.
# A file stays in its shard whatever comes and goes: the shard is a checksum of its name. Needs kubectl, no cluster.
# usage: shards.sh RULES-FOLDER NUMBER-OF-SHARDS
set -euo pipefail
rules=$1 shards=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for ((shard = 0; shard < shards; shard++)); do
  mkdir "$scratch/$shard"
  : >"$scratch/$shard.list"
done
(cd "$rules" && find . -maxdepth 1 -type f ! -name '.*') | LC_ALL=C awk -v shards="$shards" -v folder="$scratch" '
  BEGIN { for (code = 1; code < 256; code++) codes[sprintf("%c", code)] = code }
  {
    sum = 0
    for (at = 1; at <= length($0); at++) sum = (sum * 31 + codes[substr($0, at, 1)]) % 1000003
    print >(folder "/" sum % shards ".list")
  }'
for ((shard = 0; shard < shards; shard++)); do
  tar -C "$rules" -cf - -T "$scratch/$shard.list" | tar -C "$scratch/$shard" -xf -
  size=$(find "$scratch/$shard" -type f -exec cat {} + | wc -c)
  if ((size > 1000000)); then
    echo "error: shard $shard has $size bytes, a ConfigMap takes 1048576: use more shards" >&2
    exit 1
  fi
  kubectl create configmap "cors-sidecar-rules-$shard" --from-file="$scratch/$shard" --dry-run=client -o yaml
  echo ---
done
