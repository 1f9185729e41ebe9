# With ws in Node and websockets in Python, with peers that are in the way, and what the kernel has to offer.
at_most 150 "$here"/completion/src/main.rs

check_patient_server compio "$built/completion_server" 127.0.0.1:0 || failed=1
echo "$label: what compio drives: $(sed -n 's/^driver: //p' "$home/completion_server.log")"
