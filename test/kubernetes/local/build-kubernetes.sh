#!/usr/bin/env bash
# build-kubernetes.sh FOLDER: builds one program that is apiserver, controller-manager, scheduler, kubelet, proxy or kubectl, by
# the name of the link to it. One link step in place of six. `go install` refuses k8s.io/kubernetes, as its go.mod has
# replace lines; so a main module gives its own. Takes minutes; does nothing when FOLDER has the program.
set -euo pipefail
version=${KUBERNETES_VERSION:-1.34.4}
bin=$1
if [ -x "$bin/kube" ] && "$bin/kubelet" --version | grep -qx "Kubernetes v$version"; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$bin"
cd "$work"
export GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
cat >go.mod <<MODULE
module example.com/kube

go 1.24.0

godebug default=go1.24

require k8s.io/kubernetes v$version
MODULE
go mod download "k8s.io/kubernetes@v$version"
# The modules that Kubernetes keeps in its own repository, by the numbers under which they are published.
sed -n 's#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#replace \1 => \1 v0.'"${version#1.}"'#p' \
  "$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v/v$version.mod" >>go.mod
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": manager.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
		"kube-proxy":              proxy.NewProxyCommand,
	}
	name := filepath.Base(os.Args[0])
	if name == "kubectl" {
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
		return
	}
	create, known := commands[name]
	if !known {
		fmt.Fprintln(os.Stderr, "call this program by the name of a Kubernetes component")
		os.Exit(2)
	}
	os.Exit(cli.Run(create()))
}
GO
go mod tidy -e >tidy.log 2>&1 || true
flags='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags="$flags -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=$(echo "$version" | cut -d. -f2) -X $package.gitTreeState=clean"
done
go build -trimpath -ldflags "$flags" -o kube .
mv kube "$bin/kube"
for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do ln -sf kube "$bin/$name"; done
