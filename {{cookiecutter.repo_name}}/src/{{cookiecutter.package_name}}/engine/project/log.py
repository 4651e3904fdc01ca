"""What a person sees while a command runs: one log line a step on stderr, a progress bar on a terminal."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click

from . import package
from .errors import printable, shortened

T = TypeVar("T")


def show(text: object, *, err: bool = False) -> None:
    """Print a result on stdout, or a message on stderr: nothing steers the terminal, no message is endless."""
    click.echo(shortened(str(text)) if err else printable(str(text)), err=err)


class TerminalLine(logging.Formatter):
    """An event as a message for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of the line."""
        return shortened(super().format(record))


def start_logging() -> None:
    """Send the log to stderr, one line an event, the step's name first."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerminalLine("%(step)s: %(message)s"))
    handler.addFilter(name_the_step)
    everything = logging.getLogger(package.NAME)
    everything.handlers[:] = [handler]
    everything.propagate = False
    everything.setLevel(logging.INFO)


def name_the_step(event: logging.LogRecord) -> bool:
    """Put the module's own name, which is the verb, into the record."""
    event.step = event.name.rpartition(".")[2]
    return True


@contextlib.contextmanager
def warnings_as_lines(log: logging.Logger) -> Iterator[None]:
    """Log each distinct warning of a library once, as one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in sorted({str(warning.message).strip().split("\n")[0] for warning in caught}):
        log.warning("%s", text)


def progress(items: Iterable[T], label: str) -> Iterator[T]:
    """Pass the items on; on a terminal, with a progress bar on stderr that vanishes at the end."""
    with click.progressbar(items, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield from bar
