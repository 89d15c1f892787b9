ABOUT="Google Cloud Storage, JSON API (fake-gcs-server) behind a front that wants tokens of gsm and says what is missing as Google does"
PIN=github.com/fsouza/fake-gcs-server@v1.55.0 PORT_DEFAULT=18370 PORTS=2 NEEDS=gsm # front / fake-gcs-server
install() { go_into "$PIN"; }
start() { launch node "$KIT/stubs/gcs-front.mjs" $PORT "$OPT/fake-gcs-server" http://127.0.0.1:18260; }
ready() { http_is $((PORT + 1)) /_internal/healthcheck 200 && http_is $PORT /storage/v1/b 401; }
client() { printf '%s\n' "GCS_ENDPOINT=http://127.0.0.1:$PORT"; }
