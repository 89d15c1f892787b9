. "$KIT/kinds/redis.sh"
ABOUT="Redis over TLS with an ACL: user app may read and write keys app:*, the default user is off"
INSTALL=redis PORT_DEFAULT=18340
start() {
  certificate
  printf '%s\n' 'user default off' 'user app on >testbed-app ~app:* -@all +@read +@write +@connection' >"$RUN/users.acl"
  serve_redis --port 0 --tls-port $PORT --tls-cert-file "$BED/tls/server.pem" --tls-key-file "$BED/tls/server.key" --tls-auth-clients no \
    --aclfile "$RUN/users.acl"
}
ready() { cli --tls --cacert "$BED/tls/ca.pem" --user app -a testbed-app ping | grep -q PONG; }
client() { echo "REDIS_URL=rediss://app:testbed-app@localhost:$PORT"; echo "SSL_CERT_FILE=$BED/tls/ca.pem"; }
