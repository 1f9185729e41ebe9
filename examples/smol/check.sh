# The server with ws in Node and websockets in Python, and with peers that are in the way; the client with servers on both.
at_most 115 "$here"/smol/src/lib.rs
at_most 65 "$here"/smol/src/server.rs "$here"/smol/src/client.rs

log=$home/smol_server.log
start "$log" "$built/smol_server" 127.0.0.1:0 || die "the server on smol does not start"
check "$ws to smol" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to smol" 'clean close$' 640 "$found" "$python" "$peers/websockets_peer.py" client '{}' || failed=1
check_alone 'a flood to smol' '^[0-9]* MiB ' "$python" "$here/peers/hostile.py" flood "$found" || failed=1
end_server "$log" || failed=1

log=$home/smol_server_hasty.log
start "$log" "$built/smol_server" 127.0.0.1:0 --patience 2 || die "the server on smol does not start"
check_alone 'peers that misbehave to smol' 'dropped$' "$python" "$here/peers/hostile.py" peers "$found" "$log" || failed=1
expect "$log" 1 'nothing came after a Ping$' || failed=1
end_server "$log" || failed=1

check_words 'our client on smol' smol_client "$ws" node "$peers/ws_peer.js" server || failed=1
check_words 'our client on smol' smol_client "$websockets" "$python" "$peers/websockets_peer.py" server || failed=1
