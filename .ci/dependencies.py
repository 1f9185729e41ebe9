"""Looks at what comes with the crate: dependencies.py licences METADATA for the licences of its dependencies, of which one
has to be among those below, or dependencies.py types RUSTDOC_JSON for crates whose types are part of its API"""

import json
import pathlib
import re
import sys

LICENCES = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-3-Clause", "ISC", "Unicode-3.0", "Zlib", "Unlicense"}
# A major version of one of these is a major version of this crate.
CRATES = {"core", "alloc", "std", "bytes", "http"}


def is_allowed(expression):
    """Whether what it asks for can be met with these licences."""
    words = {"AND": "and", "OR": "or", "/": "or", "(": "(", ")": ")"}
    tokens = re.findall(r"[()/]|[^\s()/]+(?: WITH [^\s()/]+)?", expression)
    return eval(" ".join(words.get(token) or str(token in LICENCES) for token in tokens))


def licences(metadata):
    by_id = {package["id"]: package for package in metadata["packages"]}
    needed = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    seen, left = set(), [metadata["resolve"]["root"]]
    while left:
        package = left.pop()
        if package not in seen:
            seen.add(package)
            # A dependency of the tests alone is nobody else's.
            left += [dep["pkg"] for dep in needed[package]["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
    wrong = [f"{by_id[id]['name']}: {by_id[id]['license']}" for id in seen if not is_allowed(by_id[id]["license"] or "none")]
    return wrong, f"{len(seen)} packages"


def types(docs):
    crates = {0: docs["index"][str(docs["root"])]["name"]} | {
        int(id): crate["name"] for id, crate in docs["external_crates"].items()
    }
    found = set()

    def walk(value):
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            path = docs["paths"].get(str(value["id"])) if {"id", "path", "args"} <= value.keys() else None
            if path:
                found.add((crates[path["crate_id"]], "::".join(path["path"])))
            for item in value.values():
                walk(item)

    for item in docs["index"].values():
        implementation = item["inner"].get("impl", {})
        if item["crate_id"] == 0 and not implementation.get("is_synthetic") and not implementation.get("blanket_impl"):
            walk(item["inner"])
    wrong = sorted(path for crate, path in found if crate not in CRATES | {crates[0]})
    return wrong, ", ".join(sorted({crate for crate, _ in found}))


wrong, summary = {"licences": licences, "types": types}[sys.argv[1]](json.loads(pathlib.Path(sys.argv[2]).read_text()))
print(summary)
if wrong:
    raise SystemExit("\n".join(wrong))
