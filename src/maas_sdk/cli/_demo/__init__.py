"""``maas demo``: the whole chain on scikit-learn's handwritten digits, both sides, and three refusals."""

from __future__ import annotations

import sys
from pathlib import Path

from maas_sdk.cli._console import EXIT_REFUSED, complain
from maas_sdk.cli._demo._receiver import Receiver
from maas_sdk.cli._demo._refusals import show_refusals
from maas_sdk.cli._demo._sender import Sender
from maas_sdk.cli._demo._story import DemoFailedError, Story

__all__ = ["run_demo"]


def run_demo(folder: str) -> None:
    """Run the demonstration; the exit status is 0 only if all of it held.

    Parameters
    ----------
    folder : str
        Where to work; when the name is taken, ``-2``, ``-3``, … is added and nothing is overwritten.
    """
    root = _free_folder(Path(folder))
    story = Story(root)
    try:
        _tell(story, root)
    except DemoFailedError as exc:
        complain(f"the demonstration failed: {exc}")
        sys.exit(EXIT_REFUSED)
    story.summary()


def _tell(story: Story, root: Path) -> None:
    acme = Sender(story, root / "acme", root / "courier")
    globex = Receiver(story, root / "globex", root / "courier")
    story.chapter("acme trains a network of our own with Adam, and measures it")
    acme.train()
    acme.evaluate()
    story.chapter("acme makes it small, within a budget")
    acme.compress()
    story.chapter("Both make an identity; only the contact files travel")
    globex.make_identity()
    acme.make_identity()
    story.chapter("acme publishes acme/digits@1.0.0, sealed for globex, and exports one file")
    bundle = acme.publish("1.0.0")
    story.chapter("globex, in another folder and other processes: verify, import, load, predict")
    globex.trust_acme()
    globex.verify(bundle)
    globex.import_bundle(bundle)
    rows, labels, probabilities = acme.predictions()
    globex.predict("1.0.0", rows, labels, probabilities)
    story.chapter("Three refusals")
    show_refusals(story, acme, globex, bundle)


def _free_folder(wanted: Path) -> Path:
    folder, number = wanted, 1
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    folder.mkdir(parents=True)
    return folder.resolve()
