# With ws in Node, and with websockets in Python, which tries subprotocols and origins, too.
at_most 60 "$here"/axum/src/main.rs
log=$home/axum_server.log
start "$log" "$built/axum_server" 127.0.0.1:0 || die "the server on axum does not start"
check "$ws to axum" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}/echo' || failed=1
check "$websockets to axum" 'clean close$' 640 "$found" \
    "$python" "$peers/websockets_peer.py" client '{}/echo' || failed=1
check_alone "$websockets and sockets to axum" '^subprotocols, ' "$python" "$here/peers/http1.py" axum "$found" || failed=1
end_server "$log" || failed=1
