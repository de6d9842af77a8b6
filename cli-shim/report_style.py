#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes report-style.h of report.css: its lines, and the hash by which the page's policy knows them."""
import base64
import hashlib
import sys

source, target = sys.argv[1:]
with open(source, encoding="ascii") as file:
    style = file.read()
if "<" in style or "&" in style or "url(http" in style or "@import" in style:
    sys.exit(f"{source}: neither < nor & may stand there, nor an address")
digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
lines = [line.replace("\\", "\\\\").replace('"', '\\"') for line in style.splitlines()]
with open(target, "w", encoding="ascii") as file:
    file.write("/* Made of report.css. */\n")
    file.write(f'static const char style_hash[] = "{digest}";\n')
    file.write("static const char *const style[] = {\n")
    file.writelines(f'    "{line}\\n",\n' for line in lines)
    file.write("};\n")
