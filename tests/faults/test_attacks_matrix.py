"""Every attack is refused, by the check that the table in the documentation names.

``MAAS_WRITE_TABLES=1 pytest tests/faults/test_attacks_matrix.py`` writes it anew; with ``-s`` it is shown.
"""

import os
import re
from pathlib import Path

import pytest
from attacks import SECTIONS
from world import World

TABLE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "attacks.md"
INTRODUCTION = """# Attacks

Written by `tests/faults/test_attacks_matrix.py`, which mounts each of these attacks and notes what refuses
it. An attack on a bundle is shown to `verify` and to `Store.import_bundle`, which must agree; after the
refusal the store holds nothing of it, nothing was written anywhere else, and the receiver remembers nothing
new but evidence. `N` stands for a number that differs from run to run, `…` for a digest or a folder.
"""
CASES = [
    pytest.param(section, title, id=f"{section}-{title}".replace(" ", "-"))
    for section, attacks in SECTIONS.items()
    for title in attacks
]


@pytest.fixture(scope="module")
def mount(workplace, people):
    """Mount an attack once, and give the check that refuses it with its reason."""
    done = {}

    def mounted(section, title):
        if (section, title) not in done:
            world = World(workplace / "attacks" / str(len(done)), people)
            check, reason = SECTIONS[section][title](world)
            done[section, title] = check, readable(reason, world.folder)
        return done[section, title]

    return mounted


@pytest.mark.parametrize(("section", "title"), CASES)
def test_it_is_refused(section, title, mount):
    check, reason = mount(section, title)
    assert check
    assert reason
    assert not Path("/tmp/evil").exists()


def readable(reason, folder):
    """Give what was wrong, without what to do and without what differs from run to run."""
    text = reason.replace(str(folder), "…").partition(";")[0]
    text = re.sub(r"[0-9a-f]{64}|[0-9A-F]{64}", "…", text)
    return re.sub(r"\b\d+(?= bytes)|(?<=byte )\d+|(?<![\d(-])\d{4,}(?![\d-])", "N", text)


def table(mount):
    text = [INTRODUCTION]
    for section, attacks in SECTIONS.items():
        text.append(f"## {section}\n\n| attack | refused by | with the words |\n| --- | --- | --- |")
        for title in attacks:
            check, reason = mount(section, title)
            words = reason.replace("|", "\\|").replace("\n", " ")
            text.append(f"| {title} | {check} | ``{words}`` |")
        text[-1] += "\n"
    return "\n".join(text)


def test_the_table_in_the_documentation_is_what_was_found(mount):
    text = table(mount)
    print(text)  # noqa: T201 - to be seen with -s
    if os.environ.get("MAAS_WRITE_TABLES"):
        TABLE_FILE.write_text(text, encoding="utf-8")
    assert TABLE_FILE.read_text(encoding="utf-8") == text
