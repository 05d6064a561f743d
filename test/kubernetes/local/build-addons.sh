#!/usr/bin/env bash
# build-addons.sh FOLDER: builds what makes names, NetworkPolicies and scaling by load testable; up.sh starts those that are there.
# Goes on with the next when one cannot be built, and then ends with 1.
set -uo pipefail
bin=$1
export GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0
status=0

build() { # build NAME MODULE VERSION <main.go
  local name=$1 module=$2 version=$3 work
  if [ -x "$bin/$name" ]; then return 0; fi
  work=$(mktemp -d)
  cat >"$work/main.go"
  printf 'module example.com/%s\n\ngo 1.26.0\n\nrequire %s %s\n' "$name" "$module" "$version" >"$work/go.mod"
  if ! (cd "$work" && { go mod tidy -e >tidy.log 2>&1 || true; } && go build -trimpath -ldflags '-s -w' -o "$bin/$name" .); then
    echo "$name could not be built"
    status=1
  fi
  rm -rf "$work"
}

# With the three plugins that up.sh names: all of them bring the clients of every cloud, and take twenty times as long.
build coredns github.com/coredns/coredns v1.15.0 <<'GO'
package main

import (
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

func main() { coremain.Run() }
GO

# The controller for NetworkPolicies of kube-router alone: its main program adds BGP, IPVS and the client of a cloud.
build network-policies github.com/cloudnativelabs/kube-router/v2 v2.1.0 <<'GO'
package main

import (
	"os"
	"sync"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Usage: network-policies KUBECONFIG NODE SERVICES
func main() {
	config := options.NewKubeRouterConfig()
	config.HostnameOverride, config.ClusterIPCIDRs, config.EnableIPv4 = os.Args[2], []string{os.Args[3]}, true
	client := must(kubernetes.NewForConfig(must(clientcmd.BuildConfigFromFlags("", os.Args[1]))))
	stop := make(chan struct{})
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Informer()
	namespaces := factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	tables, sets, err := netpol.NewIPTablesHandlers(config)
	must(tables, err)
	var lock sync.Mutex
	controller := must(netpol.NewNetworkPolicyController(client, config, pods, policies, namespaces, &lock, tables, sets))
	must(pods.AddEventHandler(controller.PodEventHandler))
	must(namespaces.AddEventHandler(controller.NamespaceEventHandler))
	must(policies.AddEventHandler(controller.NetworkPolicyEventHandler))
	heartbeats := make(chan *healthcheck.ControllerHeartbeat, 10)
	go func() {
		for range heartbeats {
		}
	}()
	var running sync.WaitGroup
	running.Add(1)
	controller.Run(heartbeats, stop, &running)
}
GO

if ! [ -x "$bin/metrics-server" ] && ! GOBIN=$bin GOFLAGS='' go install -trimpath -ldflags '-s -w' sigs.k8s.io/metrics-server/cmd/metrics-server@v0.9.0; then
  echo 'metrics-server could not be built'
  status=1
fi
exit "$status"
