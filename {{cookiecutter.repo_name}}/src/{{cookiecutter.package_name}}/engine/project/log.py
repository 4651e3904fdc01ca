"""What a person sees while a command runs: one log line a step on stderr, a progress bar on a terminal."""

import contextlib
import ctypes
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from . import package
from .alive import CLEAR, RED, YELLOW, coloured, drawing
from .errors import printable, shortened

T = TypeVar("T")


def show(text: object, *, err: bool = False) -> None:
    """Print a result on stdout, or a message on stderr: nothing steers the terminal, no message is endless."""
    click.echo(shortened(str(text)) if err else printable(str(text)), err=err)


def show_error(text: str) -> None:
    """Print an error on stderr, red on a terminal."""
    click.echo(coloured(shortened(text), RED), err=True)


@contextlib.contextmanager
def results_alone() -> Iterator[None]:
    """What is printed in here, by Python or by compiled code, goes to stderr: stdout is for results."""
    with contextlib.ExitStack() as after, contextlib.redirect_stdout(sys.stderr):
        with contextlib.suppress(OSError, TypeError):  # no stdout, no stderr, or Windows
            after.callback(os.close, kept := os.dup(1))
            os.dup2(2, 1)
            after.callback(os.dup2, kept, 1)
            after.callback(ctypes.CDLL(None).fflush, None)  # what C still keeps
        yield


class TerminalLine(logging.Formatter):
    """An event as a message for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The step, which is the module's own name, and the text; a bar that is being drawn is written over."""
        record.step = record.name.rpartition(".")[2]
        text = shortened(super().format(record))
        if record.levelno >= logging.WARNING:
            text = coloured(text, YELLOW)
        return f"{CLEAR}{text}" if sys.stderr.isatty() else text


def start_logging(*, debug: bool = False) -> None:
    """Send the log to stderr, one line an event, the step's name first; to `debug`, tracebacks too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerminalLine("%(step)s: %(message)s"))
    everything = logging.getLogger(package.NAME)
    everything.handlers[:] = [handler]
    everything.propagate = False
    everything.setLevel(logging.DEBUG if debug else logging.INFO)
    warnings.showwarning = warning_as_line


def warning_as_line(message: Warning | str, *about: Any, **more: Any) -> None:
    """Log what a library warns of as one line, instead of its place in the library's code."""
    logging.getLogger(f"{package.NAME}.note").warning("%s", str(message).strip().split("\n")[0])


@contextlib.contextmanager
def warnings_as_lines(log: logging.Logger) -> Iterator[None]:
    """Log each distinct warning of a library once, as one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in sorted({str(warning.message).strip().split("\n")[0] for warning in caught}):
        log.warning("%s", text)


def progress(items: Iterable[T], label: str, name: Callable[[T], str] = lambda item: "") -> Iterator[T]:
    """Pass the items on; on a terminal, with a progress bar on stderr that names each and vanishes at the end."""
    how: dict[str, Any] = {"label": label, "file": sys.stderr, "hidden": not sys.stderr.isatty()}
    drawing.set()
    try:
        with click.progressbar(items, item_show_func=lambda item: "" if item is None else name(item), **how) as bar:
            yield from bar
    finally:
        drawing.clear()
