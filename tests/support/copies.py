#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes many orders of one in a state directory: copies.py STATE ORDER FIRST COUNT [DAYS]

Each has the pair of orders/ORDER and a number of its own. They end on DAYS different days, the last one
that of the pair itself, as ten thousand orders would; made faster than a CA could be asked for them.
"""
import json
import os
import pathlib
import sys

state, source, first, count = pathlib.Path(sys.argv[1]), *(int(a) for a in sys.argv[2:5])
days = int(sys.argv[5]) if len(sys.argv) > 5 else 1
base = state / "orders" / str(source)
order = json.loads((base / "order.json").read_text())
facts = json.loads((base / "current" / "facts.json").read_text())
end = facts["not_after"]
for i in range(count):
    there = state / "orders" / str(first + i)
    generation = there / "gen-0001"
    generation.mkdir(parents=True)
    (there / "current").symlink_to("gen-0001")
    for file in (base / "current").iterdir():
        if file.name != "facts.json":
            os.link(file, generation / file.name)
    os.link(base / "memo.json", there / "memo.json")
    order["id"] = facts["order_id"] = first + i
    facts["not_after"] = end - (i % days) * 86400
    (there / "order.json").write_text(json.dumps(order))
    (generation / "facts.json").write_text(json.dumps(facts))
