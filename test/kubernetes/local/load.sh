#!/usr/bin/env bash
# load.sh STATE IMAGE:TAG...: carries images from buildah's storage into the cluster, under their tag and under name@digest, as
# overlays name them. Prints "name digest" for each.
set -euo pipefail
state=$1
shift
for image in "$@"; do
  file="$state/image.tar"
  rm -f "$file"
  buildah push -q --digestfile "$state/digest" "$image" "oci-archive:$file:$image" >/dev/null
  "$state/ctr" images import "$file" >/dev/null
  digest=$(cat "$state/digest")
  name=${image%:*}
  "$state/ctr" images tag --force "$image" "$name@$digest" >/dev/null
  rm -f "$file"
  echo "$name $digest"
done
