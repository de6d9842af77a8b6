# SPDX-License-Identifier: Apache-2.0
"""A file system in memory that forgets like one whose power went: what a file holds is safe after fsync
of the file, a name after fsync of its directory. Replays what crash_point.c recorded."""
import os
import random
import shutil
import stat


class Node:
    def __init__(self, kind, mode=0o600, target=None):
        self.kind, self.mode, self.target = kind, mode, target
        self.data = self.safe = b""  # of a file: as written, as after a power cut
        self.names = {}              # of a directory: as a running system sees them
        self.safe_names = {}         # as they are after a power cut
        self.pending = []            # changes of names not synced yet: lists of (name, node or None)


def load(path):
    """What is on the real disk, all of it safe."""
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        return Node("link", target=os.readlink(path))
    if stat.S_ISREG(info.st_mode):
        node = Node("file", stat.S_IMODE(info.st_mode))
        with open(path, "rb") as file:
            node.data = node.safe = file.read()
        return node
    node = Node("dir", stat.S_IMODE(info.st_mode))
    node.names = {name: load(os.path.join(path, name)) for name in os.listdir(path)}
    node.safe_names = dict(node.names)
    return node


class Disk:
    def __init__(self, top):
        """top: the directory whose inside is modelled; it need not be there yet."""
        self.top = top
        self.root = load(top) if os.path.isdir(top) else Node("dir", 0o755)
        self.unsynced = 0

    def _walk(self, path):
        parts = os.path.relpath(path, self.top).split("/")
        node = self.root
        for part in parts[:-1]:
            node = node.names[part]
        return node, parts[-1]

    def _find(self, path):
        if path == self.top:
            return self.root
        at, name = self._walk(path)
        return at.names.get(name)

    def _change(self, path, changes):
        at, _ = self._walk(path)
        for name, node in changes:
            if node is None:
                at.names.pop(name, None)
            else:
                at.names[name] = node
        at.pending.append(changes)

    def _name(self, path, node):
        if path == self.top:  # made by the run itself: it stays, with what is in it lost
            self.root = node
            return
        self._change(path, [(self._walk(path)[1], node)])

    def apply(self, op, path, other, number, data):
        inside = path == self.top or path.startswith(self.top + "/")
        if op == "rename" and other == self.top:
            return
        if not inside or path.endswith(" (deleted)"):
            return
        node = self._find(path)
        if op == "create":
            self._name(path, Node("file"))
        elif op == "mkdir":
            self._name(path, Node("dir", 0o700))
        elif op == "symlink":
            self._name(path, Node("link", target=other))
        elif op == "unlink":
            self._change(path, [(self._walk(path)[1], None)])
        elif op == "rename":
            self._change(path, [(self._walk(path)[1], None), (self._walk(other)[1], node)])
        elif op == "write":
            at = len(node.data) if number < 0 else number
            node.data = node.data[:at].ljust(at, b"\0") + data + node.data[at + len(data):]
        elif op == "truncate":
            node.data = node.data[:number].ljust(number, b"\0")
        elif op == "chmod" and node:
            node.mode = number & 0o7777
        elif op == "fsync" and node:
            if node.kind == "dir":
                for changes in node.pending:
                    self._settle(node, changes)
                node.pending = []
            node.safe = node.data

    @staticmethod
    def _settle(node, changes):
        for name, what in changes:
            if what is None:
                node.safe_names.pop(name, None)
            else:
                node.safe_names[name] = what

    def replay(self, log):
        with open(log, "rb") as file:
            text = file.read()
        count = at = 0
        while at < len(text):
            end = text.find(b"\n", at)
            op, path, other, number, size = text[at:end].decode().split("\t")
            data = text[end + 1:end + 1 + int(size)]
            at = end + 1 + int(size)
            self.apply(op, path, other, int(number), data)
            count += 1
        return count

    # ---- the power cut ----

    def cut(self, how, seed):
        """how: lost (all that was not synced), names (names kept, data lost), data (data kept, names lost),
        random (each change kept or not)."""
        draw = random.Random(seed)
        keeps_name = {"lost": lambda: False, "data": lambda: False, "names": lambda: True,
                      "random": lambda: draw.random() < 0.5}[how]
        keeps_data = {"lost": lambda: False, "names": lambda: False, "data": lambda: True,
                      "random": lambda: draw.random() < 0.5}[how]
        self._cut(self.root, keeps_name, keeps_data, set())

    def _cut(self, node, keeps_name, keeps_data, seen):
        if id(node) in seen:
            return
        seen.add(id(node))
        if node.kind == "file" and node.data != node.safe:
            self.unsynced += 1
            if keeps_data():
                node.safe = node.data
        for changes in node.pending:
            self.unsynced += 1
            if keeps_name():
                self._settle(node, changes)
        for below in list(node.safe_names.values()):
            self._cut(below, keeps_name, keeps_data, seen)

    def store(self):
        shutil.rmtree(self.top, ignore_errors=True)
        self._store(self.root, self.top)

    def _store(self, node, path):
        if node.kind == "link":
            os.symlink(node.target, path)
        elif node.kind == "file":
            with open(path, "wb") as file:
                file.write(node.safe)
            os.chmod(path, node.mode)
        else:
            os.mkdir(path)
            for name, below in node.safe_names.items():
                self._store(below, os.path.join(path, name))
            os.chmod(path, node.mode)
