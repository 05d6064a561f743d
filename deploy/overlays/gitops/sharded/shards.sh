#!/usr/bin/env bash
# Prints the ConfigMaps cors-sidecar-rules-0, -1 … of a folder of rule files, for `kubectl apply --server-side -f -`.
# The shard is a checksum of the file's name, so a file keeps its shard when others come and go. Needs no kubectl and no cluster.
# usage: shards.sh RULES-FOLDER NUMBER-OF-SHARDS
set -euo pipefail
rules=$1 shards=$2
export LC_ALL=C
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for ((shard = 0; shard < shards; shard++)); do : >"$scratch/$shard.list"; done
find "$rules" -maxdepth 1 -type f ! -name '.*' | sort | awk -v shards="$shards" -v folder="$scratch" '
  BEGIN { for (code = 1; code < 256; code++) codes[sprintf("%c", code)] = code }
  {
    name = "./" substr($0, match($0, "[^/]*$"))
    sum = 0
    for (at = 1; at <= length(name); at++) sum = (sum * 31 + codes[substr(name, at, 1)]) % 1000003
    print >(folder "/" sum % shards ".list")
  }'

# Prints nothing, so that nothing is applied, until everything is known to fit.
for ((shard = 0; shard < shards; shard++)); do
  size=$(tr '\n' '\0' <"$scratch/$shard.list" | xargs -0 cat -- /dev/null | wc -c)
  if ((size > 1000000)); then
    echo "error: shard $shard has $size bytes, a ConfigMap takes 1048576: use more shards" >&2
    exit 1
  fi
done

# Files as YAML strings in double quotes, in which no indentation, no blank at the end of a line and no tab is lost.
for ((shard = 0; shard < shards; shard++)); do
  printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cors-sidecar-rules-%d\n' "$shard"
  awk '
    NR == 1 { print "data:" }
    {
      file = $0
      printf "  \"%s\": \"", substr(file, match(file, "[^/]*$"))
      while ((getline line <file) > 0) {
        gsub(/\\/, "&&", line); gsub(/"/, "\\\\&", line); gsub(/\t/, "\\t", line); gsub(/\r/, "\\r", line)
        printf "%s\\n", line
      }
      close(file)
      print "\""
    }' "$scratch/$shard.list"
done
