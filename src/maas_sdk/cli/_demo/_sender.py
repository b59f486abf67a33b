"""The sender of the demonstration: everything that acme does, through the public API."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import maas_sdk as maas
from maas_sdk._internal.chart_parts import shortened
from maas_sdk._internal.units import format_bytes, format_seconds
from maas_sdk.cli._console import console, table
from maas_sdk.plugin import PluginRegistry, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.table import Table

    from maas_sdk.cli._demo._story import Story
    from maas_sdk.compression import CompressionReport
    from maas_sdk.plugin import StepEvent

__all__ = ["Sender"]

_NAME = "acme/digits"
_SEED = 0
_SELFTEST_ROWS = 8
_MAX_DROP = 0.005


class _EpochBar:
    """An observer: a progress bar over the epochs of a training."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("training", total=None, loss="")

    @hookimpl
    def maas_sdk_after_step(self, event: StepEvent) -> None:
        if event.step == "epoch":
            loss = f"loss {event.metrics['loss']:.4f}"
            self._progress.update(self._task, completed=(event.index or 0) + 1, total=event.total, loss=loss)


class Sender:
    """acme: trains, compresses, publishes.

    Parameters
    ----------
    story : Story
        What it tells.
    home : Path
        Its own folder.
    courier : Path
        The folder that travels between the two organisations.
    """

    def __init__(self, story: Story, home: Path, courier: Path) -> None:
        self._story = story
        self.home = home
        self.courier = courier
        home.mkdir()
        courier.mkdir(exist_ok=True)
        X, y = load_digits(return_X_y=True)
        X_rest, self._X_test, y_rest, self._y_test = train_test_split(
            X, y, test_size=0.25, stratify=y, random_state=_SEED
        )
        self._X_train, self._X_valid, self._y_train, self._y_valid = train_test_split(
            X_rest, y_rest, test_size=0.25, stratify=y_rest, random_state=_SEED
        )
        self.pipeline = maas.Pipeline(
            model=("mlp_classifier", {"hidden_layer_sizes": (128, 64), "random_state": _SEED}),
            preprocessors=["standard_scaler"],
            optimizer=("adam", {"learning_rate": 1e-3}),
        )

    def train(self) -> None:
        """Fit, with a progress bar."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs"),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        with (
            self._story.step("fit StandardScaler and a 64-128-64-10 network") as outcome,
            Progress(*columns, console=console()) as progress,
        ):
            registry = PluginRegistry()
            registry.add_observer(_EpochBar(progress))
            self.pipeline.set_params(registry=registry).fit(self._X_train, self._y_train)
            model = self.pipeline.chain_.steps[-1][1]
            outcome.result = f"{len(self._X_train)} rows, {model.n_iter_} epochs, loss {model.loss_:.4f}"
        self.pipeline.set_params(registry=None)

    def evaluate(self) -> None:
        """Measure on test rows, and by cross-validation."""
        with self._story.step(f"evaluate on {len(self._X_test)} test rows") as outcome:
            evaluation = self.pipeline.evaluate(self._X_test, self._y_test)
            metrics = evaluation.metrics
            outcome.result = f"accuracy {metrics['accuracy']:.4f}, macro F1 {metrics['f1_macro']:.4f}"
        self._story.show(str(evaluation))
        with self._story.step("cross-validate, 3 folds") as outcome:
            folds = self.pipeline.cross_validate(self._X_train, self._y_train, cv=3, random_state=_SEED)
            outcome.result = (
                f"accuracy {folds.mean['accuracy']:.4f} ± {folds.std['accuracy']:.4f}, "
                f"macro F1 {folds.mean['f1_macro']:.4f} ± {folds.std['f1_macro']:.4f}"
            )

    def compress(self) -> None:
        """Compress; accuracy may fall by half a point."""
        with self._story.step("compress, accuracy may fall by 0.5 points") as outcome:
            report = self.pipeline.compress(
                self._X_valid,
                self._y_valid,
                budget=maas.Budget(metric="accuracy", max_drop=_MAX_DROP),
                X_train=self._X_train,
                y_train=self._y_train,
            )
            before, after = report.original, report.compressed
            outcome.result = report.gained
            outcome.size = f"{format_bytes(before.size)} → {format_bytes(after.size)}"
        self._story.show(_candidates(report))
        chosen = report.chosen
        self._story.expect(
            chosen is not None and chosen.evidence is not None and chosen.evidence.bound <= _MAX_DROP,
            "the loss of accuracy stays in the budget, on rows that the search did not use",
        )
        self._story.expect(after.size < before.size, "the compressed model is smaller")

    def make_identity(self) -> None:
        """Make acme's identity; its contact goes with the courier."""
        with self._story.step("acme makes an identity") as outcome:
            identity = maas.Identity.generate("acme")
            passphrase = self.home / "passphrase"
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
            identity.save(self.home / "acme.identity", passphrase=passphrase.read_text("utf-8").strip())
            identity.public.save(self.courier / "acme.contact.json")
            outcome.result = f"fingerprint {identity.public.fingerprint_text}"
        self.identity = identity
        self._story.left(
            self.courier / "acme.contact.json", "acme's public contact: key, recipient, fingerprint"
        )

    def publish(self, version: str, *, signer: maas.Identity | None = None, note: str = "") -> Path:
        """Publish a version sealed for globex, and export it for the courier."""
        signer = signer or self.identity
        bundle = self.courier / f"digits-{version}{note}.maas"
        with self._story.step(f"publish and export {_NAME}@{version}{note}") as outcome:
            release = self.pipeline.publish(
                _NAME,
                version=version,
                store=self.home / f"models{note}",
                signer=signer,
                recipients=[maas.Contact.load(self.courier / "globex.contact.json")],
                selftest=self._X_valid[:_SELFTEST_ROWS],
                evaluation=self.pipeline.evaluate(self._X_test, self._y_test),
                card={"intended_use": "Shows how a model travels; 8x8 images of handwritten digits."},
            )
            release.export(bundle)
            outcome.result = f"{len(release.parts)} parts sealed and signed, {release.identity[:19]}…"
            outcome.size = format_bytes(bundle.stat().st_size)
        if signer is self.identity:
            self._keep_card(release)
            self._story.left(bundle, f"the bundle of {version}; tar tf lists it")
        return bundle

    def predictions(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Give test rows with this side's labels and probabilities."""
        rows = self._X_test
        return rows, self.pipeline.predict(rows), self.pipeline.predict_proba(rows)

    def _keep_card(self, release: maas.Release) -> None:
        card = self.home / "card.html"
        if not card.exists():
            card.write_bytes(release.read_parts(identity=self.identity)["card.html"])
            self._story.left(card, "the model card, as it travels inside the bundle")
            self._story.left(
                self.home / "models", "acme's store: blobs by digest, versions that never change"
            )


def _candidates(report: CompressionReport) -> Table:
    """Show every candidate, the original first."""
    title = f"Candidates: {report.n_search} rows choose, {report.n_judge} others judge"
    shown = table(title, "candidate", ">size", ">one row", ">accuracy", ">drop at most", "status")
    for result in report.results:
        status = f"{result.status}: {shortened(result.reason, 60)}" if result.reason else result.status
        measured, evidence = result.measurement, result.evidence
        figures = ["", "", ""]
        if measured is not None:
            figures = [
                format_bytes(measured.size),
                format_seconds(measured.latency),
                f"{measured.metric:.4f}",
            ]
        shown.add_row(result.name, *figures, "" if evidence is None else f"{evidence.bound:.4f}", status)
    return shown
