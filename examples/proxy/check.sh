# Between clients and servers on websockets in Python, on ws in Node and on plain sockets.
at_most 125 "$here"/proxy/src/*.rs

# Starts a proxy, and sets found, and pids and peaks of those whose memory is bounded.
start_proxy() {
    local log=$1
    shift
    start "$log" "$built/proxy" --addr 127.0.0.1:0 "$@" || die "the proxy does not start"
    pids+=("${started[-1]}")
    peaks+=("$(peak_of "${started[-1]}")")
}

# The most memory that a process has had so far, in KiB.
peak_of() { sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$1/status"; }

# Whatever has gone through a proxy, it has taken at most 8 MiB more than at its start.
check_memory() {
    local i most=0 more
    for i in "${!pids[@]}"; do
        more=$(($(peak_of "${pids[i]}") - peaks[i]))
        [ "$more" -le "$most" ] || most=$more
    done
    pids=() peaks=()
    if [ "$most" -gt $((8 << 10)) ]; then
        say "$1: the proxy took $most KiB"
        return 1
    fi
    echo "$label: $1: $most KiB of memory: ok"
}

pids=() peaks=()
log=$home/proxy_ws_server.log
start "$log" node "$here/proxy/check.js" server || die "the server on ws does not start"
upstream=$found
start_proxy "$home/proxy_to_ws.log" "$upstream"
first=$found
start_proxy "$home/proxy_to_ws_plain.log" "$upstream" --plain-upstream
check_alone "$websockets through the proxy to $ws" '^4 times 64 MiB' \
    "$python" "$here/proxy/check.py" echoes "$first" "$found" || failed=1
check_memory "the proxy to ws" || failed=1
# Both sides agree for themselves: the server compresses with one proxy, whatever the client does, and never with the other.
expect "$log" 2 '^extensions: permessage-deflate$' || failed=1
expect "$log" 2 '^extensions: $' || failed=1
expect "$log" 4 '^closed: 4001 bye$' || failed=1
end_server "$home/proxy_to_ws.log" || failed=1

log=$home/proxy_websockets_server.log
start "$log" "$python" "$here/proxy/check.py" server || die "the server on websockets does not start"
upstream=$found
start_proxy "$home/proxy_to_websockets.log" "$upstream"
first=$found
start_proxy "$home/proxy_to_websockets_plain.log" "$upstream" --plain-clients
check_alone "$ws through the proxy to $websockets" '^4 times 64 MiB' \
    node "$here/proxy/check.js" client "$first" "$found" || failed=1
expect "$log" 4 '^closed: 4001 bye$' || failed=1
expect "$log" 4 '^extensions: permessage-deflate$' || failed=1
check_alone "what websockets may do through the proxy" '^headers, ' \
    "$python" "$here/proxy/check.py" client "$first" || failed=1
expect "$log" 1 '^closed: 1001 client: the transport ended before the closing handshake did$' || failed=1
expect "$log" 1 '^closed: 1001 client: the peer broke the protocol' || failed=1
check_memory "the proxy to websockets" || failed=1

# A port on which nobody listens.
down=$("$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
start_proxy "$home/proxy_to_nobody.log" "ws://127.0.0.1:$down"
nobody=$found
start_proxy "$home/proxy_hasty.log" "$upstream" --patience 3 --keep-host
check_alone "those who do not go on, to the proxy" '^no server, ' \
    "$python" "$here/proxy/check.py" hasty "$found" "$nobody" || failed=1
expect "$log" 1 '^flooded with less than 64 MiB$' || failed=1
expect "$log" 1 '^closed: 1001 client: the peer did not read$' || failed=1
expect "$log" 2 '^closed: 1001 client: a message or frame came too slowly$' || failed=1
check_memory "the proxy that is flooded" || failed=1
end_server "$home/proxy_hasty.log" || failed=1

log=$home/proxy_sockets_server.log
start "$log" "$python" "$here/proxy/check.py" sockets || die "the server on sockets does not start"
start_proxy "$home/proxy_to_sockets.log" "$found" --patience 3
check_alone "servers on sockets behind the proxy" '^early message, ' \
    "$python" "$here/proxy/check.py" sockets-client "$found" || failed=1
expect "$log" 1 '^broken: (1002, ' || failed=1
expect "$log" 1 "^half: (1008, 'too slow')$" || failed=1
end_server "$home/proxy_to_sockets.log" || failed=1
