#!/usr/bin/env bash
# up.sh STATE BIN OWNER SYNC: a Kubernetes of one node from the programs in BIN and Debian's packages, in network, mount and process
# namespaces of its own: nothing of it is left when their holder ends, none of its packets can leave the machine, and its
# addresses, those for documentation (RFC 5737), meet no others. Needs root; state is below STATE, logs in STATE/log.
# CoreDNS, kube-router's controller for NetworkPolicies and metrics-server run on the node if BIN has them. When the process OWNER ends,
# even if it is killed, the cluster is taken down. SYNC is the kubelet's syncFrequency.
set -euo pipefail
state=$1 bin=$2 owner=$3 sync=$4
node=192.0.2.10 pods=198.51.100.0/24 services=203.0.113.0/24 dns=203.0.113.10
pki="$state/pki"
mkdir -p "$state/log" "$pki" "$state/cni"
for folder in /var/lib/kubelet /var/lib/containerd /var/log/pods; do
  if [ ! -d "$folder" ]; then
    mkdir -p "$folder"
    echo "$folder" >>"$state/made"
  fi
done
# Control groups of its own: a kubelet removes all that it does not know below its root, even those of another cluster.
group="cors-sidecar-${state##*-}"
echo "$group" >"$state/group"
hierarchies=(/sys/fs/cgroup/*)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then hierarchies=(/sys/fs/cgroup); fi
for hierarchy in "${hierarchies[@]}"; do
  mkdir -p "$hierarchy/$group"
  # Version 1 gives a new group no processors.
  for file in cpuset.cpus cpuset.mems; do
    if [ -e "$hierarchy/$file" ]; then cat "$hierarchy/$file" >"$hierarchy/$group/$file"; fi
  done
done
# The kubelet sets these for the whole machine; down.sh sets them back.
sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes >"$state/sysctl"

cat >"$state/init.sh" <<'INIT'
set -e
ip link set lo up
# A veth pair with both ends in here: a node address without a way out.
ip link add eth0 type veth peer name eth0-out
ip link set eth0-out up
ip addr add 192.0.2.10/24 dev eth0
ip link set eth0 up
ip route add default dev eth0
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/containerd /run/lock
mkdir -p "$state/kubelet" "$state/containerd" "$state/pods" "$state/disks" "$state/etcd"
mount --bind "$state/kubelet" /var/lib/kubelet
mount --bind "$state/containerd" /var/lib/containerd
mount --bind "$state/pods" /var/log/pods
mount -t tmpfs tmpfs "$state/etcd"
touch "$state/ready"
trap : CHLD
while :; do sleep 3600 & wait $! || true; done
INIT
state=$state setsid unshare -m -n -p --fork --mount-proc --kill-child bash "$state/init.sh" >"$state/log/init" 2>&1 </dev/null &
outer=$!
echo "$outer" >"$state/unshare.pid"
until [ -e "$state/ready" ]; do
  kill -0 "$outer" 2>/dev/null || { cat "$state/log/init" >&2; exit 1; }
  sleep 0.1
done
pgrep -P "$outer" >"$state/holder.pid"
down="$(cd "$(dirname "$0")" && pwd)/down.sh"
setsid bash -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; [ ! -d "$2" ] || exec "$3" "$2"' \
  watch "$owner" "$state" "$down" >/dev/null 2>&1 </dev/null &
holder=$(cat "$state/holder.pid")
cat >"$state/ctr" <<SH
#!/bin/sh
exec nsenter -t $holder -m -n -p -- ctr -n k8s.io "\$@"
SH
cat >"$state/inside" <<SH
#!/bin/sh
exec nsenter -t $holder -m -n -p -- "\$@"
SH
mkdir -p "$state/bin"
for tool in kubectl helm; do
  program=$(PATH="$bin:$PATH" command -v "$tool") || continue
  cat >"$state/bin/$tool" <<SH
#!/bin/sh
export KUBECONFIG=$pki/admin.conf
exec nsenter -t $holder -n -- $program "\$@"
SH
done
chmod +x "$state/ctr" "$state/inside" "$state"/bin/*
spawn() { # spawn NAME PROGRAM...
  local name=$1
  shift
  setsid "$state/inside" "$@" >"$state/log/$name" 2>&1 </dev/null &
}
wait_for() { # wait_for NAME COMMAND...
  local name=$1
  shift
  for _ in $(seq 360); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.5
  done
  echo "$name does not come up; its log ends with:" >&2
  tail -n 5 "$state/log/$name" >&2
  exit 1
}

cd "$pki"
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=kube-ca 2>/dev/null
openssl genrsa -out sa.key 2048 2>/dev/null
openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
certificate() { # certificate NAME SUBJECT [ALTERNATIVE NAMES]
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  {
    echo extendedKeyUsage=clientAuth,serverAuth
    if [ -n "${3:-}" ]; then echo "subjectAltName=$3"; fi
  } >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out "$1.crt" -extfile "$1.ext" 2>/dev/null
  cat >"$1.conf" <<CONF
apiVersion: v1
kind: Config
current-context: local
contexts: [{name: local, context: {cluster: local, user: local}}]
clusters: [{name: local, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $pki/ca.crt}}]
users: [{name: local, user: {client-certificate: $pki/$1.crt, client-key: $pki/$1.key}}]
CONF
}
certificate apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$node,IP:203.0.113.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
certificate admin /O=system:masters/CN=admin
certificate kubelet /O=system:nodes/CN=system:node:node-1
certificate manager /CN=system:kube-controller-manager
certificate scheduler /CN=system:kube-scheduler
certificate proxy /CN=system:kube-proxy
certificate front /CN=front-proxy

spawn etcd etcd --data-dir "$state/etcd/data" --listen-client-urls http://127.0.0.1:2379 \
  --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
spawn apiserver "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --advertise-address=$node --secure-port=6443 \
  --service-cluster-ip-range=$services --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
  --allow-privileged=true --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" \
  --tls-private-key-file="$pki/apiserver.key" --kubelet-client-certificate="$pki/admin.crt" \
  --kubelet-client-key="$pki/admin.key" --kubelet-preferred-address-types=InternalIP \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/sa.pub" \
  --service-account-signing-key-file="$pki/sa.key" --enable-aggregator-routing=true \
  --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
  --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file="$pki/front.crt" --proxy-client-key-file="$pki/front.key"

# No OOM score is lowered here or below: that takes CAP_SYS_RESOURCE, which a container that runs this may lack.
cat >"$state/cni/10-bridge.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true, "promiscMode": false,
   "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam", "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
cat >"$state/containerd.toml" <<TOML
version = 2
oom_score = 0
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  max_container_log_line_size = 65536
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$state/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
TOML
spawn containerd containerd --config "$state/containerd.toml"
wait_for containerd "$state/ctr" version

export PATH="$state/bin:$PATH"
wait_for apiserver kubectl get --raw=/readyz
spawn manager "$bin/kube-controller-manager" --kubeconfig="$pki/manager.conf" --leader-elect=false \
  --use-service-account-credentials=true --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" \
  --allocate-node-cidrs=true --cluster-cidr=$pods --node-cidr-mask-size=24 --service-cluster-ip-range=$services
spawn scheduler "$bin/kube-scheduler" --kubeconfig="$pki/scheduler.conf" --leader-elect=false

: >"$state/resolv.conf"
cat >"$state/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$group
syncFrequency: $sync
failSwapOn: false
oomScoreAdj: 0
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [$dns]
clusterDomain: cluster.local
resolvConf: $state/resolv.conf
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
YAML
spawn kubelet "$bin/kubelet" --config="$state/kubelet.yaml" --kubeconfig="$pki/kubelet.conf" --hostname-override=node-1 --node-ip=$node
cat >"$state/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $pki/proxy.conf}
clusterCIDR: $pods
hostnameOverride: node-1
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
spawn proxy "$bin/kube-proxy" --config="$state/proxy.yaml"
wait_for kubelet kubectl wait --for=condition=Ready node/node-1 --timeout=1s

node_service() { # node_service NAME PORT TARGET_PORT PROTOCOL [CLUSTER_IP]: a Service in kube-system for a program on the node
  kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: $1, namespace: kube-system}
spec: {${5:+clusterIP: $5, }ports: [{name: main, port: $2, protocol: $4}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: $1, namespace: kube-system, labels: {kubernetes.io/service-name: $1}}
addressType: IPv4
endpoints: [{addresses: [$node]}]
ports: [{name: main, port: $3, protocol: $4}]
YAML
}
if [ -x "$bin/coredns" ]; then
  cat >"$state/Corefile" <<COREFILE
.:53 {
  bind $node
  errors
  kubernetes cluster.local {
    kubeconfig $pki/admin.conf
  }
}
COREFILE
  spawn coredns "$bin/coredns" -conf "$state/Corefile"
  node_service kube-dns 53 53 UDP $dns
fi
if [ -x "$bin/network-policies" ]; then
  spawn network-policies "$bin/network-policies" "$pki/admin.conf" node-1 $services
fi
if [ -x "$bin/metrics-server" ]; then
  spawn metrics-server "$bin/metrics-server" --kubeconfig="$pki/admin.conf" --authentication-kubeconfig="$pki/admin.conf" \
    --authorization-kubeconfig="$pki/admin.conf" --cert-dir="$state/metrics-server" --secure-port=4443 \
    --kubelet-insecure-tls --kubelet-preferred-address-types=InternalIP --metric-resolution=15s
  node_service metrics-server 443 4443 TCP
  kubectl apply -f - >/dev/null <<'YAML'
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-server, namespace: kube-system}
YAML
fi
kubectl get node node-1 -o jsonpath='{.status.nodeInfo.kubeletVersion} {.status.nodeInfo.containerRuntimeVersion}'
