#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a file in Prometheus' text format 0.0.4 as the node exporter's textfile collector needs it.

    metrics.py FILE            complains on stdout and ends with 1, or ends with 0
    metrics.py FILE --names    prints the names of the metrics
    metrics.py FILE --get SERIES   prints the value of one series, as it stands in the file

Stricter than the format: what is allowed but unwise (client time stamps, empty metrics, samples
apart from their HELP, names without a unit or with a suffix of another type) is a complaint.
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (-?[0-9]+(?:\.[0-9]+)?)")
ABBREVIATED = re.compile(r"_(ms|s|sec|secs|min|mins|hours|days|kb|mb|bytes_total_bytes)$")


def complaints(text):
    if not text.endswith("\n"):
        yield "the last line does not end with a line feed"
    seen, closed, current, typed, count = set(), set(), None, False, 0
    for n, line in enumerate(text.split("\n")[:-1], 1):
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            if current and not count:
                yield f"{n}: {current} has no sample"
            if current:
                closed.add(current)
            if name in closed:
                yield f"{n}: {name} stands in two places"
            if not words or re.search(r"\\(?![\\n])", words):
                yield f"{n}: HELP without words, or badly escaped"
            current, typed, count = name, False, 0
        elif line.startswith("# TYPE "):
            if typed or line != f"# TYPE {current} gauge":
                yield f"{n}: wanted one TYPE line, {current} gauge"
            typed = True
            if re.search(r"_(total|count|sum|bucket)$", current or ""):
                yield f"{n}: {current} is named like another type"
            if ABBREVIATED.search(current or "") or re.search(r"[A-Z:]", current or ""):
                yield f"{n}: {current} is not named by Prometheus' rules"
            if "timestamp" in current and not current.endswith("_timestamp_seconds"):
                yield f"{n}: {current} has no unit"
        else:
            match = SAMPLE.fullmatch(line)
            if not match:
                yield f"{n}: no sample: {line[:120]}"
                continue
            name, labels = match[1], match[2] or ""
            if name != current or not typed:
                yield f"{n}: {name} below the head of {current}"
            keys = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"', labels)
            if len(set(keys)) != len(keys):
                yield f"{n}: a label stands twice"
            if name + labels in seen:
                yield f"{n}: {name}{labels} comes twice"
            seen.add(name + labels)
            count += 1
    if current and not count:
        yield f"{current} has no sample"


def main():
    path, *rest = sys.argv[1:]
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    if rest[:1] == ["--names"]:
        print("\n".join(sorted(set(re.findall(r"^# TYPE (\S+) ", text, re.M)))))
        return 0
    if rest[:1] == ["--get"]:
        values = [line[len(rest[1]) + 1:] for line in text.split("\n") if line.startswith(rest[1] + " ")]
        print("\n".join(values))
        return not values
    found = list(complaints(text))
    print("\n".join(found[:20]), end="\n" if found else "")
    return bool(found)


sys.exit(main())
