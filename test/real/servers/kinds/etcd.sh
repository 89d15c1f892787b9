ABOUT="etcd: v3 gRPC and its JSON gateway on one port, no authentication"
PIN=etcd-server=3.4.23-4+b4 PORT_DEFAULT=18280 PORTS=2 # the second port is for peers
install() { deb_into "$PIN" "etcd-client=${PIN#*=}"; }
serve_etcd() { # CLIENT_URL FLAG…
  local url=$1 peer=http://127.0.0.1:$((PORT + 1))
  launch "$OPT/usr/bin/etcd" --data-dir "$RUN/data" --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls $peer --initial-advertise-peer-urls $peer --initial-cluster default=$peer "${@:2}"
}
start() { serve_etcd http://127.0.0.1:$PORT; }
ready() { http_is $PORT /health 200; }
client() { printf '%s\n' "ETCD_ENDPOINT=http://127.0.0.1:$PORT" ETCDCTL_API=3 "ETCDCTL_ENDPOINTS=http://127.0.0.1:$PORT" "ETCDCTL=$OPT/usr/bin/etcdctl"; }
