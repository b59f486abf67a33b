"""For each check of the other kinds a component that is caught by it, and as a rule by no other."""

import contextlib
import copy
import io
import threading
import weakref

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.pipeline import Pipeline

from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidArtifactError,
    InvalidOptionError,
    MaasError,
    NotFoundError,
    PayloadError,
    SigningError,
    StorageError,
    UnsupportedModelError,
)
from maas_sdk.sealing import AgeSealer, generate_identity
from maas_sdk.signing import PrivateKey
from maas_sdk.testing import _any_kind, _compressors, _optimizers, _sealers, _serializers, _signers, _storage

# -- optimizers ----------------------------------------------------------------------------------------------


class Momentum:
    def __init__(self, learning_rate=0.05):
        if not isinstance(learning_rate, float):
            raise InvalidOptionError("learning_rate must be a float")
        self.learning_rate = learning_rate

    def init(self, params):
        return {"velocity": np.zeros_like(params), "t": 0}

    def update_(self, params, grads, state):
        state["t"] += 1
        state["velocity"] *= 0.9
        state["velocity"] += grads
        params -= self.learning_rate * state["velocity"]


class Unchecked(Momentum):
    def __init__(self, learning_rate=0.05):
        self.learning_rate = learning_rate


class NotInPlace(Momentum):
    def update_(self, params, grads, state):
        super().update_(params, grads, state)
        return params


class Ascending(Momentum):
    def update_(self, params, grads, state):
        super().update_(params, -grads, state)


class Overflowing(Momentum):
    def update_(self, params, grads, state):
        super().update_(params, grads, state)
        if params.dtype == np.float32:
            params[0] = np.inf


class NoisySteps(Momentum):
    def update_(self, params, grads, state):
        super().update_(params, grads * (1 + 1e-3 * np.random.default_rng().random()), state)


class NoisyInTheEnd(Momentum):
    def update_(self, params, grads, state):
        super().update_(params, grads, state)
        if state["t"] > 10:
            params += 1e-6 * np.random.default_rng().random()


class ListState(Momentum):
    def init(self, params):
        return {**super().init(params), "history": []}


class HiddenState(Momentum):
    """Counts the steps of a state outside of it."""

    counts = {}  # noqa: RUF012 - shared on purpose

    def init(self, params):
        state = super().init(params)
        self.counts[id(state)] = 0
        return state

    def update_(self, params, grads, state):
        self.counts[id(state)] = self.counts.get(id(state), 0) + 1
        super().update_(params, grads / self.counts[id(state)], state)


class ChangingOptions(Momentum):
    def update_(self, params, grads, state):
        super().update_(params, grads, state)
        self.used = True


class OneRunOnly(Momentum):
    """Remembers the run by its first parameter, and where all objects see it."""

    first = 0.0

    def init(self, params):
        type(self).first = params[0]
        return super().init(params)

    def update_(self, params, grads, state):
        super().update_(params, grads * (0.5 if self.first < 0 else 1.0), state)


class OneThreadOnly(Momentum):
    """Its scratch space is everybody's."""

    def __init__(self):
        super().__init__()
        self._busy = threading.Lock()

    def update_(self, params, grads, state):
        alone = self._busy.acquire(blocking=False)
        try:
            threading.Event().wait(0.001 if threading.current_thread() is not threading.main_thread() else 0)
            super().update_(params, grads if alone else 0 * grads, state)
        finally:
            if alone:
                self._busy.release()

    def __getstate__(self):
        return {"learning_rate": self.learning_rate}


OPTIMIZERS = [
    (_any_kind.refuses_useless_values, Unchecked),
    (_optimizers.updates_in_place, NotInPlace),
    (_optimizers.decreases_a_quadratic, Ascending),
    (_optimizers.takes_float32_and_float64, Overflowing),
    (_optimizers.is_deterministic, NoisySteps),
    (_optimizers.is_deterministic, NoisyInTheEnd),
    (_optimizers.serves_several_threads, OneThreadOnly),
    (_optimizers.state_is_arrays_and_integers, ListState),
    (_optimizers.resumes_from_a_copied_state, HiddenState),
    (_optimizers.leaves_its_options_alone, ChangingOptions),
    (_optimizers.serves_two_runs_at_once, OneRunOnly),
]

# -- compressors ---------------------------------------------------------------------------------------------


class Rounding:
    needs_training_data = False

    def supports(self, chain):
        return isinstance(chain, Pipeline) and hasattr(chain.steps[-1][1], "coef_")

    def compress(self, chain, X=None, y=None):
        if not self.supports(chain):
            raise UnsupportedModelError("no coef_")
        made = copy.deepcopy(chain)
        made.steps[-1][1].coef_ = self.rounded(made.steps[-1][1].coef_)
        return made

    def rounded(self, weights):
        return weights.round(2)


class ChangingTheChain(Rounding):
    def compress(self, chain, X=None, y=None):
        if not self.supports(chain):
            raise UnsupportedModelError("no coef_")
        chain.steps[-1][1].coef_ = self.rounded(chain.steps[-1][1].coef_)
        return copy.deepcopy(chain)


class Sharing(Rounding):
    def compress(self, chain, X=None, y=None):
        if not self.supports(chain):
            raise UnsupportedModelError("no coef_")
        made = Pipeline([*chain.steps[:-1], (chain.steps[-1][0], copy.copy(chain.steps[-1][1]))])
        made.steps[-1][1].coef_ = self.rounded(made.steps[-1][1].coef_)
        return made


class LosingThePreprocessing(Rounding):
    def compress(self, chain, X=None, y=None):
        return super().compress(chain).steps[-1][1]


class InventingLabels(Rounding):
    def compress(self, chain, X=None, y=None):
        made = super().compress(chain)
        made.steps[-1][1].classes_ = made.steps[-1][1].classes_ + 10
        return made


class Dithering(Rounding):
    def rounded(self, weights):
        return weights + np.random.default_rng().normal(size=weights.shape) * 100


class DitheringTheSecondTime(Rounding):
    """And only in the main thread."""

    def __init__(self):
        self.calls = 0

    def rounded(self, weights):
        self.calls += threading.current_thread() is threading.main_thread()
        noise = np.random.default_rng().normal(size=weights.shape) * 100
        return weights + noise if self.calls == 2 else weights


class Presuming(Rounding):
    def supports(self, chain):
        if chain is None:
            raise TypeError("no chain")
        return super().supports(chain)

    def compress(self, chain, X=None, y=None):
        if chain is None:
            raise UnsupportedModelError("no chain")
        return super().compress(chain)


class Garbling(Rounding):
    """Takes what it does not support for what it does."""

    def compress(self, chain, X=None, y=None):
        return super().compress(chain) if self.supports(chain) else chain


class Tumbling(Rounding):
    def compress(self, chain, X=None, y=None):
        if not self.supports(chain):
            raise LookupError("no coef_")
        return super().compress(chain)


class CountingOnClasses(Rounding):
    """Looks up a row for each class, whether it is there or not."""

    def compress(self, chain, X=None, y=None):
        made = super().compress(chain)
        model = made.steps[-1][1]
        [model.coef_[index] for index in range(len(getattr(model, "classes_", ())))]
        return made


class Bomb(Rounding):
    def compress(self, chain, X=None, y=None):
        made = super().compress(chain)
        made.steps[-1][1].table_ = np.zeros(2**21, dtype=np.uint8)
        return made


class Undecided(Rounding):
    def supports(self, chain):
        return 1 if super().supports(chain) else 0


class HidingItsNeeds(Rounding):
    def compress(self, chain, X=None, y=None):
        if X is None:
            raise ValueError("training data, please")
        return super().compress(chain)


class OneAtATime(Rounding):
    busy = threading.Lock()

    def compress(self, chain, X=None, y=None):
        if not self.busy.acquire(blocking=False):
            raise RuntimeError("busy")
        try:
            threading.Event().wait(0.05)
            return super().compress(chain)
        finally:
            self.busy.release()


class Boasting(Rounding):
    lossless = True


class Vague(Rounding):
    lossless = "nearly"


COMPRESSORS = [
    (_compressors.is_lossless_if_it_says_so, Boasting),
    (_compressors.is_lossless_if_it_says_so, Vague),
    (_compressors.same_chain_gives_the_same_result, DitheringTheSecondTime),
    (_compressors.refuses_what_it_does_not_support, Garbling),
    (_compressors.refuses_what_it_does_not_support, Tumbling),
    (_compressors.survives_a_truncated_chain, CountingOnClasses),
    (_compressors.gives_no_bomb, Bomb),
    (_compressors.leaves_the_given_chain_as_it_was, ChangingTheChain),
    (_compressors.shares_nothing_with_the_given_chain, Sharing),
    (_compressors.gives_a_fitted_chain_for_the_same_input, LosingThePreprocessing),
    (_compressors.gives_a_fitted_chain_for_the_same_input, InventingLabels),
    (_compressors.same_chain_gives_the_same_result, Dithering),
    (_compressors.supports_never_raises, Presuming),
    (_compressors.supports_never_raises, Undecided),
    (_compressors.says_whether_it_needs_training_data, HidingItsNeeds),
    (_compressors.compresses_in_several_threads, OneAtATime),
]

# -- storage backends ----------------------------------------------------------------------------------------


class Memory:
    def __init__(self):
        self.objects = {}
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def create(self, key):
        file = io.BytesIO()
        yield file
        self.store(key, file.getvalue())

    def store(self, key, data):
        with self.lock:
            if key in self.objects:
                raise AlreadyExistsError(key)
            self.objects[key] = data

    def get(self, key):
        if key not in self.objects:
            raise NotFoundError(key)
        return self.objects[key]

    def open(self, key):
        return io.BytesIO(self.get(key))

    def size(self, key):
        return len(self.get(key))

    def list(self, prefix):
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def delete(self, key):
        self.get(key)
        del self.objects[key]


class Truncating(Memory):
    def store(self, key, data):
        super().store(key, data[: 2**20])


class Unseekable(Memory):
    def open(self, key):
        data = io.BytesIO(self.get(key))
        data.seek = lambda *_: 0
        return data


class ShowingHalf(Memory):
    @contextlib.contextmanager
    def create(self, key):
        if key in self.objects:
            raise AlreadyExistsError(key)
        file = io.BytesIO()
        self.objects[key] = b""
        try:
            yield file
        except BaseException:
            del self.objects[key]
            raise
        self.objects[key] = file.getvalue()


class CleaningUpAfterErrorsOnly(Memory):
    @contextlib.contextmanager
    def create(self, key):
        file = io.BytesIO()
        try:
            yield file
        except Exception:
            raise
        except BaseException:
            self.store(key, file.getvalue())
            raise
        self.store(key, file.getvalue())


class Replacing(Memory):
    def store(self, key, data):
        self.objects[key] = data


class ReplacingItsOwn(Memory):
    """Refuses what another thread has written, and not what the same one has."""

    def __init__(self):
        super().__init__()
        self.writers = {}

    def store(self, key, data):
        with self.lock:
            if self.writers.setdefault(key, threading.get_ident()) != threading.get_ident():
                raise AlreadyExistsError(key)
            self.objects[key] = data

    def delete(self, key):
        super().delete(key)
        del self.writers[key]


class Swallowing(Memory):
    @contextlib.contextmanager
    def create(self, key):
        file = io.BytesIO()
        try:
            yield file
        except OSError:
            return
        self.store(key, file.getvalue())


class OneBuffer(Memory):
    """What two threads write at once under different keys ends up under the later one."""

    @contextlib.contextmanager
    def create(self, key):
        self.current = key
        file = io.BytesIO()
        yield file
        if key.startswith("data/"):
            threading.Event().wait(0.02)
            self.store(self.current, file.getvalue())
        else:
            self.store(key, file.getvalue())


class Racing(Memory):
    def store(self, key, data):
        taken = key in self.objects
        threading.Event().wait(0.02)
        if taken:
            raise AlreadyExistsError(key)
        self.objects[key] = data


class Unsorted(Memory):
    def list(self, prefix):
        return iter([key for key in self.objects if key.startswith(prefix)])


class ListingFolders(Memory):
    def list(self, prefix):
        folder = prefix.rstrip("/")
        return iter(sorted(k for k in self.objects if not folder or k.startswith(folder + "/")))


class RaisingKeyErrors(Memory):
    def size(self, key):
        return len(self.objects[key])


class Remembering(Memory):
    def delete(self, key):
        self.get(key)


STORAGE = [
    (_storage.never_replaces, ReplacingItsOwn),
    (_storage.passes_exceptions_on, Swallowing),
    (_storage.serves_several_threads, OneBuffer),
    (_storage.keeps_what_is_written, Truncating),
    (_storage.reads_anywhere, Unseekable),
    (_storage.shows_nothing_before_the_end, ShowingHalf),
    (_storage.leaves_nothing_after_an_exception, CleaningUpAfterErrorsOnly),
    (_storage.never_replaces, Replacing),
    (_storage.a_race_has_one_winner, Racing),
    (_storage.lists_sorted_by_prefix, Unsorted),
    (_storage.lists_sorted_by_prefix, ListingFolders),
    (_storage.says_what_is_not_there, RaisingKeyErrors),
    (_storage.deletes, Remembering),
]

# -- sealers -------------------------------------------------------------------------------------------------


class Sealer:
    """The built-in one, with places to break it."""

    suffix = ".age"

    def encrypt(self, source, sink, recipients):
        AgeSealer().encrypt(source, sink, recipients)

    def decrypt(self, source, sink, identities):
        AgeSealer().decrypt(source, sink, identities)


class OffByOne(Sealer):
    """Loses the last byte where it would stand in a chunk alone."""

    def encrypt(self, source, sink, recipients):
        plaintext = source.read()
        whole = plaintext[:-1] if len(plaintext) == 65_537 else plaintext
        super().encrypt(io.BytesIO(whole), sink, recipients)


class ForTheFirst(Sealer):
    def encrypt(self, source, sink, recipients):
        super().encrypt(source, sink, recipients[:1])


class Leaking(Sealer):
    """Sealed bytes, the plaintext after them; the plaintext is compared, so that nothing can be altered."""

    def encrypt(self, source, sink, recipients):
        plaintext, sealed = source.read(), io.BytesIO()
        super().encrypt(io.BytesIO(plaintext), sealed, recipients)
        sink.write(len(sealed.getvalue()).to_bytes(4) + sealed.getvalue() + plaintext)

    def decrypt(self, source, sink, identities):
        whole, opened = source.read(), io.BytesIO()
        end = 4 + int.from_bytes(whole[:4])
        super().decrypt(io.BytesIO(whole[4:end]), opened, identities)
        if opened.getvalue() != whole[end:]:
            raise PayloadError("altered")
        sink.write(opened.getvalue())


class Repeating(Sealer):
    def __init__(self):
        self.known = {}

    def encrypt(self, source, sink, recipients):
        key = source.read(), str(recipients)
        if key not in self.known:
            made = io.BytesIO()
            super().encrypt(io.BytesIO(key[0]), made, recipients)
            self.known[key] = made.getvalue()
        sink.write(self.known[key])


class Lenient(Sealer):
    """Adds a byte that it does not check."""

    def encrypt(self, source, sink, recipients):
        super().encrypt(source, sink, recipients)
        sink.write(b".")

    def decrypt(self, source, sink, identities):
        sealed = source.read()
        if not sealed:
            raise PayloadError("empty")
        super().decrypt(io.BytesIO(sealed[:-1]), sink, identities)


class Releasing(Sealer):
    """Lets out what it could not authenticate, and says so only afterwards."""

    def decrypt(self, source, sink, identities):
        try:
            super().decrypt(source, sink, identities)
        except PayloadError:
            sink.write(b"unauthenticated")
            raise


class IgnoringTheRest(Sealer):
    """Takes zero bytes after the end."""

    def encrypt(self, source, sink, recipients):
        super().encrypt(source, sink, recipients)
        sink.write(b"end")

    def decrypt(self, source, sink, identities):
        sealed = source.read().rstrip(b"\0")
        if not sealed.endswith(b"end"):
            raise PayloadError("truncated")
        super().decrypt(io.BytesIO(sealed[:-3]), sink, identities)


class Escrowed(Sealer):
    escrow = generate_identity(post_quantum=False)

    def encrypt(self, source, sink, recipients):
        super().encrypt(source, sink, [*recipients, *([self.escrow.recipient] if recipients else [])])

    def decrypt(self, source, sink, identities):
        super().decrypt(source, sink, [*identities, self.escrow])


class ForNobody(Sealer):
    def encrypt(self, source, sink, recipients):
        if recipients:
            super().encrypt(source, sink, recipients)


class NoSuffix(Sealer):
    suffix = "age"


class SwallowingFaults(Sealer):
    """Ends quietly where a sink is full."""

    def decrypt(self, source, sink, identities):
        with contextlib.suppress(StorageError, OSError):
            super().decrypt(source, sink, identities)


class FinishingAnyway(Sealer):
    """Takes a source that fails for one that ends, and raises when the file is complete."""

    def encrypt(self, source, sink, recipients):
        read, fault = io.BytesIO(), None
        try:
            while part := source.read(65_536):
                read.write(part)
        except BaseException as exc:  # noqa: BLE001 - it is what is wrong with this one
            fault = exc
        super().encrypt(io.BytesIO(read.getvalue()), sink, recipients)
        if fault:
            raise fault


class ReleasingAfterAFault(Sealer):
    def decrypt(self, source, sink, identities):
        try:
            super().decrypt(source, sink, identities)
        except BaseException as exc:
            if not isinstance(exc, MaasError) or isinstance(exc.__cause__, OSError):
                sink.write(b"unauthenticated")
            raise


class OneFileAtATime(Sealer):
    busy = threading.Lock()

    def encrypt(self, source, sink, recipients):
        if not self.busy.acquire(blocking=False):
            raise PayloadError("busy")
        try:
            threading.Event().wait(0.001)
            super().encrypt(source, sink, recipients)
        finally:
            self.busy.release()


SEALERS = [
    (_sealers.passes_faults_on, SwallowingFaults),
    (_sealers.an_interrupted_file_does_not_open, FinishingAnyway),
    (_sealers.releases_nothing_unauthenticated_after_a_fault, ReleasingAfterAFault),
    (_sealers.works_in_several_threads, OneFileAtATime),
    (_sealers.opens_what_it_seals, OffByOne),
    (_sealers.seals_for_several, ForTheFirst),
    (_sealers.hides_the_plaintext, Leaking),
    (_sealers.is_fresh_each_time, Repeating),
    (_sealers.refuses_any_flipped_bit, Lenient),
    (_sealers.refuses_any_flipped_bit, Releasing),
    (_sealers.refuses_any_truncation, IgnoringTheRest),
    (_sealers.refuses_a_stranger, Escrowed),
    (_sealers.refuses_to_seal_for_nobody, ForNobody),
    (_sealers.names_its_suffix, NoSuffix),
]

# -- serializers ---------------------------------------------------------------------------------------------


class Line(RegressorMixin, BaseEstimator):
    def __init__(self, alpha=0.0):
        self.alpha = alpha

    def fit(self, X, y):
        y = np.asarray(X)[:, 0] if y is None else y
        self.coef_ = np.linalg.lstsq(X, y)[0]
        return self

    def predict(self, X):
        return X @ self.coef_


class LineSerializer:
    type_name = "ours.Line"
    target_type = Line

    def to_state(self, estimator):
        return {"alpha": estimator.alpha, "coef": estimator.coef_.copy()}

    def from_state(self, state):
        if set(state) != {"alpha", "coef"}:
            raise InvalidArtifactError("other keys than alpha and coef")
        return self.made(state["alpha"], state["coef"])

    def made(self, alpha, coef):
        if type(alpha) is not float or alpha != alpha:  # noqa: PLR0124 - NaN
            raise InvalidArtifactError("not a number", path="alpha")
        fits = isinstance(coef, np.ndarray) and coef.ndim == 1 and coef.dtype == np.float64
        if not (fits and np.isfinite(coef).all()):
            raise InvalidArtifactError("not a vector of floats", path="coef")
        line = Line(alpha)
        line.coef_ = coef
        return line


class Imprecise(LineSerializer):
    def made(self, alpha, coef):
        line = super().made(alpha, coef)
        line.coef_ = line.coef_.astype(np.float32).astype(np.float64)
        return line


class TakingApartForGood(LineSerializer):
    def to_state(self, estimator):
        estimator.exported_ = True
        return super().to_state(estimator)


class Stamping(LineSerializer):
    """Counts how often it has seen an estimator."""

    def __init__(self):
        self.seen = weakref.WeakKeyDictionary()

    def to_state(self, estimator):
        self.seen[estimator] = self.seen.get(estimator, 0.0) + 1.0
        return {**super().to_state(estimator), "stamp": self.seen[estimator]}

    def from_state(self, state):
        state = dict(state)
        if not isinstance(state.get("stamp"), float) or not state.pop("stamp") > 0:
            raise InvalidArtifactError("no stamp")
        return super().from_state(state)


class Rich(LineSerializer):
    def to_state(self, estimator):
        return {**super().to_state(estimator), "when": 3 + 4j}

    def from_state(self, state):
        state = dict(state)
        if type(state.pop("when", None)) is not complex:
            raise InvalidArtifactError("not then")
        return super().from_state(state)


class Defaulting(LineSerializer):
    def from_state(self, state):
        return super().from_state({"alpha": 0.0, **state})


class Tolerant(LineSerializer):
    def from_state(self, state):
        return super().from_state({key: state[key] for key in ("alpha", "coef") if key in state})


class Trusting(LineSerializer):
    def made(self, alpha, coef):
        return super().made(0.0 if alpha is None else 1.0 * alpha if type(alpha) is str else alpha, coef)


class AcceptingAll(LineSerializer):
    def made(self, alpha, coef):
        line = super().made(0.0, coef)
        line.alpha = alpha
        return line


class OfAnother(LineSerializer):
    type_name = "sklearn.Line"


class InBlocks(LineSerializer):
    """Keeps its weights in a list of blocks, and their number beside it."""

    def to_state(self, estimator):
        return {"alpha": estimator.alpha, "blocks": {"count": 2, "parts": np.split(estimator.coef_, 2)}}

    def from_state(self, state):
        blocks = state.get("blocks")
        if set(state) != {"alpha", "blocks"} or type(blocks) is not dict or set(blocks) != {"count", "parts"}:
            raise InvalidArtifactError("other keys")
        return self.made(state["alpha"], self.joined(**blocks))

    def joined(self, count, parts):
        if count != 2 or len(parts) != count:
            raise InvalidArtifactError("not two blocks")
        return np.concatenate(parts)


class Believing(InBlocks):
    """Takes the number of blocks for true."""

    def joined(self, count, parts):
        if count > len(parts):
            raise InvalidArtifactError("too few blocks") if count > 2 else IndexError("too few blocks")
        return np.concatenate(parts)


class Allocating(InBlocks):
    """Makes room for as many weights as there are said to be, and looks afterwards."""

    def joined(self, count, parts):
        room = np.zeros(min(count, 2**24))
        return super().joined(count, parts) + 0 * room[0]


class NotReentrant(LineSerializer):
    """Hands over from method to method by way of itself."""

    def from_state(self, state):
        self.line = super().from_state(state)
        if threading.current_thread() is not threading.main_thread():
            threading.Event().wait(0.02)
        line, self.line = self.line, None
        return line


SERIALIZERS = [
    (_serializers.survives_truncation, Believing),
    (_serializers.refuses_bombs, Allocating),
    (_serializers.works_in_several_threads, NotReentrant),
    (_serializers.comes_back_the_same, Imprecise),
    (_serializers.leaves_the_estimator_alone, TakingApartForGood),
    (_serializers.equal_estimators_give_equal_states, Stamping),
    (_serializers.state_is_plain, Rich),
    (_serializers.refuses_a_state_that_lacks_something, Defaulting),
    (_serializers.refuses_a_state_with_more, Tolerant),
    (_serializers.survives_garbage, Trusting),
    (_serializers.survives_garbage, AcceptingAll),
    (_serializers.has_a_type_name_in_its_namespace, OfAnother),
]

# -- signers -------------------------------------------------------------------------------------------------


class Signer:
    def __init__(self):
        self._key = PrivateKey.generate()

    def public_key_pem(self):
        return self._key.public_key_pem()

    def sign(self, message):
        return self._key.sign(message)

    def close(self):
        self._key.close()


class SigningDigests(Signer):
    def sign(self, message):
        return super().sign(message[:50])


class Rotating(Signer):
    def sign(self, message):
        made = super().sign(message)
        if message == b"one message":
            self._key = PrivateKey.generate()
        return made


class Talkative(Signer):
    def __repr__(self):
        return self._key.to_pem(None)


class OneSignatureAtATime(Signer):
    def __init__(self):
        super().__init__()
        self.busy = threading.Lock()

    def sign(self, message):
        if not self.busy.acquire(blocking=False):
            raise SigningError("busy")
        try:
            threading.Event().wait(0.02)
            return super().sign(message)
        finally:
            self.busy.release()


class NeverClosed(Signer):
    def close(self):
        """Keep the key."""


class HoldingForAll(Signer):
    """Its key is the neutral element, under which one signature holds for every message (RFC 8032, 8.)."""

    NEUTRAL = bytes([1, *bytes(31)])
    closed = False

    def public_key_pem(self):
        key = Ed25519PublicKey.from_public_bytes(self.NEUTRAL)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, message):
        if self.closed:
            raise SigningError("closed")
        return self.NEUTRAL + bytes(32)

    def close(self):
        self.closed = True


SIGNERS = [
    (_signers.signatures_hold_for_nothing_else, HoldingForAll),
    (_signers.signatures_verify, SigningDigests),
    (_signers.keeps_its_key, Rotating),
    (_signers.hides_its_key, Talkative),
    (_signers.signs_in_several_threads, OneSignatureAtATime),
    (_signers.signs_no_more_after_close, NeverClosed),
]

# -- all of them ---------------------------------------------------------------------------------------------

KINDS = {
    "optimizer": (Momentum, OPTIMIZERS),
    "compressor": (Rounding, COMPRESSORS),
    "storage_backend": (Memory, STORAGE),
    "sealer": (Sealer, SEALERS),
    "serializer": (LineSerializer, SERIALIZERS),
    "signer": (Signer, SIGNERS),
}
# Other checks stumble over these, too.
CONSPICUOUS = {NoisySteps, LosingThePreprocessing, Dithering, Replacing, Releasing}
CASES = [(kind, check, broken) for kind, (_, cases) in KINDS.items() for check, broken in cases]


@pytest.mark.parametrize("kind", KINDS)
def test_sound_components_pass(failures, kind):
    assert failures(kind, KINDS[kind][0]) == {}


def test_a_state_of_several_levels_passes(failures):
    assert failures("serializer", InBlocks) == {}


@pytest.mark.parametrize(("kind", "check", "broken"), CASES, ids=lambda item: getattr(item, "__name__", item))
def test_a_broken_component_is_caught(failures, kind, check, broken):
    found = failures(kind, broken)
    assert check.__name__ in found
    assert broken in CONSPICUOUS or set(found) == {check.__name__}, found
