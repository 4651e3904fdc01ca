"""Read `params.toml` into typed, frozen settings, and know where the project's files are."""

import hashlib
import importlib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from . import package, schema
from .errors import DataError, SettingsError
from .schema import bounds

PARAMS = "params.toml"
PARTS = ("train", "dev", "test")
RECORD, EXTERNAL = "run.json", "external"  # in the folder of a run
ALSO_LIMIT = 100 << 20  # bytes: every run keeps a copy
SHARES_SUM_TOLERANCE = 1e-6
CANDIDATES = ("dummy", "linear", "curves", "boosting", "boosting_stopped", "boosting_log", "forest", "network", "text")
WAYS = ("stratified", "random", "time:<column>", "group:<column>")
SPELLING = 'Text values need quotes: key = "text"; true and false are in lower case.'
SEEDS = bounds(least=0, below=2**32)


@dataclass(frozen=True)
class Data:
    """Section `[data]`: where the table comes from and which column is the question."""

    source: str = field(metadata=bounds(filled=True))
    target: str = field(metadata=bounds(filled=True))
    drop: tuple[str, ...] = ()
    read: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    max_gigabytes: float = field(default=10.0, metadata=bounds(above=0))
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """Section `[environment]`: the variables that `add_features` reads."""

    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shares:
    """Key `shares` of `[split]`: fractions of the rows, in (0, 1), that add up to 1."""

    train: float = field(default=0.6, metadata=bounds(above=0, below=1))
    dev: float = field(default=0.2, metadata=bounds(above=0, below=1))
    test: float = field(default=0.2, metadata=bounds(above=0, below=1))


@dataclass(frozen=True)
class Split:
    """Section `[split]`: how rows are divided before anything is fitted."""

    by: str = field(default="stratified", metadata=bounds(among=WAYS))
    shares: Shares = Shares()
    seed: int = field(default=0, metadata=SEEDS)


@dataclass(frozen=True)
class Train:
    """Section `[train]`: what is fitted and how the best is chosen."""

    task: Literal["auto", "classification", "regression"] = "auto"
    metric: str = field(default="auto", metadata=bounds(filled=True))
    candidates: tuple[str, ...] = field(default=CANDIDATES, metadata=bounds(filled=True))
    blend: bool = True
    balance: bool = False
    positive: str = ""
    trials: int = field(default=0, metadata=bounds(least=0))
    seed: int = field(default=0, metadata=SEEDS)


@dataclass(frozen=True)
class Predict:
    """Section `[predict]`: when an answer counts as confident, and how many reasons stand beside it."""

    abstain_below: float = field(default=0.0, metadata=bounds(least=0, most=1))
    error_rate: float = field(default=0.0, metadata=bounds(least=0, below=1))
    reasons: int = field(default=0, metadata=bounds(least=0))


@dataclass(frozen=True)
class Decision:
    """Section `[decision]`: what is done with the answers, and what that is worth. 0 and "" state nothing."""

    rows: str = field(default="rows", metadata=bounds(filled=True))
    capacity: float = field(default=0.0, metadata=bounds(least=0))
    gain_true_positive: float = field(default=0.0, metadata=bounds(least=0))
    cost_false_positive: float = field(default=0.0, metadata=bounds(least=0))
    cost_false_negative: float = field(default=0.0, metadata=bounds(least=0))
    success_rate: float = field(default=1.0, metadata=bounds(above=0, most=1))
    cost_over: float = field(default=0.0, metadata=bounds(least=0))
    cost_under: float = field(default=0.0, metadata=bounds(least=0))
    currency: str = ""


@dataclass(frozen=True)
class Promote:
    """Section `[promote]`: what the gate lets pass."""

    slice_rows: int = field(default=50, metadata=bounds(least=2))
    slice_loss: float = field(default=0.05, metadata=bounds(least=0))
    latency_ms: float = field(default=200.0, metadata=bounds(above=0))


@dataclass(frozen=True)
class Team:
    """Section `[team]`: whose runs are loaded."""

    signers: str = ""


@dataclass(frozen=True)
class Settings:
    """All of `params.toml`, one attribute a section."""

    data: Data
    environment: Environment = Environment()
    split: Split = Split()
    train: Train = Train()
    predict: Predict = Predict()
    decision: Decision = Decision()
    promote: Promote = Promote()
    team: Team = Team()


@dataclass(frozen=True)
class Project:
    """The folder that holds `params.toml`, its settings, and the `overrides` of `--set` in them, by dotted key."""

    root: Path
    settings: Settings
    overrides: dict[str, Any]
    parts: dict[str, Any] = field(default_factory=dict)  # the sections of the service, by name

    @property
    def package(self) -> Path:
        """The folder of the project's package."""
        return self.root / "src" / package.NAME

    @property
    def dictionary(self) -> Path:
        """The data dictionary, TOML."""
        return self.root / "references" / "data_dictionary.toml"

    @property
    def inferred(self) -> Path:
        """What inference said of the columns the last time, TOML: every other line of the dictionary is a person's."""
        return self.root / "references" / "data_dictionary.inferred.toml"

    @property
    def clean(self) -> Path:
        """The typed table that `data` writes, Parquet."""
        return self.root / "data" / "interim" / "clean.parquet"

    def split(self, part: str) -> Path:
        """One of the three splits that `features` writes: `train`, `dev` or `test`, Parquet."""
        return self.root / "data" / "processed" / f"{part}.parquet"

    def predictions(self, rows: Path | None) -> Path:
        """Where the answers to a file or to the test split are written: the whole name keeps n.json from n.csv."""
        name = rows.name.removesuffix(".csv") if rows else "test"
        return self.root / "data" / "predictions" / f"{name}.csv"

    @property
    def suspicions(self) -> Path:
        """What is suspicious in the data, JSON, written by `features`."""
        return self.root / "data" / "processed" / "suspicions.json"

    @property
    def models(self) -> Path:
        """The folder of the runs, one folder a run."""
        return self.root / "models"

    @property
    def also(self) -> list[Path]:
        """The files that `[data] also` declares, sorted; refused where they are too large to be kept in every run."""
        found = {path for pattern in self.settings.data.also for path in matching(self.root, pattern)}
        size = sum(path.stat().st_size for path in found)
        if size > ALSO_LIMIT:
            allowed = f"Allowed: {ALSO_LIMIT >> 20} MiB, because every run keeps a copy"
            cure = f"{allowed}. Join larger tables into the source."
            raise DataError(f"{PARAMS}: the files that [data] also names hold {size >> 20} MiB.\n{cure}")
        return sorted(found)

    @property
    def variables(self) -> dict[str, str | None]:
        """The SHA-256 of the value of each variable that `[environment]` declares, None where it is not set."""
        return variable_digests(self.root, self.settings.environment.variables)

    def relative(self, path: Path) -> str:
        """`path` as the user types it: relative to the root where it is inside it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def load(start: Path | None = None, overrides: Sequence[str] = ()) -> Project:
    """Find the project of a folder, by default the present one, and read its settings.

    `overrides` are `section.key=value` pairs; the value is read as TOML, else taken as text.
    A `SettingsError` if no `params.toml` was found, it is not TOML, or a key or a type is wrong.
    """
    root = find_root(start or Path.cwd())
    file = root / PARAMS
    try:
        tree = schema.load(file)
    except ValueError as error:
        raise SettingsError(f"{PARAMS} is not valid TOML: {error}.\n{SPELLING}") from None
    changed = dict(map(parse_override, overrides))
    for dotted, value in changed.items():
        set_at(tree, dotted, value)
    try:
        settings, parts = read_sections(tree, sections_of_the_service())
        return Project(root, settings, changed, parts)
    except SettingsError as error:
        if overrides:
            load(root)  # raises where the file is wrong itself
            said = str(error).removeprefix(f"{PARAMS}: ")
            raise SettingsError(f"--set {' '.join(overrides)}: {said}") from None
        raise


def sections_of_the_service() -> dict[str, type]:
    """The sections that the service brings, as dataclasses by name; none in a project without it."""
    if not (package.FOLDER / package.SERVICE / "settings.py").is_file():
        return {}
    return importlib.import_module(f"{package.NAME}.{package.SERVICE}.settings").SECTIONS


def find_root(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds `params.toml`."""
    for folder in (start, *start.parents):
        if (folder / PARAMS).is_file():
            return folder
    apart = start == package.FOLDER  # pip copied the package out of its project
    cure = "Install it with pip install -e, or make export" if apart else "Run the command in the project's folder"
    raise SettingsError(f"No {PARAMS} in {start} or above it.\n{cure}.")


def check_package() -> None:
    """Refuse to work in one folder with the package of another: an environment was copied, or another one is active."""
    root, serves = find_root(Path.cwd()), package.FOLDER.resolve()
    code = (root / "src").resolve()
    if code.is_dir() and not serves.is_relative_to(code):
        cure = "Make or mend the environment of this folder (make install), and activate no other."
        raise SettingsError(f"This environment serves {serves.parents[1]}, and you are in {root}.\n{cure}")


def matching(root: Path, pattern: str) -> list[Path]:
    """The files in the project that a pattern of `[data] also` names."""
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise SettingsError(f"{PARAMS}: [data] also: {pattern!r} is not in the project.\nCopy it to data/external.")
    found = [path for path in root.glob(pattern) if path.is_file()]
    if not found:
        cure = f"Bring it back (a run that was made with it has it in models/<run>/{EXTERNAL}/), or mend [data] also."
        raise SettingsError(f"{PARAMS}: [data] also: there is no file {pattern!r}.\n{cure}")
    return found


def variable_digests(root: Path, names: Iterable[str]) -> dict[str, str | None]:
    """The SHA-256 of the value of each variable, None where it is not set; `.env` counts, and is set from now on."""
    if names and (root / ".env").is_file():
        import dotenv

        dotenv.load_dotenv(root / ".env")
    values = {name: os.environ.get(name) for name in names}
    return {name: None if v is None else hashlib.sha256(v.encode()).hexdigest() for name, v in values.items()}


def external(path: str) -> Path:
    """Where `add_features` finds a file that `[data] also` declares, `path` relative to the project's root.

    In a run that is its copy as on the day of training. A file that is not declared is refused: no run would keep it.
    """
    for folder in Path(__file__).resolve().parents:
        if (folder / RECORD).is_file():
            return folder / EXTERNAL / path
        if (folder / PARAMS).is_file():
            if folder / path not in load(folder).also:
                cure = f"Set [data] also = [{path!r}] in {PARAMS}."
                raise SettingsError(f"{path} is not declared: a run would not know it.\n{cure}")
            return folder / path
    raise SettingsError(f"{path} is looked for in the project or in a run, and {__file__} lies in neither.")


def parse_override(text: str) -> tuple[str, Any]:
    """`train.seed=1` -> `("train.seed", 1)`."""
    dotted, equals, value = text.partition("=")
    dotted = dotted.strip()
    if not equals or "." not in dotted:
        raise SettingsError(f"--set {text!r} is not section.key=value, for example --set train.seed=1.")
    try:
        return dotted, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return dotted, value


def set_at(tree: dict[str, Any], dotted: str, value: Any) -> None:
    """Set `value` at the dotted key; a `SettingsError` if a part before the last is a value.

    Sections that are missing are made, so that the check can name them.
    """
    *sections, key = dotted.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise SettingsError(f"--set {dotted}: {section!r} is a value in {PARAMS}, not a section.")
    tree[key] = value


def read_sections(tree: dict[str, Any], parts: Mapping[str, type]) -> tuple[Settings, dict[str, Any]]:
    """Check each section against its dataclass, those of the service apart; messages name file, section and key."""
    sections = {**schema.hints(Settings), **parts}
    if unknown := [name for name in tree if name not in sections]:
        raise SettingsError(f"{PARAMS}: unknown section [{unknown[0]}].\nAllowed: {', '.join(sections)}.")
    if "data" not in tree:
        raise SettingsError(f"{PARAMS}: the section [data] is missing.")
    read = {name: schema.convert(table, sections[name], f"{PARAMS}: [{name}]") for name, table in tree.items()}
    own = {name: read.pop(name) for name in parts if name in read}
    settings = Settings(**read)
    if settings.data.target in settings.data.drop:
        found = f"{PARAMS}: [data] drop names the target {settings.data.target!r}"
        raise SettingsError(f"{found}: it would be left out.\nTake it out of drop, or name another target.")
    total = sum(asdict(settings.split.shares).values())
    if abs(total - 1) > SHARES_SUM_TOLERANCE:
        allowed = "Allowed: train + dev + test = 1, each above 0."
        raise SettingsError(f"{PARAMS}: [split] shares add up to {total:g}, not 1.\n{allowed}")
    return settings, own
