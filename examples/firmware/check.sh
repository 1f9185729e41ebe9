# With websockets in Python, over the serial line of an emulator.
rustup target add thumbv7em-none-eabihf
command -v qemu-system-arm >/dev/null || packages qemu-system-arm
at_most 150 "$here"/firmware/src/*.rs "$here"/firmware/src/bin/*.rs
(
    cd "$here/firmware"
    cargo fmt --check
    cargo clippy --quiet --release --target thumbv7em-none-eabihf --locked -- -D warnings
    cargo build --quiet --release --target thumbv7em-none-eabihf --locked
)
image=$CARGO_TARGET_DIR/thumbv7em-none-eabihf/release
check_alone "$websockets to the firmware" ' bytes of flash, ' \
    "$python" "$here/firmware/check.py" "$image/firmware" "$image/bare" || failed=1
