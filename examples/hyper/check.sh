# The server with ws in Node and websockets in Python; the client with servers on both, and with one on sockets.
at_most 60 "$here"/hyper/src/*.rs

# Our client against an echo server of others: text that is compressed, and printed as it came back.
check_hyper_client() {
    local name="our client on hyper to $1" log=$home/server.log failed=0 text
    shift
    text=$(printf 'Zoë wrote %s. 🦀 ' {1..3000})
    start "$log" "$@" || { say "$name: the server does not start"; return 1; }
    if check "$name" '^closed: 1000 "", both sides closed$' 64 "$found" \
        "$built/hyper_client" '{}/' hello "$text" "$text"; then
        printf '%s\n' 'compression: true' hello "$text" "$text" | cmp - <(head -n 4 "$(log_of "$name")") || failed=1
    else
        failed=1
    fi
    end_started
    return "$failed"
}

log=$home/hyper_server.log
start "$log" "$built/hyper_server" 127.0.0.1:0 || die "the server on hyper does not start"
check "$ws to hyper" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to hyper" 'clean close$' 640 "$found" "$python" "$peers/websockets_peer.py" client '{}' || failed=1
check_alone "$websockets and sockets to hyper" '^page, ' "$python" "$here/peers/http1.py" hyper "$found" || failed=1
end_server "$log" || failed=1

check_hyper_client "$ws" node "$peers/ws_peer.js" server || failed=1
check_hyper_client "$websockets" "$python" "$peers/websockets_peer.py" server || failed=1
check_alone 'our client on hyper to sockets' '^early message, ' \
    "$python" "$here/peers/http1.py" client "$built/hyper_client" || failed=1
