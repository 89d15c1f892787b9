ABOUT="Google Cloud Storage, JSON API (fake-gcs-server) behind a front that wants tokens of gsm and says what is missing as Google does"
SERVER=github.com/fsouza/fake-gcs-server@v1.55.0
PIN="$SERVER google-cloud-storage==3.17.1" PORT_DEFAULT=18370 PORTS=2 NEEDS=gsm # front / fake-gcs-server
install() { need node; go_into "$SERVER"; pip_into -r "$KIT/locks/gcs.txt"; }
start() { launch node "$KIT/stubs/gcs-front.mjs" $PORT "$OPT/fake-gcs-server" http://127.0.0.1:18260; }
ready() { http_is $((PORT + 1)) /_internal/healthcheck 200 && http_is $PORT /storage/v1/b 401; }
client() { printf '%s\n' "GCS_ENDPOINT=http://127.0.0.1:$PORT" "GCS_SDK=$OPT/py"; } # the vendor's SDK: PYTHONPATH
