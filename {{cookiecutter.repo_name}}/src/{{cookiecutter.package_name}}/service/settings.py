"""The sections of the service in `params.toml`, and its secrets."""

import os
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from ..engine.project.schema import bounds
from ..engine.project.settings import Project

TOKEN, DATABASE = "API_TOKEN", "DATABASE_URL"


@dataclass(frozen=True)
class Serve:
    """Section `[serve]`: where the service listens, which runs answer, and how much it bears."""

    host: str = field(default="127.0.0.1", metadata=bounds(filled=True))
    port: int = field(default=8000, metadata=bounds(least=0, most=65535))
    runs: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    rows: int = field(default=1000, metadata=bounds(least=1))
    megabytes: float = field(default=8.0, metadata=bounds(above=0))
    seconds: float = field(default=10.0, metadata=bounds(above=0))
    waiting: int = field(default=64, metadata=bounds(least=1))
    drain: float = field(default=10.0, metadata=bounds(above=0))
    durable: Literal["process", "power"] = "process"
    log_wait: int = field(default=250, metadata=bounds(least=1))
    keep_days: int = field(default=0, metadata=bounds(least=0))


@dataclass(frozen=True)
class Label:
    """Section `[label]`: which rows people are asked about."""

    rows: int = field(default=100, metadata=bounds(least=1))


@dataclass(frozen=True)
class Monitor:
    """Section `[monitor]`: how many answers are looked at, and what is an alarm."""

    rows: int = field(default=1000, metadata=bounds(least=50))
    may_move: tuple[str, ...] = ()
    score_loss: float = field(default=0.05, metadata=bounds(least=0, most=1))
    error_growth: float = field(default=0.2, metadata=bounds(least=0))
    unusual: float = field(default=0.05, metadata=bounds(least=0, most=1))


@dataclass(frozen=True)
class Retrain:
    """Section `[retrain]`: when a new run is made of what was told."""

    rows: int = field(default=1, metadata=bounds(least=1))


SECTIONS = {"serve": Serve, "label": Label, "monitor": Monitor, "retrain": Retrain}
AnySection = TypeVar("AnySection", Serve, Label, Monitor, Retrain)


def of(project: Project, kind: type[AnySection]) -> AnySection:
    """The section of a kind of a project, the defaults where it has none."""
    return project.parts.get(kind.__name__.lower(), kind())


def secret(project: Project, name: str) -> str:
    """The value of a variable, "" where it is not set or blank; `.env` counts."""
    import dotenv

    dotenv.load_dotenv(project.root / ".env")
    return os.environ.get(name, "").strip()
