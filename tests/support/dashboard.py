#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which of our metrics alert rules and a dashboard ask for: dashboard.py RULES DASHBOARD prints their names.

Complains on stderr, and ends with 1, when one of them is not what Prometheus or Grafana can read.
"""
import json
import re
import sys

import yaml

rules_path, dashboard_path = sys.argv[1:]
found, expressions = [], []


def need(condition, text):
    if not condition:
        found.append(text)


with open(rules_path, encoding="utf-8") as file:
    rules = yaml.safe_load(file)
names = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
need(len(names) == len(set(names)), "an alert stands twice")
for group in rules["groups"]:
    for rule in group["rules"]:
        need(set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, f"{rule['alert']}: {sorted(rule)}")
        need("severity" in rule.get("labels", {}), f"{rule['alert']} has no severity")
        need({"summary", "description"} <= set(rule.get("annotations", {})), f"{rule['alert']} says nothing")
        expressions.append(rule["expr"])

with open(dashboard_path, encoding="utf-8") as file:
    dashboard = json.load(file)
variables = {v["name"] for v in dashboard["templating"]["list"]}
ids = [panel["id"] for panel in dashboard["panels"]]
need(len(ids) == len(set(ids)), "a panel's id stands twice")
taken = set()
for panel in dashboard["panels"]:
    place = panel["gridPos"]
    cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
    need(not cells & taken and place["x"] + place["w"] <= 24, f"{panel['title']} lies over another panel")
    taken |= cells
    need(panel["targets"], f"{panel['title']} shows nothing")
    for target in panel["targets"]:
        need(target["datasource"]["uid"] == "${datasource}", f"{panel['title']} names a data source of its own")
        expressions.append(target["expr"])
for variable in dashboard["templating"]["list"]:
    expressions.append(variable.get("definition", ""))
for expression in expressions:
    need(expression.count("(") == expression.count(")"), f"parentheses: {expression}")
    need(set(re.findall(r"\$(\w+)", expression)) <= variables | {"labels", "value"}, f"a variable: {expression}")

print("\n".join(sorted({name for e in expressions for name in re.findall(r"\bdigicert_store_[a-z0-9_]+", e)})))
print("\n".join(found), file=sys.stderr, end="\n" if found else "")
sys.exit(bool(found))
