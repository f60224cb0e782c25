"""What a plugin gives. Constructors store their options and do nothing else; `fit` returns self."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Protocol, Self, TypeVar, runtime_checkable

from crsbench.types import (
    Absent,
    Action,
    Catalog,
    Corpus,
    Dialogue,
    Episode,
    Evidence,
    RankedRow,
    Reason,
    Reward,
    Signal,
    Split,
    State,
    Transition,
    Truth,
    Turn,
    Values,
    WeakLabel,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
Want = Literal["ranking", "turn"]
Need = Literal["signals", "labels", "reward"]


@dataclass(frozen=True, slots=True)
class Staged(Generic[T]):
    """What a cached stage gave: the value as loaded from disk, the stage's id and its folder."""

    value: T
    id: str
    path: Path


class Context(Protocol):
    """What `fit` may use of the run. It holds no test row, no explicit label and no truth.

    `valid` is there to choose by. What is learnt from it may be used in the end, but not where it chooses:
    whoever remembers its dialogues reads its rows without them.

    `model` is what `--model` says; `device` is "cpu" or "cuda"; `precision` "fp32" or "bf16".
    `signals`, `labels` and `reward` raise where the policy's `needs` do not name them.
    """

    catalog: Catalog
    valid: Split
    seed: int
    model: str
    device: str
    precision: str

    @property
    def transitions(self) -> Sequence[Transition]:
        """The train dialogues as transitions, in order; signals and labels are aligned with them."""
        ...

    @property
    def signals(self) -> Sequence[Signal]: ...

    @property
    def labels(self) -> Staged[WeakLabel]: ...

    @property
    def reward(self) -> Staged[RewardModel]: ...

    @property
    def simulator(self) -> Partners:
        """The run's simulator, to train with; the record says that it was asked for.

        Raises UsageError where the run has none.
        """
        ...

    def stage(
        self,
        name: str,
        inputs: Mapping[str, object],
        build: Callable[[Path], None],
        load: Callable[[Path], T],
        together: bool = False,
    ) -> Staged[T]:
        """The only way to a cached stage.

        Its id hashes `inputs` (JSON values: options, ids of earlier stages), the sources of the package
        that defines `build` and of the plugin packages it imports, the train data, seed, model, device
        and precision. `build` writes into an empty folder under a random state of its own; the value is
        always what `load` reads back, so that a reused stage and a new one are the same.

        Under `accelerate launch` one process builds and the others wait for it. With `together` all of them
        call `build`, which trains with every process; the files of the main one are kept.
        """
        ...

    @property
    def checkpoints(self) -> Path:
        """Inside `build`: a folder that outlives a failure or interruption of it, killed or not.

        A `build` that finds there what it wrote before goes on from it, and reports its earlier steps
        again. The folder is gone once the stage is finished. Raises PluginError outside of `build`.
        """
        ...

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        """Report a training step: to the observers and to `curves.jsonl`."""
        ...

    def progress(self, steps: Iterable[T], total: int, description: str) -> Iterable[T]:
        """Iterate with a progress bar that shows the time left."""
        ...


class Partners(Protocol):
    """The users of the run's simulator, as far as training may know them: they begin and they answer.

    `identity` (a JSON value) belongs into the inputs of a stage that talks to them.
    """

    @property
    def identity(self) -> Mapping[str, object]: ...

    def start(self, seeds: Sequence[int]) -> list[State]:
        """One new user a seed. Raises ValueError for a seed that the evaluation uses."""
        ...

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        """As `Simulator.reply`."""
        ...


@runtime_checkable
class Dataset(Protocol):
    """May also say what its data's `licence` and `citation` are (str), for `crsbench data info`."""

    protocols: ClassVar[tuple[str, ...]]
    default_protocol: ClassVar[str]
    simulator: ClassVar[str | None]  # the default simulator's name

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:
        """Read the files under `data_dir`. Raises DataError where they are missing or damaged.

        `seed` is the dataset's own and fixed for all runs (option), never the run's: runs of several
        seeds share their data.
        """
        ...


@runtime_checkable
class SignalSource(Protocol):
    def measure(self, transitions: Sequence[Transition]) -> Signal: ...


@runtime_checkable
class GroundedSignalSource(SignalSource, Protocol):
    """A source that also looks items up: whoever measures calls `ground` first."""

    def ground(self, catalog: Catalog) -> None: ...


@runtime_checkable
class LabelModel(Protocol):
    """May also learn a `reliability` (signal name → its AUC under the model), for `crsbench signals`."""

    def fit(self, signals: Sequence[Signal]) -> Self: ...
    def predict(self, signals: Sequence[Signal]) -> WeakLabel: ...


@runtime_checkable
class RewardModel(Protocol):
    """R_φ together with the model of how the dialogue goes on, s_t → a_t → s_{t+1}."""

    def fit(self, transitions: Sequence[Transition], labels: WeakLabel, ctx: Context) -> Self: ...
    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]: ...
    def score_items(self, states: Sequence[State]) -> NDArray[np.float32]:
        """float32 [S, I]: what recommending each item of the catalogue would be worth in each state."""
        ...

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        """The user's next turn after states that end with a system turn; `ends` where the user leaves."""
        ...

    def save(self, directory: Path) -> None: ...
    def load(self, directory: Path, device: str = "cpu") -> Self: ...


@runtime_checkable
class Policy(Protocol):
    """`needs` says which parts of the chain are built for it."""

    needs: ClassVar[frozenset[Need]]

    def fit(self, train: Split, ctx: Context) -> Self: ...

    def act(
        self,
        states: Sequence[State],
        want: Want = "ranking",
        k: int = 50,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Action]:
        """Answer a batch of states.

        "ranking": the top `k` items. "turn": also the text; the first item is the one recommended.
        `mask` is bool [S, I], True where an item may be recommended. Without `rng` decoding is greedy,
        with it the item and the words are sampled.
        """
        ...

    def stages(self) -> Mapping[str, Policy]:
        """What is evaluated: {"final": self}, or earlier policies beside it, first to last."""
        ...

    def save(self, directory: Path) -> None: ...
    def load(self, directory: Path, device: str = "cpu") -> Self: ...


@runtime_checkable
class Rounds(Protocol):
    """A policy may also keep what it was earlier in its training.

    After everything is fitted and scored, each is asked to talk with some of the simulator's users, and
    `curves.jsonl` says how satisfied they were: over-optimisation can be seen, and nothing chosen by it.
    """

    def rounds(self) -> Mapping[int, Callable[[], Policy]]:
        """Training step → what reads the policy after it; one is read at a time."""
        ...


@runtime_checkable
class Explained(Protocol):
    """A policy may also say why it ranks an item where it does."""

    def explain(self, states: Sequence[State], items: Sequence[int]) -> list[list[Reason]]:
        """The reasons for items[s] in states[s], strongest first; nothing that adds nothing.

        The shares of one item sum to its score before normalisation (a logit), to 1e-4.
        """
        ...


@runtime_checkable
class PrivilegedPolicy(Protocol):
    """A scenario's own bound: it is handed the truth, never ranks, and nothing can depend on it."""

    needs: ClassVar[frozenset[Need]]

    def fit(self, train: Split, ctx: Context) -> Self: ...

    def act(
        self,
        states: Sequence[State],
        want: Want = "ranking",
        k: int = 50,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
        *,
        truths: Sequence[Truth],
    ) -> list[Action]: ...

    def stages(self) -> Mapping[str, PrivilegedPolicy]: ...
    def save(self, directory: Path) -> None: ...


@runtime_checkable
class Simulator(Protocol):
    """Users to talk to. A state's `session` is the simulator's own handle of the user."""

    def start(self, seeds: Sequence[int]) -> list[State]:
        """One new user a seed, each with the opening turn said; session = the seed."""
        ...

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        """What each user answers (None: nothing) and whether the conversation is over.

        The answer depends on the seed, the state and the action alone: the same action meets the same
        user, whichever policy took it and whatever else is in the batch.

        A user who leaves says so with `ends` on the last turn. A conversation that is over without it was
        stopped, and counts as censored: nobody knows how it would have gone on.
        """
        ...

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        """Utilities and z so far for metrics and privileged policies; None where there is no truth."""
        ...


@runtime_checkable
class GroundedSimulator(Simulator, Protocol):
    """A simulator of people in real dialogues: whoever talks to them calls `ground` first.

    An evaluation hands it the dialogues of the test split, training those of train, and neither hands it
    explicit labels: policies read what its users say. The system's turns tell it what to keep from them: a
    user who knows the target gives it away, which `crsbench data audit --simulator NAME` measures.
    """

    def ground(self, catalog: Catalog, dialogues: Sequence[Dialogue]) -> None: ...
    def dialogue(self, seed: int) -> str:
        """The id of the dialogue whose user the seed is."""
        ...


@runtime_checkable
class Metric(Protocol):
    """`reads` says what is measured: rankings of rows, rows with the text of a turn, or episodes.

    `corpus` carries the sealed labels (`corpus.sealed`), which nothing that trains ever sees.
    """

    reads: ClassVar[Literal["rankings", "texts", "episodes"]]

    def measure(
        self, judged: Sequence[RankedRow] | Sequence[Episode], corpus: Corpus
    ) -> list[Values | Absent]: ...


@runtime_checkable
class Evident(Protocol):
    """A metric may also say how far it agrees with people, for `crsbench metrics check`.

    What cannot be measured is `Absent` with its reason. Raises DataError where data under `data_dir` is
    missing.
    """

    def evidence(self, data_dir: Path) -> list[Evidence | Absent]: ...
