#!/usr/bin/env python3
"""Judges a report of Autobahn|Testsuite: check.py ROLE REPORTS PLANNED

REPORTS is the suite's directory of reports on the agent ws-proto, PLANNED a file with the cases that had to be run, one
on a line. Prints one line of numbers, says on standard error what is wrong with each case, and exits with 1 if there is
any such case.
"""

import collections
import json
import pathlib
import sys

AGENT = "ws-proto"

GOOD = {"OK", "INFORMATIONAL"}


def main(role, reports, planned):
    reports = pathlib.Path(reports)
    planned = pathlib.Path(planned).read_text().split()
    if not planned:
        sys.exit("autobahn: no case was planned")
    try:
        results = json.loads((reports / "index.json").read_text())
    except (OSError, ValueError) as error:
        print(f"autobahn: there is no report: {error}", file=sys.stderr)
        results = {}

    # Whatever stands in the report without being asked for shows that it is not the report of this run.
    strangers = [agent for agent in results if agent != AGENT]
    cases = results.get(AGENT, {})
    strangers += sorted(set(cases) - set(planned))
    for stranger in strangers:
        print(f"autobahn: {role}: nobody asked for {stranger}", file=sys.stderr)

    numbers = collections.Counter()
    for case in planned:
        verdict = judge(cases.get(case))
        numbers[verdict] += 1
        if verdict == "failed":
            explain(role, case, cases[case], reports)
    missing = [case for case in planned if case not in cases]
    if missing:
        print(f"autobahn: {role}: missing from the report: {' '.join(missing)}", file=sys.stderr)
    told = [f"{numbers[word]} {word}" for word in ("OK", "INFORMATIONAL") if numbers[word]]
    told += [f"{numbers[word]} {word}" for word in ("failed", "missing")]
    print(f"autobahn: {role}: {len(planned)} cases: {', '.join(told)}", flush=True)
    if strangers or numbers["failed"] or numbers["missing"]:
        sys.exit(1)


def judge(result):
    """The word that the case is counted under."""
    if result is None:
        return "missing"
    both = {result.get("behavior"), result.get("behaviorClose")}
    if not both <= GOOD:
        return "failed"
    return "INFORMATIONAL" if "INFORMATIONAL" in both else "OK"


def explain(role, case, result, reports):
    words = f"behavior {result.get('behavior')}, behaviorClose {result.get('behaviorClose')}"
    print(f"autobahn: {role}: {case} failed: {words}", file=sys.stderr)
    path = reports / str(result.get("reportfile"))
    try:
        details = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        print(f"    the report of the case cannot be read: {error}", file=sys.stderr)
        return
    for name in ("description", "expectation", "result", "resultClose", "expected", "received", "expectedClose"):
        print(f"    {name}: {details.get(name)}", file=sys.stderr)
    for name in ("remoteCloseCode", "remoteCloseReason", "wasClean", "wasNotCleanReason", "droppedByMe"):
        if details.get(name) is not None:
            print(f"    {name}: {details[name]}", file=sys.stderr)
    print(f"    all of it: {path}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check.py ROLE REPORTS PLANNED")
    main(*sys.argv[1:])
