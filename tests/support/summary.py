#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts single test cases in meson's testlog.json files; prints "N passed, N failed, N skipped".

A TAP line or a cmocka line is one case; a test that prints neither is one case itself. A test that
ended badly without a failed case of its own counts as one failure, so that nothing is lost.
"""
import json
import os
import re
import sys

TAP = re.compile(r"^(not )?ok\b(.*)$")
SKIP = re.compile(r"^ok \d+ - (.*?)# SKIP(.*)$", re.M | re.I)
CMOCKA = re.compile(r"^\[\s+(OK|FAILED|SKIPPED)\s+\] \w")
GOOD = {"OK", "EXPECTEDFAIL"}


def cases(record):
    passed = failed = skipped = 0
    text = (record.get("stdout") or "") + "\n" + (record.get("stderr") or "")
    seen = set()
    for line in text.splitlines():
        tap = TAP.match(line)
        cmocka = CMOCKA.match(line)
        if tap and re.search(r"#\s*skip", tap.group(2), re.I):
            skipped += 1
        elif tap:
            failed, passed = (failed + 1, passed) if tap.group(1) else (failed, passed + 1)
        elif cmocka:
            if line in seen:  # cmocka names failures twice
                continue
            seen.add(line)
            kind = cmocka.group(1)
            passed += kind == "OK"
            failed += kind == "FAILED"
            skipped += kind == "SKIPPED"
    result = record["result"]
    if passed + failed + skipped == 0:
        passed, failed, skipped = (
            int(result in GOOD), int(result not in GOOD and result != "SKIP"), int(result == "SKIP"))
    elif result not in GOOD and result != "SKIP" and failed == 0:
        failed = 1
    return passed, failed, skipped


def skipped_cases(record):
    """What was left out and why: meson counts it, and shows neither."""
    text = (record.get("stdout") or "") + "\n" + (record.get("stderr") or "")
    found = [f"{name.strip()}: {why.strip()}" for name, why in SKIP.findall(text)]
    return found or ([""] if record["result"] == "SKIP" else [])


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        if not os.path.exists(path):
            print(f"failed: no test ran for {path}")
            total[1] += 1
            continue
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                record = json.loads(line)
                counts = cases(record)
                total = [a + b for a, b in zip(total, counts)]
                for what in skipped_cases(record):
                    print(f"skipped: {record['name']} {what}")
                if counts[1]:
                    print(f"failed: {record['name']} ({record['result']})")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
