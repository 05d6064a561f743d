#!/usr/bin/env bash
# load.sh STATE IMAGE:TAG...: carries images from buildah's storage into the cluster, under their tag and under name@digest, as
# overlays name them. Prints "name digest" for each.
set -euo pipefail
state=$1
shift
for image in "$@"; do
  file="$state/image.tar"
  rm -f "$file"
  # Not oci-archive: that compresses every layer, which takes ten times as long.
  buildah push -q "$image" "docker-archive:$file:$image" >/dev/null
  "$state/ctr" images import "$file" >/dev/null
  rm -f "$file"
  digest=$("$state/ctr" images ls "name==$image" | awk 'NR == 2 { print $3 }')
  name=${image%:*}
  "$state/ctr" images tag --force "$image" "$name@$digest" >/dev/null
  echo "$name $digest"
done
