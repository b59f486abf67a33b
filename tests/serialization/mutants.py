"""Loads altered models of every estimator and makes them predict, under watch; one JSON line for each mutant.

``python mutants.py --count N --seed S [--case NAME]… [--shard i/n] [--start K]`` runs N mutants, spread over
the cases of `estimators.py`; ``python mutants.py --case NAME --seed S --verbose`` shows one. A mutant that
takes more than five seconds, or that ends the process, has no line; `mutant_runs.py` sees to that.
"""

import argparse
import copy
import faulthandler
import functools
import inspect
import itertools
import json
import os
import random
import re
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

import estimators
import numpy as np
from mutations import mutant
from scipy import sparse

from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

SECONDS = 5
MEMORY = 200 * 2**20
ROWS = 10
FORMS = (
    *({"profile": "full"}, {"profile": "inference"}, {"profile": "full", "zstd": True}),
    {"profile": "full", "training_state": True},
)
WITHOUT_ROWS = ("sample", *estimators.SIMPLE_QUESTIONS)
QUESTIONS = (*estimators.QUESTIONS, "kneighbors_graph", "radius_neighbors", *WITHOUT_ROWS)
DONORS = (
    *("Ridge", "LogisticRegression", "StandardScaler", "OneHotEncoder", "KMeans", "LabelBinarizer"),
    *("DummyClassifier", "DecisionTreeRegressor", "PCA", "KNeighborsClassifier", "SVC", "Pipeline"),
    *("GaussianNB", "TfidfVectorizer"),
)
PACKAGES = {
    *("sklearn", "numpy", "scipy", "maas_sdk", "joblib", "threadpoolctl", "backports", "narwhals", "pandas"),
    *("polars", "_polars_runtime_32", "pyarrow", *sys.stdlib_module_names),
}
FORBIDDEN = (
    *("open", "import", "compile", "marshal.load", "pickle.find_class", "ctypes.dlopen", "mmap."),
    *("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.", "sqlite3.", "subprocess."),
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "os.kill"),
    "os.putenv",
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink"),
    *("os.utime", "os.truncate", "os.setxattr", "os.listdir", "os.scandir", "os.walk", "os.chdir", "glob."),
    *("shutil.", "tempfile."),
)
# What a predict method may raise: what it would raise of rows that it cannot use.
ORDINARY = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError)
# Answers, too: rows that an estimator does not take.
NO_ROWS = re.compile(
    r"Input .*contains (NaN|inf)|The feature names should match|input_features is not equal"
    r"|unknown categories|previously unseen labels|Found array with 0 feature"
    r"|missing values in transform|is not fitted yet|^This '\w+' has no attribute|X has \d+ features"
)
CODE = tuple({sys.prefix, sys.base_prefix, str(Path(inspect.getfile(load_parts)).parents[2])})


# --------------------------------------------------------------------------------------------- the watch


class Watch:
    """Notes what Python tells of files, sockets, processes and imports, as long as it is on."""

    def __init__(self):
        self.on = False
        self.seen = []
        self.usual = set()
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        if self.on and event.startswith(FORBIDDEN):
            self.on = False  # what follows is our own doing
            try:
                note = self.note(event, arguments)
            finally:
                self.on = True
            if note is not None and note not in self.usual:
                self.seen.append(note)

    def note(self, event, arguments):
        if event == "import":
            return None if str(arguments[0]).partition(".")[0] in PACKAGES else f"import {arguments[0]}"
        if event == "open" and _reads_code(*arguments[:2]):
            return None
        if event.startswith(("compile", "os.listdir", "marshal", "ctypes")) and _is_usual(event):
            return None
        return f"{event} {str(arguments[0])[:100] if arguments else ''}"


def _reads_code(path, mode):
    """Whether a file is opened for reading that is code, or how many processors the machine has."""
    places = (*CODE, "/sys/fs/cgroup/", "/proc/cpuinfo")
    return str(path).startswith(places) and not set(mode or "r") & set("wax+")


# Of `ast`: a tree of code, for `inspect.signature` and joblib; of SciPy: what each frozen distribution has.
_COMPILING = {"parse", "_attach_argparser_methods"}


def _is_usual(event):
    """Whether Python imports something, or SciPy or the like compiles what it has written itself."""
    frame, codes = sys._getframe(), []
    while frame is not None:
        codes.append(frame.f_code)
        frame = frame.f_back
    if event == "compile" and any(code.co_name in _COMPILING for code in codes):
        return True
    return any(code.co_filename.startswith("<frozen importlib") for code in codes)


def children():
    """Give the processes that this one has started, as far as the system tells."""
    told = Path(f"/proc/self/task/{os.getpid()}/children")
    return set(told.read_text().split()) if told.exists() else set()


WATCH = Watch()


def allow_memory(n_bytes):
    """Let the process take so much more than it has; None for what it likes."""
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard if n_bytes is None else used + n_bytes, hard))


def set_alarms(seconds):
    """Nobody handles them: a hang ends the process, also one in compiled code."""
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of work, for a busy machine must not matter
    signal.setitimer(signal.ITIMER_REAL, seconds * 4)  # asleep


# ----------------------------------------------------------------------------------------- the questions


@functools.cache
def properties(cls):
    """Give the public attributes that are computed, but those of the size of the training data."""
    return [
        name
        for name in dir(cls)
        if name.endswith("_")
        and not name.startswith("_")
        and name != "estimators_samples_"
        and isinstance(getattr(cls, name), property)
    ]


def ask(model, rows):
    """Give what each question raised."""
    raised, found = {}, {}

    def attempt(name, function, *arguments, **options):
        try:
            answer = function(*arguments, **options)
            found[name] = list(itertools.islice(answer, 1000)) if inspect.isgenerator(answer) else answer
        except Exception as error:  # noqa: BLE001 - each is looked at
            raised[name] = error

    for name in properties(type(model)):
        attempt(name, getattr, model, name)
    for name in QUESTIONS:
        if hasattr(type(model), name) or name in getattr(model, "__dict__", ()):
            attempt(name, lambda name=name: getattr(model, name)(*([] if name in WITHOUT_ROWS else [rows])))
    if "transform" in found and hasattr(model, "inverse_transform"):
        attempt("inverse_transform", model.inverse_transform, found["transform"])
    if "predict" in found and "return_std" in inspect.signature(model.predict).parameters:
        attempt("predict with deviations", model.predict, rows, return_std=True)
    return raised


def few(rows):
    """Give the first rows, of whatever these are."""
    if hasattr(rows, "iloc"):
        return rows.iloc[:ROWS]
    return rows[:ROWS]


def fitting(rows, model):
    """Give rows with as many columns as a model says that it wants, within reason."""
    wanted = getattr(model, "n_features_in_", None)
    is_matrix = isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype != object
    is_number = isinstance(wanted, int | np.integer) and 0 < wanted <= 1000
    if not is_number or not (is_matrix or sparse.issparse(rows)) or wanted == rows.shape[1]:
        return copy.deepcopy(rows)
    if sparse.issparse(rows):
        return type(rows)(sparse.csr_matrix(rows).toarray()[:, np.arange(wanted) % rows.shape[1]])
    return rows[:, np.arange(wanted) % rows.shape[1]].copy()


# ------------------------------------------------------------------------------------------- the mutants


@functools.cache
def donors():
    """Give small models, to be put where others were."""
    return [dump_parts(estimators.natural(name).estimator) for name in DONORS]


class Subject:
    """One case of `estimators.py`, its parts in several forms, and what its model raises unaltered."""

    def __init__(self, name):
        np.random.seed(0)  # noqa: NPY002 - the state that scikit-learn uses
        case = estimators.natural(name) if name in estimators.CLASSES else estimators.variants()[name]()
        self.name, self.rows = name, few(case.rows)
        self.class_name = type(case.estimator).__name__
        self.forms = [dump_parts(case.estimator, **form) for form in FORMS]
        self.usual = set()
        WATCH.usual = set()
        for parts in self.forms:
            WATCH.seen, WATCH.on = [], True
            model = load_parts(parts)
            raised = ask(model, fitting(self.rows, model))
            WATCH.on = False
            WATCH.usual |= set(WATCH.seen)
            self.usual |= {(question, type(error)) for question, error in raised.items()}

    def drawn(self, seed):
        """Choose one of the forms, and give what draws the rest."""
        chance = random.Random(f"{self.name}/{seed}")
        return chance.choices(self.forms, [5, 3, 1, 1])[0], chance, donors()

    def run(self, seed, *, verbose=False):
        """Run one mutant; give what came of it."""
        parts, what = mutant(*self.drawn(seed))
        np.random.seed(0)  # noqa: NPY002 - likewise
        WATCH.seen, refusal, raised = [], None, {}
        allow_memory(MEMORY)
        set_alarms(SECONDS)
        before, start = children(), time.process_time()
        WATCH.on = True
        try:
            model = load_parts(parts)
            raised = ask(model, fitting(self.rows, model))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is reported
            refusal = error
        WATCH.on = False
        seconds = time.process_time() - start
        set_alarms(0)
        allow_memory(None)
        WATCH.seen += [f"process {number}" for number in children() - before]
        if verbose:
            for error in [refusal, *raised.values()]:
                traceback.print_exception(error)
        return {
            "case": self.name,
            "class": self.class_name,
            "seed": seed,
            **self.judge(refusal, raised),
            "seconds": round(seconds, 2),
            "what": str(what)[:300],
        }

    def judge(self, refusal, raised):
        """Tell the outcome, and why."""
        strange = {
            name: error
            for name, error in raised.items()
            if (name, type(error)) not in self.usual
            and not (is_ordinary(error) and NO_ROWS.search(str(error)))
        }
        bad = [f"{name}: {_said(error)}" for name, error in strange.items() if not is_ordinary(error)]
        if refusal is not None and (not isinstance(refusal, InvalidArtifactError) or _starved(refusal)):
            bad.append(f"load: {_said(refusal)}")
        bad += WATCH.seen
        if bad:
            return {"outcome": "violation", "why": bad[:5]}
        if refusal is not None:
            return {"outcome": "refused"}
        if strange:
            return {
                "outcome": "raised",
                "why": [f"{name}: {_said(error)}" for name, error in strange.items()],
            }
        return {"outcome": "answered"}


def is_ordinary(error):
    known = isinstance(error, ORDINARY) or type(error).__module__ == "scipy.linalg._flapack"
    return known and not isinstance(error, UnsupportedModelError) and not _starved(error)


def _starved(error):
    """Whether it came about by a lack of memory or of stack."""
    seen = []
    while error is not None and error not in seen:
        if isinstance(error, MemoryError) or (isinstance(error, RecursionError) and not seen):
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False


def _said(error):
    """Give type, message and the last place in a library."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "mutants.py" not in frame.filename
    ]
    where = f" [{Path(frames[-1].filename).name}:{frames[-1].lineno}]" if frames else ""
    return f"{type(error).__name__}: {str(error)[:160]}{where}"


# --------------------------------------------------------------------------------------------- the plan


def plan(count, seed, names):
    """Spread mutants over cases: give case and seed of each."""
    for index, name in enumerate(names):
        for number in range(count // len(names) + (index < count % len(names))):
            yield name, seed + number


def every_case():
    return [*estimators.NAMES, *estimators.variants()]


def run(options, write):
    names = options.case or every_case()
    names = names[options.shard[0] :: options.shard[1]]
    jobs = itertools.islice(plan(options.count, options.seed, names), options.start, None)
    if options.tell:
        name, seed = next(jobs)
        subject = Subject(name)
        what = mutant(*subject.drawn(seed))[1]
        write({"case": name, "class": subject.class_name, "seed": seed, "what": str(what)[:300]})
        return
    for name, group in itertools.groupby(jobs, lambda job: job[0]):
        try:
            subject = Subject(name)
        except Exception as error:  # noqa: BLE001 - it is reported
            kind = "unsupported" if isinstance(error, UnsupportedModelError) else "broken"
            for _, seed in group:
                write({"case": name, "seed": seed, "outcome": kind, "why": [_said(error)]})
            continue
        for _, seed in group:
            try:
                write(subject.run(seed, verbose=options.verbose))
            except Exception as error:  # noqa: BLE001 - likewise, of the mutation itself
                write({"case": name, "seed": seed, "outcome": "broken", "why": [str(seed), _said(error)]})


def warm_up():
    """Load what answers may need, and what would count as memory later."""
    import pandas as pd

    pd.DataFrame({"a": [1.0, None]}).to_numpy()
    if "polars" in sys.modules:
        frame = sys.modules["polars"].DataFrame({"a": [1.0, None], "b": ["x", "y"]})
        pd.DataFrame(dict(zip(frame.columns, frame.to_numpy().T, strict=True)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", action="append")
    parser.add_argument("--shard", type=lambda text: tuple(map(int, text.split("/"))), default=(0, 1))
    parser.add_argument("--start", type=int, default=0, help="how many of them to pass over")
    parser.add_argument("--tell", action="store_true", help="say which is the next one, and do not run it")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    results = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what compiled code prints is not ours
    faulthandler.enable()
    faulthandler.register(signal.SIGPROF, chain=True)
    faulthandler.register(signal.SIGALRM, chain=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.stack_size(512 * 1024)  # threads are asked for by the hundred
    with estimators.quietly():
        every_case()
        donors()
        warm_up()
        run(options, lambda line: results.write(json.dumps(line) + "\n"))


if __name__ == "__main__":
    main()
