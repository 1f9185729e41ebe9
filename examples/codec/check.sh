# Its own tests, and the server with ws in Node and websockets in Python, and with peers that are in the way.
at_most 85 "$here"/codec/src/lib.rs
at_most 120 "$here"/codec/src/server.rs

cargo test --quiet --manifest-path "$here/codec/Cargo.toml" --locked --no-run
name='the tests of our codec'
if run_client "$name" '^test result: ok' cargo test --quiet --manifest-path "$here/codec/Cargo.toml" --locked; then
    echo "$label: $name: ok"
else
    failed=1
fi

check_patient_server 'our codec' "$built/codec_server" 127.0.0.1:0 || failed=1
