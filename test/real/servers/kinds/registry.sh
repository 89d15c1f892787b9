ABOUT="Registry of images (CNCF distribution) over TLS, with a password, or with tokens of REGISTRY_REALM; REGISTRY_OPEN=1: plain HTTP for everybody"
PIN=github.com/distribution/distribution/v3/cmd/registry@v3.0.0 PORT_DEFAULT=18350
install() { go_into "$PIN"; }
start() {
  certificate
  local tls="tls: { certificate: $BED/tls/server.pem, key: $BED/tls/server.key }" auth="htpasswd: { realm: testbed, path: $RUN/htpasswd }"
  [ -z "${REGISTRY_REALM:-}" ] || auth="token: { realm: '$REGISTRY_REALM', service: testbed, issuer: testbed, rootcertbundle: $BED/tls/ca.pem }"
  [ "${REGISTRY_OPEN:-0}" = 0 ] || tls= auth=
  echo 'writer:$2y$05$4TseLNV/RpeDRLZl5k38iuQHakU9zFsnXfHmUyUxTgxq40wDwPgMy' >"$RUN/htpasswd" # bcrypt of testbed-writer
  printf '%s\n' 'version: 0.1' 'log: { level: warn }' 'storage: { inmemory: {} }' "http: { addr: '127.0.0.1:$PORT', $tls }" ${auth:+"auth: { $auth }"} >"$RUN/config.yml"
  OTEL_TRACES_EXPORTER=none launch "$OPT/registry" serve "$RUN/config.yml"
}
ready() { port_open $PORT; }
client() { printf '%s\n' "REGISTRY_HOST=localhost:$PORT" "REGISTRY_CA=$BED/tls/ca.pem" REGISTRY_USER=writer REGISTRY_PASSWORD=testbed-writer "REGISTRY_TLS=$BED/tls"; }
