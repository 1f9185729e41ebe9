# With ws in Node and websockets in Python, with 10,000 connections at a time, and with peers that are in the way.
at_most 150 "$here"/mio/src/*.rs

check_patient_server mio "$built/mio_server" 127.0.0.1:0 || failed=1

log=$home/mio_server_many.log
start "$log" bash -c 'ulimit -n "$(ulimit -Hn)"; exec "$@"' bash "$built/mio_server" 127.0.0.1:0 --patience 600 ||
    die "the server on mio does not start"
check_alone 'sockets to mio' '^[0-9]* connections in ' \
    "$python" "$here/peers/hostile.py" many "$found" "${started[-1]}" || failed=1
end_server "$log" || failed=1
