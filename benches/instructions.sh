#!/usr/bin/env bash
# Instructions per message under callgrind, beside the floor, and whether the cost is linear. Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(cargo bench --no-run --bench instructions --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p' | tail -1)
[ -x "$binary" ] || { echo "the bench did not build" >&2; exit 1; }

# Instructions of one run.
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : *//p'
}

# Instructions per unit between two counts of thousands.
per_unit() {
    local low high
    low=$(count "$1" "$2")
    high=$(count "$1" "$3")
    echo $(((high - low) / (($3 - $2) * 1000)))
}

printf '%-34s %s\n' workload 'instructions per message'
declare -A cost
for workload in floor-binary-20 receive-binary-20 floor-text-125 receive-text-125 echo-binary-20 client-send-20; do
    cost[$workload]=$(per_unit "$workload" 10 60)
    printf '%-34s %s\n' "$workload" "${cost[$workload]}"
done
awk -v a="${cost[receive-binary-20]}" -v b="${cost[floor-binary-20]}" \
    'BEGIN { printf "receive-binary-20 / floor: %.2f\n", a / b; exit a > 1.5 * b }'

# Linear: what one more unit costs does not grow with how many there are.
printf '%-34s %-12s %s\n' workload 'when few' 'when many'
for workload in frames-in-one-buffer one-byte-fragments one-byte-fragments-byte-by-byte frame-byte-by-byte text-byte-by-byte; do
    few=$(per_unit "$workload" 4 8)
    many=$(per_unit "$workload" 128 256)
    printf '%-34s %-12s %s\n' "$workload" "$few" "$many"
    [ $((many * 10)) -le $((few * 13)) ] || { echo "$workload: not linear" >&2; exit 1; }
done
