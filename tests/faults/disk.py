"""A file system that keeps only what was synced: records an operation, and gives what a power cut may leave.

The model is harsher than those in use. The bytes of a file count as written when the file was synced, else
any part of them may be missing. A new name, a removed one or a rename counts when its folder was synced
later, else it may or may not have happened, each by itself and in any order. A rename is one step.
"""

import json
import os
import random
import stat
from dataclasses import dataclass, field
from pathlib import Path

from watched import Hook

NONE, ALL = "none", "all"


@dataclass
class Node:
    """A folder (names to numbers of nodes) or a file; `content` is what it had when the recording began."""

    folder: bool
    mode: int = 0
    names: dict = field(default_factory=dict)
    content: bytes = b""


class State(dict):
    """Contents by path, None for a folder; `nodes` tells which paths are one file, `modes` who may use it."""

    def __init__(self):
        self.nodes = {}
        self.modes = {}


class Record(Hook):
    """Writes every change that succeeded, with its bytes, into a journal outside the watched folder.

    Locks and the index of a store are no part of what must survive: `ignore` names them.
    """

    def __init__(self, journal, ignore=()):
        self.calls = []
        self.file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.write = os.write  # the real one
        self.ignore = tuple(ignore)

    def after(self, call):
        if call.kind in ("open", "read", "stat", "list", "sql") or call.path.endswith(self.ignore):
            return
        entry = {
            "kind": call.kind, "path": call.path, "other": call.other, "at": call.position, "new": call.new,
            "mode": call.mode,
        }  # fmt: skip
        if call.kind == "write":
            entry["data"] = call.data.hex()
        self.write(self.file, json.dumps(entry).encode() + b"\n")
        self.calls.append((call.kind, call.path))


class Disk:
    """What was there, and the journal of what was done to it."""

    def __init__(self, template, journal):
        self.nodes = []
        self.journal = [json.loads(line) for line in Path(journal).read_text().splitlines()]
        self.root = self._load(template)
        self.changes = self._changes()

    def __len__(self):
        return len(self.changes)

    def _load(self, path):
        content = b"" if path.is_dir() else path.read_bytes()
        node = Node(path.is_dir(), stat.S_IMODE(path.stat().st_mode), content=content)
        self.nodes.append(node)
        number = len(self.nodes) - 1
        if node.folder:
            for each in sorted(path.iterdir()):
                node.names[each.name] = self._load(each)
        return number

    def _changes(self):  # noqa: C901 - one branch for each kind of call
        """Give the journal in terms of nodes: names come and go, but a node stays what it is."""
        names = {number: dict(node.names) for number, node in enumerate(self.nodes)}
        changes = []

        def find(path):
            number = self.root
            for part in [] if path == "." else path.split("/"):
                number = names[number][part]
            return number

        def place(path):
            parent, _, name = path.rpartition("/")
            return find(parent or "."), name

        def new(folder, mode):
            self.nodes.append(Node(folder, mode & ~0o022))
            names[len(self.nodes) - 1] = {}
            return len(self.nodes) - 1

        for entry in self.journal:
            kind, path = entry["kind"], entry["path"]
            if kind in ("create", "mkdir"):
                folder, name = place(path)
                if kind == "mkdir" or entry["new"]:
                    names[folder][name] = new(kind == "mkdir", entry["mode"] or 0o755)
                    changes.append(("add", folder, name, names[folder][name]))
                elif entry["at"] & os.O_TRUNC:
                    changes.append(("truncate", names[folder][name], 0))
            elif kind == "link":
                folder, name = place(path)
                names[folder][name] = find(entry["other"])
                changes.append(("add", folder, name, names[folder][name]))
            elif kind == "rename":
                source, old = place(entry["other"])
                folder, name = place(path)
                names[folder][name] = names[source].pop(old)
                changes.append(("rename", folder, name, names[folder][name], source, old))
            elif kind in ("unlink", "rmdir"):
                folder, name = place(path)
                del names[folder][name]
                changes.append(("remove", folder, name))
            elif kind == "write":
                changes.append(("write", find(path), entry["at"], bytes.fromhex(entry["data"])))
            elif kind == "truncate":
                changes.append(("truncate", find(path), entry["at"]))
            elif kind == "sync":
                changes.append(("sync", find(path)))
            else:
                assert kind in ("mode", "times"), f"the model does not know {kind}"
        return changes

    def state(self, length, choice):
        """Give what is left after a power cut behind the first `length` changes: paths with contents.

        `choice` is NONE (nothing un-synced survives), ALL, or the seed of a random choice for each change.
        """
        survives = _chooser(choice)
        cut = self.changes[:length]
        synced = {}
        for at, change in enumerate(cut):
            if change[0] == "sync":
                synced[change[1]] = at
        names = {number: dict(node.names) for number, node in enumerate(self.nodes)}
        contents = {number: bytearray(node.content) for number, node in enumerate(self.nodes)}
        for at, change in enumerate(cut):
            kind, node = change[0], change[1]
            sure = synced.get(node, -1) > at
            if kind == "sync" or not (sure or survives()):
                continue
            if kind == "add":
                names[node][change[2]] = change[3]
            elif kind == "remove":
                names[node].pop(change[2], None)
            elif kind == "rename":
                names[node][change[2]] = change[3]
                if names[change[4]].get(change[5]) == change[3]:
                    del names[change[4]][change[5]]
            elif kind == "truncate":
                del contents[node][change[2] :]
                contents[node].extend(bytes(change[2] - len(contents[node])))
            else:
                data = change[3] if sure else change[3][: survives(len(change[3]))]
                contents[node].extend(bytes(max(0, change[2] - len(contents[node]))))
                contents[node][change[2] : change[2] + len(data)] = data
        return self._walk(names, contents)

    def _walk(self, names, contents):
        found = State()

        def walk(number, path):
            for name, child in sorted(names[number].items()):
                where = path + name
                if self.nodes[child].folder:
                    found[where] = None
                    walk(child, where + "/")
                else:
                    found[where] = bytes(contents[child])
                    found.nodes[where], found.modes[where] = child, self.nodes[child].mode

        walk(self.root, "")
        return found


def _chooser(choice):
    if choice == NONE:
        return lambda size=0: 0
    if choice == ALL:
        return lambda size=1: size
    generator = random.Random(choice)
    return lambda size=1: generator.randint(0, size)


def write_out(state, folder):
    """Make a crash state real."""
    folder.mkdir(parents=True)
    written = {}
    for where, content in state.items():
        path = folder / where
        first = written.setdefault(state.nodes.get(where, where), path)
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        elif first != path:
            os.link(first, path)
        else:
            path.write_bytes(content)
            path.chmod(state.modes[where])
    return folder
