#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails where a file includes upwards, where a library's header stands outside its one adapter, or
where a banned word is used (tests/lint/banned.txt)."""
import pathlib
import re
import sys

# Within a rank the finer numbers say who may build on whom: keys on certificates, values on URIs.
RANK = [("store/base/", 0), ("store/io/pkey", 1.5), ("store/io/x509_sct", 1.5), ("store/io/tls", 1.5), ("store/flow/key", 2.8), ("store/io/", 1),
        ("store/model/uri", 2), ("store/model/limits", 2), ("store/model/endpoint", 2), ("store/model/maintenance", 2), ("store/model/record", 2),
        ("store/model/validation", 2.7), ("store/model/", 2.5), ("store/flow/reissue", 5),
        ("store/flow/api", 4), ("store/flow/", 3), ("store/digicert-store.h", 6), ("store/", 7)]
ONLY_IN = {"curl/": ["store/io/http", "tests/"], "cjson/": ["store/io/json", "sandbox/", "tests/"],
           "libical/": ["store/io/calendar"],
           "p11-kit/": ["store/io/token", "pkcs11/", "tests/"],
           "microhttpd": ["sandbox/"],
           "openssl/": ["store/io/x509", "store/io/pkey", "store/io/conf", "store/io/tls", "provider/", "pkcs11/",
                        "sandbox/", "tests/", "examples/"]}
DOORS = ("provider/", "pkcs11/", "cli-shim/")
GENERATED = {"dcs-build.h", "provider-build.h", "pkcs11-build.h", "cli-build.h", "report-style.h",
             "sandbox-build.h"}
SKIP = ("build", ".git")


def rank(path):
    return next(r for prefix, r in RANK if path.startswith(prefix))


def module(path):
    """store/flow/cache_index.c and store/flow/cache.h are one module: cache. All files of the
    coordinator, store/*.c, are one."""
    path = pathlib.PurePosixPath(path)
    if path.parent.as_posix() == "store":
        return "store/store"
    return f"{path.parent}/{path.stem.split('_')[0]}"


def sources(root):
    for file in sorted(root.glob("**/*.[ch]")):
        here = file.relative_to(root).as_posix()
        if not here.startswith(SKIP):
            yield file, here


def include_complaint(here, file, kind, name):
    for lib, homes in ONLY_IN.items():
        if name.lower().startswith(lib) and not here.startswith(tuple(homes)):
            return f"<{name}> belongs in {homes[0]}"
    if kind == "<" or name in GENERATED or here.startswith(("tests/", "examples/")):
        return None
    if here.startswith("sandbox/"):
        if not (file.parent / name).exists():
            return "the sandbox includes nothing of the store"
        return None
    if here.startswith(DOORS):
        if name != "digicert-store.h" and ("/" in name or not (file.parent / name).exists()):
            return "a door may include only digicert-store.h and its own headers"
        return None
    there = "store/" + name
    if module(there) != module(here) and rank(there) >= max(rank(here), 1):
        return f"includes sideways or up: {name}"
    return None


def load_banned(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            word, where, why = (part.strip() for part in line.split("|"))
            yield re.compile(rf"(?<![\w.>]){word}\s*\("), [w for w in where.split() if w != "-"], word, why


def strip_comments(text):
    keep_lines = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    text = re.sub(r"/\*.*?\*/", keep_lines, text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def complaints(root):
    banned = list(load_banned(root / "tests/lint/banned.txt"))
    for file, here in sources(root):
        text = file.read_text()
        if not text.startswith(("// SPDX-License-Identifier: Apache-2.0",
                                "/* SPDX-License-Identifier: Apache-2.0")):
            yield f"{here}:1: the first line is not the SPDX line"
        count = text.count("\n")
        if count > 500 and not here.startswith("tests/"):
            yield f"{here}: {count} lines; split at 500"
        for n, line in enumerate(text.splitlines(), 1):
            m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
            complaint = m and include_complaint(here, file, *m.groups())
            if complaint:
                yield f"{here}:{n}: {complaint}"
        original = text.splitlines()
        for n, line in enumerate(strip_comments(text).splitlines(), 1):
            for pattern, where, word, why in banned:
                if pattern.search(line) and not here.startswith(tuple(where)) \
                        and "banned-ok:" not in original[n - 1]:
                    yield f"{here}:{n}: {word}: {why}"


def main():
    found = list(complaints(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "layers ok")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
