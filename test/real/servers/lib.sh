# Shared by up, down and list. A kind of server is one file in kinds/, which sets
#   ABOUT, PORT_DEFAULT, PORTS (how many ports it takes, counted up from its port; 1),
#   OPTIONAL (1: not in the default set), PIN (what is installed), INSTALL (whose installation it uses; its own),
#   NEEDS (kinds that must run, on their default ports)
# and defines
#   install   fill the empty folder $OPT (once)      start    call `launch COMMAND…`; $PORT and the empty folder $RUN are ready
#   ready     true once the server answers           client   print KEY=VALUE lines, no spaces in a value
set -euo pipefail
KIT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BED=${BELLHOP_TESTBED:-${XDG_CACHE_HOME:-$HOME/.cache}/bellhop-testbed}
PYTHON=${PYTHON:-python3}
mkdir -p "$BED/opt" "$BED/run"

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
need() { local c; for c in "$@"; do command -v "$c" >/dev/null || die "$NAME needs the command '$c'"; done; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }

# ---- kinds and instances
names() { local f; for f in "$KIT"/kinds/*.sh; do basename "$f" .sh; done; }
kind() { # NAME: its settings, over the defaults
  NAME=$1 OPTIONAL=0 PORTS=1 NEEDS= INSTALL=$1
  [ -f "$KIT/kinds/$NAME.sh" ] || die "no server '$NAME'; there are: $(names | tr '\n' ' ')"
  . "$KIT/kinds/$NAME.sh"
  OPT=$BED/opt/$INSTALL
}
load() { # NAME [PORT]
  kind "$1"
  PORT=${2:-$PORT_DEFAULT}
  [[ $PORT =~ ^[0-9]+$ ]] || die "'$PORT' is not a port"
  RUN=$BED/run/$NAME@$PORT
}
instances() { local d; for d in "$BED"/run/${1:-*}@*/; do [ -d "$d" ] && basename "$d"; done; return 0; } # NAME@PORT, a line each
installed() { [ "$(cat "$OPT/.pin" 2>/dev/null)" = "$PIN" ]; }

# ---- processes: a pid counts only with its start time, so that a number used again by another process is never ended
birth() { # PID: its start time; nothing for one that has ended
  local s
  { read -r s <"/proc/$1/stat"; } 2>/dev/null || return 1
  s=${s##*) }
  set -- $s
  [ "$1" != Z ] && echo "${20}"
}
running() { local p b; read -r p b 2>/dev/null <"$RUN/pid" && [ "$(birth "$p")" = "$b" ]; }
launch() { # runs COMMAND in its own process group, with $RUN as home and working folder
  (cd "$RUN" && HOME=$RUN exec setsid "$@" </dev/null >"$RUN/log" 2>&1 9>&-) &
  local p=$!
  sleep 0.02
  echo "$p $(birth "$p" || echo gone)" >"$RUN/pid"
}
stop() {
  local p b i
  running || { rm -rf "$RUN"; return 0; }
  read -r p b <"$RUN/pid"
  kill -TERM -- "-$p" 2>/dev/null || kill -TERM "$p"
  for ((i = 0; i < 100; i++)); do running || break; sleep 0.05; done
  ! running || kill -KILL -- "-$p"
  rm -rf "$RUN"
}

# ---- users: who an instance runs for. `kept` was started by hand and runs until `down`; every other name is PID.BIRTH of a process,
# and the last of them to end takes the instance with it. An instance without the folder is kept, too.
user() { # the user's name of the process in BELLHOP_SERVERS_FOR
  local b
  [ -n "${BELLHOP_SERVERS_FOR:-}" ] || { echo kept; return; }
  b=$(birth "$BELLHOP_SERVERS_FOR") || die "process $BELLHOP_SERVERS_FOR, for which $NAME should run, has ended"
  echo "$BELLHOP_SERVERS_FOR.$b"
}
release() { # USER: ends what runs for nobody else
  local i
  for i in $(instances); do
    RUN=$BED/run/$i
    [ -e "$RUN/users/$1" ] || continue
    exec 9>"$RUN.lock"
    flock 9
    rm -f "$RUN/users/$1"
    if [ -d "$RUN/users" ] && [ -z "$(ls -A "$RUN/users")" ]; then stop; fi
    exec 9>&-
  done
}

# ---- probes, without any tool
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
http() { # PORT PATH: the answer's status, or nothing
  local v s
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET %s HTTP/1.1\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
  read -r -t 5 v s _ <&3 || true
  exec 3>&-
  echo "${s:-}"
}
http_is() { [ "$(http "$1" "$2")" = "$3" ]; }

# ---- installers; `up` keeps what they print in $BED/opt/NAME.log
pip_into() { # NAME==VERSION… or -r FILE
  need "$PYTHON"
  "$PYTHON" -m pip install --no-input --no-deps --disable-pip-version-check --retries 2 --target "$OPT/py" "$@"
}
go_into() { need go; GOBIN=$OPT go install "$1"; }
deb_get() { apt-get download "$1" || { apt-get -q update && apt-get download "$1"; }; }
deb_into() { # PACKAGE=VERSION…: unpacked into $OPT; nothing is installed on the machine, no service is started
  need apt-get dpkg-deb
  mkdir -p "$OPT/deb"
  local p
  for p in "$@"; do
    (cd "$OPT/deb" && { deb_get "$p" || { echo "note: $p is no longer served, taking the current version"; deb_get "${p%%=*}"; }; })
  done
  for p in "$OPT"/deb/*.deb; do dpkg-deb -x "$p" "$OPT"; done
  rm -rf "$OPT/deb"
}
certificate() { # an own CA and a certificate for localhost and 127.0.0.1, in $BED/tls
  need openssl flock
  exec 7>"$BED/tls.lock"
  flock 7
  make_certificate 7>&-
  exec 7>&-
}
make_certificate() {
  local d=$BED/tls
  openssl x509 -checkend 86400 -noout -in "$d/server.pem" >/dev/null 2>&1 && return 0
  rm -rf "$d"; mkdir -p "$d"
  (
    umask 077; cd "$d"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 90 -subj "/CN=bellhop testbed CA"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj "/CN=localhost"
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile ext -out server.pem
  ) 2>"$d.log" || { cat "$d.log" >&2; return 1; }
}
