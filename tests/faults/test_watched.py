"""The recorder sees every call that changes something: strace says so."""

import os
import re
import shutil
import subprocess
import time
from collections import Counter

import children
import pytest
from scenes import SCENES

_CALLS = {
    "creat": "create", "write": "write", "pwrite64": "write", "writev": "write", "pwritev": "write",
    "pwritev2": "write", "sendfile": "write", "copy_file_range": "write", "splice": "write",
    "truncate": "truncate", "ftruncate": "truncate", "fallocate": "truncate", "fsync": "sync",
    "fdatasync": "sync", "sync_file_range": "sync", "msync": "sync", "link": "link", "linkat": "link",
    "symlink": "link", "symlinkat": "link", "rename": "rename", "renameat": "rename", "renameat2": "rename",
    "unlink": "unlink", "unlinkat": "unlink", "rmdir": "rmdir", "mkdir": "mkdir", "mkdirat": "mkdir",
    "mknod": "create", "mknodat": "create",
}  # fmt: skip
_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)")
_OWN = re.compile(r"\.sqlite(-wal|-shm|-journal)?$")


def attached(function, log):
    """Run `function` in a child that strace looks at from its beginning."""
    ready, go = os.pipe()

    def act():
        os.read(ready, 1)
        return function()

    tracer = []

    def start(child):
        names = ",".join([*_CALLS, "open", "openat"])
        tracer.append(
            subprocess.Popen(
                ["strace", "-f", "-y", "-s", "0", "-e", f"trace={names}", "-o", log, "-p", str(child)],
                stderr=subprocess.PIPE,
            )
        )
        line = tracer[0].stderr.readline()  # that it is attached, or why not
        if b"attached" not in line:
            os.write(go, b"x")
            tracer[0].wait()
        else:
            time.sleep(0.05)  # lets it set itself up; nothing depends on it but a complete log
            os.write(go, b"x")

    outcome = children.run(act, started=start)
    tracer[0].communicate()
    os.close(ready)
    os.close(go)
    return outcome, tracer[0].returncode == 0


def seen_by_strace(log, root):
    found = Counter()
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if not match or "resumed>" in line:
            continue
        name, rest = match.groups()
        paths = [
            path
            for path in re.findall(r'["<]([^">]*)[">]', rest)
            if path.startswith(f"{root}/") or path == root
        ]
        if not paths or _OWN.search(paths[-1].removesuffix("(deleted)")):
            continue
        if name in ("open", "openat"):
            if not re.search("O_CREAT|O_TRUNC", rest):
                continue
            kind = "create"
        elif name == "unlinkat" and "AT_REMOVEDIR" in rest:
            kind = "rmdir"
        else:
            kind = _CALLS[name]
        # Names within a folder are given with that folder: unlinkat(5</folder>, "name").
        relative = re.search(r'<([^>]*)>, "([^"/][^"]*)"', rest)
        path = f"{relative[1]}/{relative[2]}" if relative and name.endswith("at") else paths[-1]
        found[kind, os.path.relpath(path, root)] += 1
    return found


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("name", SCENES)
def test_every_call_that_strace_sees_was_seen(name, templates, workplace, people):
    scene = SCENES[name]
    folder = scene.copy(templates(name), workplace / f"strace-{name}")
    log = workplace / f"{name}.strace"
    hook = children.Count()

    def act():
        children.watch(folder, hook)
        scene.act(folder, people)
        return [(kind, path) for kind, path in hook.calls if kind not in ("sql", "mode", "times")]

    outcome, worked = attached(act, log)
    if not worked:
        pytest.skip("strace may not look at processes here")
    assert not outcome.error, outcome.message
    ours = Counter(map(tuple, outcome.value))
    theirs = seen_by_strace(log, folder)
    assert sum(theirs.values()) > 9
    # SQLite syncs the folder of its files.
    assert theirs["sync", "store"] >= ours["sync", "store"]
    ours["sync", "store"] = theirs["sync", "store"]
    assert theirs == Counter({key: count for key, count in ours.items() if not _OWN.search(key[1])})
