#!/usr/bin/env bash
# Instructions per message under callgrind, beside the floor, and whether the cost is linear. Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo bench --quiet --no-run --bench instructions
binary=$(cargo bench --quiet --no-run --bench instructions --message-format=json |
    sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p' | tail -1)
[ -x "$binary" ] || { echo "the bench did not build" >&2; exit 1; }

# Instructions of one run. A copy by `rep movsb`, one instruction to the processor, is counted as one a byte; the C
# library is made to copy otherwise.
count() {
    GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000 \
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : *//p'
}

# Instructions per unit between two counts of thousands.
per_unit() {
    local low high
    low=$(count "$1" "$2")
    high=$(count "$1" "$3")
    [ -n "$low" ] && [ -n "$high" ] || { echo "no count for $1" >&2; exit 1; }
    awk -v low="$low" -v high="$high" -v units=$((($3 - $2) * 1000)) 'BEGIN { printf "%.2f", (high - low) / units }'
}

# Instructions per message of a workload that runs rounds of 64 messages.
per_message() {
    local low high
    low=$(count "$1" 1)
    high=$(count "$1" 5)
    [ -n "$low" ] && [ -n "$high" ] || { echo "no count for $1" >&2; exit 1; }
    echo $(((high - low) / (4 * 64)))
}

# The table of benches/instructions.md: what a message takes, beside the least that has to be done for it, and how often
# that it may take at most.
printf '| workload | ws-proto | floor | ratio |\n|---|---:|---:|---:|\n'
while read -r workload few many most; do
    ours=$(per_unit "$workload" "$few" "$many")
    floor=$(per_unit "floor-$workload" "$few" "$many")
    awk -v name="$workload" -v a="$ours" -v b="$floor" -v most="$most" \
        'BEGIN { printf "| %s | %d | %d | %.2f |\n", name, a, b, a / b; exit a > most * b }' ||
        { echo "$workload takes more than $most times the floor" >&2; exit 1; }
done <<'WORKLOADS'
receive-binary-20 10 60 1.35
receive-text-125 10 60 0.75
receive-text-1024 10 30 0.85
echo-binary-20 10 60 1.2
client-send-20 10 60 1.0
send-binary-126 10 60 2.6
client-send-1024 10 30 1.0
send-bytes-65536 10 60 7.5
send-through-65536 10 60 3.5
send-prepared-100 10 60 2.8
send-prepared-1024 10 60 6.5
accept 1 3 1.4
connect 1 3 1.4
WORKLOADS

# What a message takes on a connection that keeps all deadlines, to one that keeps none.
printf '%-34s %s\n' 'with deadlines' 'instructions per message, and to those without'
for workload in receive-binary-20 echo-binary-20; do
    without=$(per_unit "$workload" 10 60)
    with=$(per_unit "timed-$workload" 10 60)
    awk -v name="$workload" -v a="$with" -v b="$without" \
        'BEGIN { printf "%-34s %d, %.3f\n", name, a, a / b; exit a > 1.02 * b }'
done

# zlib alone and a connection around it, for the same JSON in messages of two sizes.
printf '%-34s %s\n' workload 'instructions per message, and to zlib alone'
for workload in inflate-2048 inflate-65536 deflate-2048 deflate-65536; do
    alone=$(per_message "zlib-$workload")
    around=$(per_message "$workload")
    awk -v name="$workload" -v a="$around" -v b="$alone" \
        'BEGIN { printf "%-34s %d, %.3f\n", name, a, a / b; exit a > 1.05 * b }'
done

# Linear: what one more unit costs does not grow with how many there are. The large counts, in thousands, are those that
# have been quadratic elsewhere: 262,000 small frames in one buffer, a million fragments, a frame of 16 MiB byte by byte.
# A unit is a frame, a fragment, a byte, a read or a seed; of `mask` it is a KiB.
printf '%-34s %-12s %-12s %s\n' workload 'when few' 'when many' 'at most'
while read -r workload few many most; do
    few=$(per_unit "$workload" "$few" $((2 * few)))
    many=$(per_unit "$workload" 4 "$many")
    few=${few%.*} many=${many%.*}
    printf '%-34s %-12s %-12s %s\n' "$workload" "$few" "$many" "$most"
    [ $((many * 10)) -le $((few * 13)) ] || { echo "$workload: not linear" >&2; exit 1; }
    [ "$many" -le "$most" ] || { echo "$workload takes more than $most" >&2; exit 1; }
done <<'WORKLOADS'
frames-in-one-buffer 4 262 150
one-byte-fragments 4 1048 230
one-byte-fragments-byte-by-byte 4 1048 2800
frame-byte-by-byte 20 16777 350
text-byte-by-byte 4 4096 450
binary-125-in-1 4 400 200
text-125-in-1 4 400 400
text-65536-in-4096 4 20 2000
payloads-that-wait 4 32 4000
next-seed 4 40 200
mask 4 400 160
WORKLOADS

# A loop that the compiler does not make vectors of is a long one: each loop for each width of vectors stays short.
if [ "$(uname -m)" = x86_64 ]; then
    printf '%-34s %s\n' 'compiled for' 'instructions'
    objdump --disassemble --no-show-raw-insn "$binary" |
        awk '/^[0-9a-f]+ <.*with_avx/ { name = $2; sub(/.*with_/, "", name); sub(/17h.*/, "", name); count = 0 }
            name != "" && NF == 0 { printf "%-34s %d\n", name, count; long += count > 700; name = "" }
            name != "" { count++ }
            END { exit long }' || { echo "a loop is too long" >&2; exit 1; }
fi
