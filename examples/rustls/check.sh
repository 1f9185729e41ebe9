# The server with ws in Node and websockets in Python; the client with servers on both; and the ends of TLS, with sockets.
at_most 78 "$here"/rustls/src/server.rs
at_most 72 "$here"/rustls/src/client.rs

# A root, and a certificate that it signs, for as long as the check takes.
make_certificates() (
    umask 077
    mkdir -p "$1"
    cd "$1"
    ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
    openssl req -x509 "${ec[@]}" -days 2 -subj '/CN=A root' -keyout ca.key -out ca.pem
    openssl req -x509 "${ec[@]}" -days 2 -subj '/CN=Another root' -keyout other.key -out other.pem
    openssl req "${ec[@]}" -subj /CN=localhost -keyout key.pem -out request.pem
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >extensions
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days 2 -extfile extensions -out cert.pem
)

tls=$home/rustls
command -v openssl >/dev/null || packages openssl
make_certificates "$tls" >"$home/openssl.log" 2>&1 || { cat "$home/openssl.log" >&2; die "openssl makes no certificate"; }

log=$home/rustls_server.log
start "$log" "$built/rustls_server" 127.0.0.1:0 --cert "$tls/cert.pem" --key "$tls/key.pem" ||
    die "the server on rustls does not start"
check_alone "$ws to rustls" 'clean close$' \
    env NODE_EXTRA_CA_CERTS="$tls/ca.pem" node "$peers/ws_peer.js" client "$found" || failed=1
check_alone "$websockets to rustls" 'clean close$' \
    "$python" "$here/rustls/check.py" echoes "$found" "$tls/ca.pem" || failed=1
check_alone 'sockets to rustls' '^close_notify, ' "$python" "$here/rustls/check.py" server "$found" "$tls/ca.pem" || failed=1
expect "$log" 3 '^closed: 1000.*, both sides closed$' || failed=1
expect "$log" 1 '^closed: 1006, the transport ended before the closing handshake did$' || failed=1
expect "$log" 1 'the handshakes took too long' || failed=1
end_server "$log" || failed=1

# Our client against an echo server of others: text that is compressed, and printed as it came back.
check_rustls_client() {
    local name="our client on rustls to $1" log=$home/server.log failed=0 text
    shift
    text=$(printf 'Zoë wrote %s. 🦀 ' {1..3000})
    start "$log" "$@" "$tls/cert.pem" "$tls/key.pem" || { say "$name: the server does not start"; return 1; }
    if check_alone "$name" '^closed: 1000, both sides closed$' \
        "$built/rustls_client" --ca "$tls/ca.pem" "$found/" hello "$text" "$text"; then
        printf '%s\n' 'compression: true' hello "$text" "$text" | cmp - <(head -n 4 "$(log_of "$name")") || failed=1
    else
        failed=1
    fi
    end_started
    return "$failed"
}

check_rustls_client "$ws" node "$here/rustls/peer.js" || failed=1
check_rustls_client "$websockets" "$python" "$here/rustls/check.py" echo || failed=1

start "$home/server.log" "$python" "$here/rustls/check.py" cut "$tls/cert.pem" "$tls/key.pem" ||
    die "a server that cuts does not start"
check_alone 'our client on rustls to sockets' '^truncation, ' "$python" "$here/rustls/check.py" client \
    "$built/rustls_client" "$found" "$tls/ca.pem" "$tls/other.pem" || failed=1
end_started
