ABOUT="Azure Blob Storage (Azurite) over TLS: audience, issuer and time of tokens, signatures of SAS and account keys; tokens are those of akv"
SERVER=azurite@3.35.0
PIN="$SERVER azure-storage-blob==12.31.1" PORT_DEFAULT=18360 NEEDS=akv
install() { need node npm openssl; npm install --prefix "$OPT" --no-audit --no-fund --omit=optional --loglevel=error "$SERVER"; pip_into -r "$KIT/locks/azurite.txt"; }
start() {
  certificate
  launch env "AZURITE_ACCOUNTS=testbed:$KEY" node "$OPT/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 --blobPort $PORT \
    --inMemoryPersistence --oauth basic --cert "$BED/tls/server.pem" --key "$BED/tls/server.key" --skipApiVersionCheck --disableTelemetry --silent
}
ready() { port_open $PORT; }
KEY=dGVzdGJlZC10ZXN0YmVkLXRlc3RiZWQtdGVzdGJlZC10ZXN0YmVkLXRlc3RiZWQtdGVzdGJlZC10ZXN0YmU=
client() {
  printf '%s\n' "AZURITE_URL=https://localhost:$PORT/testbed" AZURITE_ACCOUNT=testbed "AZURITE_KEY=$KEY" "SSL_CERT_FILE=$BED/tls/ca.pem" \
    "AZURITE_SDK=$OPT/py" # the vendor's SDK: PYTHONPATH
}
