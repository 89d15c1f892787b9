ABOUT="Redis, nothing kept on disk, with a password"
PIN=redis-server=5:7.0.15-1~deb12u10 PORT_DEFAULT=18290
install() { deb_into "$PIN" "redis-tools=${PIN#*=}" libatomic1 libjemalloc2 liblzf1; }
libs() { echo "$OPT/usr/lib/$(dpkg --print-architecture | sed 's/amd64/x86_64/; s/arm64/aarch64/')-linux-gnu"; }
serve_redis() { launch env LD_LIBRARY_PATH="$(libs)" "$OPT/usr/bin/redis-server" --bind 127.0.0.1 --save '' --appendonly no --dir "$RUN" "$@"; }
cli() { LD_LIBRARY_PATH=$(libs) "$OPT/usr/bin/redis-cli" -p $PORT --no-auth-warning "$@" 2>/dev/null; }
start() { serve_redis --port $PORT --requirepass testbed; }
ready() { cli -a testbed ping | grep -q PONG; }
client() { echo "REDIS_URL=redis://:testbed@127.0.0.1:$PORT"; }
