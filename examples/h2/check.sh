# With Chromium and with h2 in Python, which open WebSockets by extended CONNECT (RFC 8441).
at_most 150 "$here"/h2/src/*.rs
log=$home/h2_server.log
start "$log" "$built/h2_server" 127.0.0.1:0 || die "the server on h2 does not start"
# One WebSocket is the page's own, and the other that of the check.
check_alone "$chromium to h2" 'clean close$' "$python" "$peers/chromium.py" "$found" "$home/chromium" || failed=1
expect "$log" 2 '^HTTP/2.0 CONNECT, :protocol websocket$' || failed=1
expect "$log" 1 '^closed: 1000 "done", both sides closed$' || failed=1
end_server "$log" || failed=1

log=$home/h2_server_python.log
start "$log" "$built/h2_server" 127.0.0.1:0 || die "the server on h2 does not start"
check_alone "h2 $(version h2) in Python to h2" '^page, ' "$python" "$here/h2/check.py" "$found" || failed=1
expect "$log" 1 '^closed: 4001 "bye", both sides closed$' || failed=1
expect "$log" 1 '^reset: stream error received: stream no longer needed$' || failed=1
end_server "$log" || failed=1

log=$home/h2_server_silent.log
start "$log" "$built/h2_server" 127.0.0.1:0 --patience 3 || die "the server on h2 does not start"
check_alone "h2 $(version h2) in Python, silent, to h2" 'is reset$' \
    "$python" "$here/h2/check.py" "$found" silent || failed=1
expect "$log" 1 '^given up$' || failed=1
end_server "$log" || failed=1
