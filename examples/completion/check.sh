# With ws in Node and websockets in Python, with peers that are in the way, and what the kernel has to offer.
at_most 150 "$here"/completion/src/main.rs

log=$home/completion_server.log
start "$log" "$built/completion_server" 127.0.0.1:0 || die "the server on compio does not start"
expect "$log" 1 '^driver: ' || failed=1
driver=$(sed -n 's/^driver: //p' "$log")
check "$ws to compio, by $driver" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to compio, by $driver" 'clean close$' 640 "$found" \
    "$python" "$peers/websockets_peer.py" client '{}' || failed=1
check_alone "a flood to compio, by $driver" '^[0-9]* MiB ' "$python" "$here/peers/hostile.py" flood "$found" || failed=1
end_server "$log" || failed=1

log=$home/completion_server_hasty.log
start "$log" "$built/completion_server" 127.0.0.1:0 --patience 2 || die "the server on compio does not start"
check_alone "peers that misbehave to compio, by $driver" 'dropped$' \
    "$python" "$here/peers/hostile.py" peers "$found" "$log" || failed=1
expect "$log" 1 'nothing came after a Ping$' || failed=1
end_server "$log" || failed=1
