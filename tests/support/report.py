#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the page of `digicert-store report`: well-formed, self-contained, accessible in structure.

    report.py FILE              complaints on stdout, exit status 1, or nothing and 0
    report.py FILE --text WORD  whether an element's text (not markup) has WORD
    report.py FILE --count TAG  how many elements there are
"""
import base64
import hashlib
import re
import sys
import xml.etree.ElementTree as ET

XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
TAGS = set("""html head meta title style body header main footer section h1 h2 h3 p ol ul li dl div dt dd span
    strong code time br table caption thead tbody tr th td details summary""".split())
PICTURE = set("svg title desc defs pattern path line rect text".split())
ATTRIBUTES = set("""lang charset http-equiv content name class id aria-hidden aria-labelledby aria-label role
    tabindex scope datetime xmlns viewBox x y x1 y1 x2 y2 width height d patternUnits
    {http://www.w3.org/XML/1998/namespace}lang""".split())


def policy(root):
    style = root.find(f"{XHTML}head/{XHTML}style").text
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    wanted = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    metas = {m.get("http-equiv"): m.get("content") for m in root.iter(f"{XHTML}meta")}
    if metas.get("Content-Security-Policy") != wanted:
        yield f"the policy is not: {wanted}"
    if re.search(r"url\((?!#)|@import|expression", style):
        yield "the style refers to something outside"


def elements(root):
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    if len(ids) != len(set(ids)):
        yield "an id stands twice"
    for e in root.iter():
        tag = e.tag.replace(XHTML, "").replace(SVG, "")
        if (e.tag.startswith(XHTML) and tag not in TAGS) or (e.tag.startswith(SVG) and tag not in PICTURE):
            yield f"<{tag}> does not belong there"
        for name in e.keys():
            if name not in ATTRIBUTES:  # none of these can name an address or run
                yield f"{tag} has an attribute {name}"
        for name in (e.get("aria-labelledby") or "").split():
            if name not in ids:
                yield f"{tag} is labelled by {name}, which is not there"


def reading(root):
    """What somebody who only hears the page, or sees no colour, needs."""
    level = 0
    for e in root.iter():
        match = re.fullmatch(re.escape(XHTML) + r"h([1-6])", e.tag)
        if match:
            if int(match[1]) > level + 1:
                yield f"a heading of level {match[1]} below level {level}"
            level = int(match[1])
    if len(list(root.iter(f"{XHTML}h1"))) != 1 or root.get("lang") != "en":
        yield "wanted one h1 and a language"
    for table in root.iter(f"{XHTML}table"):
        if table.find(f"{XHTML}caption") is None or table.find(f"{XHTML}caption").text is None:
            yield "a table without caption"
        if any(not th.get("scope") for th in table.iter(f"{XHTML}th")):
            yield "a heading of a table without scope"
    for svg in root.iter(f"{SVG}svg"):
        if svg.get("aria-hidden") != "true" and (svg.get("role") != "img" or svg.find(f"{SVG}title") is None):
            yield "a picture without a name"
    for row in root.iter(f"{XHTML}tr"):
        mark = row.find(f".//{XHTML}span[@class='mark']")
        if row.get("class") and (mark is None or not "".join(mark.itertext()) or not mark.tail.strip()):
            yield "a state by colour alone"
    for box in root.iter(f"{XHTML}div"):
        if box.get("class") == "scroll" and (box.get("tabindex") != "0" or not box.get("aria-label")):
            yield "a box that scrolls and cannot be reached by the keyboard"


def main():
    path, *rest = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        page = file.read()
    if not page.startswith('<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"'):
        print("it does not begin as a page")
        return 1
    root = ET.fromstring(page)
    if rest[:1] == ["--text"]:
        return rest[1] not in "".join(root.find(f"{XHTML}body").itertext())
    if rest[:1] == ["--count"]:
        print(sum(1 for e in root.iter() if e.tag in (XHTML + rest[1], SVG + rest[1])))
        return 0
    found = [*policy(root), *elements(root), *reading(root)]
    print("\n".join(found[:20]), end="\n" if found else "")
    return bool(found)


sys.exit(main())
