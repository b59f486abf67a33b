"""The three refusals of the demonstration, each happening for real."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from rich.text import Text

import maas_sdk as maas
from maas_sdk.cli._console import table

if TYPE_CHECKING:
    from pathlib import Path

    from maas_sdk.cli._demo._receiver import Receiver
    from maas_sdk.cli._demo._sender import Sender
    from maas_sdk.cli._demo._story import Story

__all__ = ["show_refusals"]


def show_refusals(story: Story, acme: Sender, globex: Receiver, bundle: Path) -> None:
    """Try three bundles that must be refused, and say why each was."""
    shown = table("Refused, and why", "what was tried", "check", "reason")
    with story.step("one byte of the bundle flipped") as outcome:
        check, reason = globex.refuse(_flip_a_byte(bundle), verify=True)
        outcome.result = f"refused by the check {check!r}"
        shown.add_row("one byte flipped in the middle of the weights", check, Text(reason))
    forged = acme.publish("1.0.1", signer=maas.Identity.generate("mallory"), note="-by-mallory")
    with story.step("a bundle that somebody unknown signed") as outcome:
        check, reason = globex.refuse(forged)
        outcome.result = f"refused by the check {check!r}"
        shown.add_row("acme/digits@1.0.1, signed by mallory", check, Text(reason))
    globex.import_bundle(acme.publish("1.1.0"), first_use=False)
    with story.step("the older 1.0.0 again, after 1.1.0") as outcome:
        check, reason = globex.refuse(bundle)
        outcome.result = f"refused by the check {check!r}"
        shown.add_row("acme/digits@1.0.0, after 1.1.0 was imported", check, Text(reason))
    story.show(shown)


def _flip_a_byte(bundle: Path) -> Path:
    with tarfile.open(bundle) as tar:
        largest = max(tar.getmembers(), key=lambda member: member.size)
    data = bytearray(bundle.read_bytes())
    data[largest.offset_data + largest.size // 2] ^= 0x01
    flipped = bundle.with_name(f"{bundle.stem}-flipped.maas")
    flipped.write_bytes(data)
    return flipped
