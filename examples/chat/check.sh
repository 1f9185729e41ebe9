# With two pages in Chromium that talk to each other, websockets in Python, and peers that misbehave.
log=$home/chat_server.log
start "$log" "$built/chat_server" 127.0.0.1:0 || die "the chat server does not start"
check_alone "two pages in $chromium to chat" 'see each other$' \
    "$python" "$here/chat/check.py" pages "$found" "$home/chromium_chat" || failed=1
check_alone "$websockets to chat" '^rooms, ' "$python" "$here/chat/check.py" rooms "$found" || failed=1
end_server "$log" || failed=1

# Its deadlines are a fifteenth of the default, and those who send may send quickly.
log=$home/chat_server_hasty.log
start "$log" "$built/chat_server" 127.0.0.1:0 --heartbeat 3 --rate 2000 || die "the chat server does not start"
check_alone 'peers that misbehave to chat' 'everybody else is served$' \
    "$python" "$here/chat/check.py" peers "$found" || failed=1
end_server "$log" || failed=1

check_alone 'Ctrl-C at chat' '^1001 for all, ' "$python" "$here/chat/check.py" stop "$built/chat_server" || failed=1
