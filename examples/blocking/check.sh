# The server with ws in Node and websockets in Python, and with peers that are in the way; the client with servers on both.
at_most 115 "$here"/blocking/src/server.rs
at_most 140 "$here"/blocking/src/client.rs

check_patient_server threads "$built/blocking_server" 127.0.0.1:0 || failed=1

check_words 'our client on two threads' blocking_client "$ws" node "$peers/ws_peer.js" server || failed=1
check_words 'our client on two threads' blocking_client "$websockets" "$python" "$peers/websockets_peer.py" server || failed=1
check_alone 'our client on two threads to sockets' '^early message, ' \
    "$python" "$here/peers/http1.py" client "$built/blocking_client" || failed=1
