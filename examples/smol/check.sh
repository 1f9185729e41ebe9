# The server with ws in Node and websockets in Python, and with peers that are in the way; the client with servers on both.
at_most 120 "$here"/smol/src/lib.rs
at_most 65 "$here"/smol/src/server.rs "$here"/smol/src/client.rs

check_patient_server smol "$built/smol_server" 127.0.0.1:0 || failed=1

check_words 'our client on smol' smol_client "$ws" node "$peers/ws_peer.js" server || failed=1
check_words 'our client on smol' smol_client "$websockets" "$python" "$peers/websockets_peer.py" server || failed=1
check_alone 'our client on smol to sockets' '^early message, ' \
    "$python" "$here/peers/http1.py" client "$built/smol_client" || failed=1
