# With ws in Node and websockets in Python, with 10,000 connections at a time, and with peers that are in the way.
at_most 150 "$here"/mio/src/main.rs

log=$home/mio_server.log
start "$log" bash -c 'ulimit -n "$(ulimit -Hn)"; exec "$@"' bash "$built/mio_server" 127.0.0.1:0 ||
    die "the server on mio does not start"
check "$ws to mio" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to mio" 'clean close$' 640 "$found" "$python" "$peers/websockets_peer.py" client '{}' || failed=1
check_alone 'a flood to mio' '^[0-9]* MiB ' "$python" "$here/peers/hostile.py" flood "$found" || failed=1
check_alone 'sockets to mio' '^[0-9]* connections in ' \
    "$python" "$here/peers/hostile.py" many "$found" "${started[-1]}" || failed=1
end_server "$log" || failed=1

log=$home/mio_server_hasty.log
start "$log" "$built/mio_server" 127.0.0.1:0 --patience 2 || die "the server on mio does not start"
check_alone 'peers that misbehave to mio' 'dropped$' "$python" "$here/peers/hostile.py" peers "$found" "$log" || failed=1
expect "$log" 1 'nothing came after a Ping$' || failed=1
end_server "$log" || failed=1
