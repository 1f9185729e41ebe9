# With what a relay records between a client and a server on websockets in Python, and with bytes that break rules.
at_most 250 "$here"/inspect/src/*.rs
cargo test --quiet --manifest-path "$here/inspect/Cargo.toml" --locked >"$home/inspect_test.log" || failed=1
check_alone "inspect, with captures of $websockets" '^handshake, ' \
    "$python" "$here/inspect/check.py" "$built/inspect" "$home/inspect" || failed=1
