# Its own tests, in which tokio-tungstenite is the other end, and ws in Node and websockets in Python both ways.
at_most 150 "$here"/stream-sink/src/*.rs "$here"/stream-sink/src/bin/*.rs

# Our client against an echo server of others.
check_stream_sink_client() {
    local name="our Stream and Sink to $1" log=$home/server.log failed=0 text
    shift
    text=$(printf 'Zoë wrote %s. 🦀 ' {1..3000})
    start "$log" "$@" || { say "$name: the server does not start"; return 1; }
    if check "$name" '^closed: 1000$' 64 "$found" "$built/stream_sink_client" '{}/' hello "$text" "$text"; then
        printf '%s\n' 'compression: true' hello "$text" "$text" | cmp - <(head -n 4 "$(log_of "$name")") || failed=1
    else
        failed=1
    fi
    end_started
    return "$failed"
}

cargo test --quiet --manifest-path "$here/stream-sink/Cargo.toml" --locked --no-run
name='tokio-tungstenite and the tests of our Stream and Sink'
if run_client "$name" '^test result: ok' \
    cargo test --quiet --manifest-path "$here/stream-sink/Cargo.toml" --locked; then
    echo "$label: $name: ok"
else
    failed=1
fi

log=$home/stream_sink_server.log
start "$log" "$built/stream_sink_server" 127.0.0.1:0 || die "the server on a Stream and a Sink does not start"
check "$ws to our Stream and Sink" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to our Stream and Sink" 'clean close$' 640 "$found" \
    "$python" "$peers/websockets_peer.py" client '{}' || failed=1
end_server "$log" || failed=1

check_stream_sink_client "$ws" node "$peers/ws_peer.js" server || failed=1
check_stream_sink_client "$websockets" "$python" "$peers/websockets_peer.py" server || failed=1
