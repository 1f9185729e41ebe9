# Its own tests, and the server with ws in Node and websockets in Python, and with peers that are in the way.
at_most 85 "$here"/codec/src/lib.rs
at_most 115 "$here"/codec/src/server.rs

cargo test --quiet --manifest-path "$here/codec/Cargo.toml" --locked --no-run
name='the tests of our codec'
if run_client "$name" '^test result: ok' cargo test --quiet --manifest-path "$here/codec/Cargo.toml" --locked; then
    echo "$label: $name: ok"
else
    failed=1
fi

log=$home/codec_server.log
start "$log" "$built/codec_server" 127.0.0.1:0 || die "the server on a codec does not start"
check "$ws to our codec" 'clean close$' 640 "$found" node "$peers/ws_peer.js" client '{}' || failed=1
check "$websockets to our codec" 'clean close$' 640 "$found" \
    "$python" "$peers/websockets_peer.py" client '{}' || failed=1
check_alone 'a flood to our codec' '^[0-9]* MiB ' "$python" "$here/peers/hostile.py" flood "$found" || failed=1
end_server "$log" || failed=1

log=$home/codec_server_hasty.log
start "$log" "$built/codec_server" 127.0.0.1:0 --patience 2 || die "the server on a codec does not start"
check_alone 'peers that misbehave to our codec' 'dropped$' \
    "$python" "$here/peers/hostile.py" peers "$found" "$log" || failed=1
expect "$log" 1 'nothing came after a Ping$' || failed=1
end_server "$log" || failed=1
