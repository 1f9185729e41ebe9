# The server with ws in Node and websockets in Python, and with peers that are in the way; the client with servers on both.
at_most 110 "$here"/blocking/src/server.rs
at_most 140 "$here"/blocking/src/client.rs

log=$home/blocking_server.log
start "$log" "$built/blocking_server" 127.0.0.1:0 || die "the blocking server does not start"
check "$ws to threads" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to threads" 'clean close$' 640 "$found" "$python" "$peers/websockets_peer.py" client '{}' || failed=1
check_alone 'a flood to threads' '^[0-9]* MiB ' "$python" "$here/peers/hostile.py" flood "$found" || failed=1
end_server "$log" || failed=1

log=$home/blocking_server_hasty.log
start "$log" "$built/blocking_server" 127.0.0.1:0 --patience 2 || die "the blocking server does not start"
check_alone 'peers that misbehave to threads' 'dropped$' \
    "$python" "$here/peers/hostile.py" peers "$found" "$log" || failed=1
expect "$log" 1 'nothing came after a Ping$' || failed=1
end_server "$log" || failed=1

check_words 'our client on two threads' blocking_client "$ws" node "$peers/ws_peer.js" server || failed=1
check_words 'our client on two threads' blocking_client "$websockets" "$python" "$peers/websockets_peer.py" server || failed=1
