. "$KIT/kinds/etcd.sh"
ABOUT="etcd over TLS with users: root, and a reader of keys below app/"
INSTALL=etcd PORT_DEFAULT=18330
start() { certificate; serve_etcd "https://127.0.0.1:$PORT" --cert-file "$BED/tls/server.pem" --key-file "$BED/tls/server.key"; }
ctl() { ETCDCTL_API=3 "$OPT/usr/bin/etcdctl" --endpoints "https://127.0.0.1:$PORT" --cacert "$BED/tls/ca.pem" "$@"; }
ready() { # authentication is on once this has been true
  port_open $PORT && ctl endpoint health >/dev/null 2>&1 || return 1
  {
    ctl user add root:testbed && ctl user grant-role root root
    ctl role add reader && ctl role grant-permission reader --prefix=true read app/
    ctl user add reader:testbed-reader && ctl user grant-role reader reader
    ctl auth enable
  } >>"$RUN/log" 2>&1
}
client() {
  printf '%s\n' "ETCD_ENDPOINT=https://127.0.0.1:$PORT" "SSL_CERT_FILE=$BED/tls/ca.pem" ETCD_ROOT=root:testbed ETCD_READER=reader:testbed-reader
}
