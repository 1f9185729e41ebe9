"""What the peers in Python send."""

import json

REPORT = "text, 100 KiB text, 1 MiB binary, clean close"


def messages():
    text = "🦀, 👩‍👩‍👧‍👦 and 日本語. " * 8
    rows = [{"id": i, "name": f"Zoë {i * 7919 % 100}", "tags": ["ä", "b"], "even": i % 2 == 0} for i in range(2000)]
    long_text = json.dumps(rows, ensure_ascii=False)[: 100 << 10]
    # Noise first, which compression cannot shorten, and then a pattern.
    binary, state = bytearray(), 1
    for i in range(1 << 20):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        binary.append(state >> 24 if i < 1 << 19 else i >> 8 & 0xFF)
    # The same text again is short on the wire if the window of the first is kept.
    return ["", "🦀", text, text, long_text, bytes(binary)]


def compare(echo, message):
    if type(echo) is not type(message) or echo != message:
        raise SystemExit(f"{len(message)} of {type(message).__name__} came back as something else")
