# What starts peers of others and waits for them, for tests/interop/run and examples/run. What they print is kept in
# target/$label.

peers=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$peers/../.." && pwd)
home=$root/target/$label
libraries=$root/target/interop
venv=$libraries/venv
limit=${INTEROP_TIMEOUT:-120}

started=()
end_started() {
    local pid
    for pid in ${started[@]+"${started[@]}"}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    started=()
}
trap end_started EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { echo "$label: $*" >&2; }
die() { say "$@"; exit 1; }

# As root, or with sudo; where neither works the packages have to be there.
packages() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    command -v apt-get >/dev/null || die "there is no apt-get to install $* with"
    say "installing $*"
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq "$@" >/dev/null
}

needed=()
python3 -c 'import ensurepip, venv' 2>/dev/null || needed+=(python3 python3-venv)
command -v npm >/dev/null || needed+=(npm)
command -v node >/dev/null || needed+=(nodejs)
command -v chromium >/dev/null || needed+=(chromium)
command -v chromedriver >/dev/null || needed+=(chromium-driver)
[ ${#needed[@]} = 0 ] || packages "${needed[@]}"

mkdir -p "$home" "$libraries"
rm -f "$home"/*.log
# What says that an environment is complete is copied last.
if ! { cmp -s "$peers/requirements.txt" "$venv/requirements.txt" && "$venv/bin/python" -c '' 2>/dev/null; }; then
    say "installing what requirements.txt names"
    rm -rf "$venv"
    python3 -m venv "$venv"
    timeout 600 "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$peers/requirements.txt"
    cp "$peers/requirements.txt" "$venv/requirements.txt"
fi
if ! cmp -s "$peers/package.json" "$libraries/node/node_modules/package.json"; then
    say "installing what package.json names"
    rm -rf "$libraries/node"
    mkdir "$libraries/node"
    cp "$peers/package.json" "$libraries/node"
    timeout 600 npm install --prefix "$libraries/node" --loglevel error --no-audit --no-fund --no-package-lock >&2
    cp "$peers/package.json" "$libraries/node/node_modules/package.json"
fi
export NODE_PATH=$libraries/node/node_modules PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$peers
python=$venv/bin/python

version() { "$python" -c 'import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))' "$1"; }
chromium="chromium $(chromium --version | sed -n 's/.*hromium \([0-9.]*\).*/\1/p')" || die "chromium does not start"
ws="ws $(node -p 'require("ws/package.json").version') in node $(node -p process.versions.node)"
websockets="websockets $(version websockets)"

# Starts a server, and sets found to the URL that it says it listens on.
start() {
    local log=$1 pid count
    shift
    : >"$log"
    "$@" >"$log" 2>&1 &
    pid=$!
    started+=("$pid")
    for count in {1..300}; do
        if found=$(sed -n 's|^listening on \(wss\{0,1\}://.*\)$|\1|p' "$log") && [ -n "$found" ]; then return; fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    cat "$log" >&2
    return 1
}

# Where what a check prints is kept.
log_of() { echo "$home/${1//[^a-z0-9.]/-}.log"; }

# Runs a client with a bound on its time, with its name and a pattern for a line that it has to print.
run_client() {
    local name=$1 pattern=$2 log status=0
    log=$(log_of "$name")
    shift 2
    timeout --kill-after 10 "$limit" "$@" >"$log" 2>&1 &
    started+=("$!")
    wait "$!" || status=$?
    unset 'started[-1]'
    if [ "$status" = 0 ] && ! grep -q -- "$pattern" "$log"; then
        echo "there is no line with: $pattern" >>"$log"
        status=1
    fi
    if [ "$status" != 0 ]; then
        cat "$log" >&2
        say "$name: failed with status $status"
        return 1
    fi
}

# Runs a client against a server, through a relay that looks at the frames, with a name, a pattern for a line that it has
# to print, and how many KiB its messages of more than 1 MiB may take at most when they are compressed.
check() {
    local name=$1 pattern=$2 most=$3 url=$4 lines
    shift 4
    run_client "$name" "$pattern" "$python" "$peers/wire.py" "$url" "$most" "$@" || return 1
    mapfile -t lines < <(tail -n 2 "$(log_of "$name")")
    echo "$label: $name: ${lines[1]-}: ${lines[0]-}: ok"
}
