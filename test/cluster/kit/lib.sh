# lib.sh: names and small tools shared by install, up, down, guard, image-import (sourced)
set -euo pipefail
KIT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
K8S_VERSION=v1.33.13
HELM_VERSION=v3.18.6
CERT_MANAGER_VERSION=v1.18.2 PROMETHEUS_OPERATOR_VERSION=v0.84.0      # only the definitions of their kinds are taken
COMMANDS=(kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl)
PACKAGES=(containerd runc containernetworking-plugins busybox-static openssl curl iproute2 util-linux gcc libc6-dev python3)
BED=${BELLHOP_TESTBED:-${XDG_CACHE_HOME:-$HOME/.cache}/bellhop-testbed}
CACHE=$BED/kubernetes
BIN=$CACHE/bin-$K8S_VERSION
HELM=$CACHE/helm-$HELM_VERSION/helm
CRDS=$CACHE/crds-$CERT_MANAGER_VERSION-$PROMETHEUS_OPERATOR_VERSION
IMAGES=$CACHE/images
RUN=${BELLHOP_KUBE_RUN:-$CACHE/run}
PKI=$RUN/pki
NODE=localhost
PORT=${BELLHOP_KUBE_PORT:-16443}            # API server; etcd takes the next two, the kubelet the one after
API=https://127.0.0.1:$PORT; ETCD_PORT=$((PORT + 1)); PEER_PORT=$((PORT + 2)); KUBELET_PORT=$((PORT + 3))
SOCK=$RUN/containerd.sock
# what envtest has downloaded (etcd, kube-apiserver, kubectl) goes before our own; etcd may also be that of test/real/servers
export PATH=${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS:}$BIN:/usr/sbin:/usr/bin:/sbin:/bin:$PATH:$BED/opt/etcd/usr/bin

say() { echo "$*" >&2; }
die() { say "error: $*"; exit 1; }
now() { date +%s%N; }
has() { command -v "$1" > /dev/null; }
ctr_() { ctr -a "$SOCK" -n k8s.io "$@"; }
# one `up` or `down` at a time; what they start does not inherit the lock
lock() { mkdir -p "$CACHE"; exec 9> "$CACHE/lock"; flock 9; }
# a process is "name pid starttime" in $RUN/pids; the start time keeps us from ever touching a recycled pid
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{print $20}'; }
running() { [ -r "/proc/$1/stat" ] && [ "$(born "$1")" = "$2" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
proc_of() { awk -v n="$1" '$1==n{print $2, $3}' "$RUN/pids" 2>/dev/null; }
is_up() { local p; p=$(proc_of "$1"); [ -n "$p" ] && running $p; }
