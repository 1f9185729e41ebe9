# The server with ws in Node and websockets in Python; the client with servers on both, and with one on sockets.
at_most 60 "$here"/hyper/src/*.rs

log=$home/hyper_server.log
start "$log" "$built/hyper_server" 127.0.0.1:0 || die "the server on hyper does not start"
check "$ws to hyper" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to hyper" 'clean close$' 640 "$found" "$python" "$peers/websockets_peer.py" client '{}' || failed=1
check_alone "$websockets and sockets to hyper" '^page, ' "$python" "$here/peers/http1.py" hyper "$found" || failed=1
end_server "$log" || failed=1

check_words 'our client on hyper' hyper_client "$ws" node "$peers/ws_peer.js" server || failed=1
check_words 'our client on hyper' hyper_client "$websockets" "$python" "$peers/websockets_peer.py" server || failed=1
check_alone 'our client on hyper to sockets' '^early message, ' \
    "$python" "$here/peers/http1.py" client "$built/hyper_client" || failed=1
