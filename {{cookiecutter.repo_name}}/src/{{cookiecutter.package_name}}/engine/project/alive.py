"""A sign of life on a terminal while something takes its time; the standard library alone, for `install` uses it."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

CLEAR = "\r\x1b[K"  # what stands on the line is written over
PATIENCE = 2.0  # seconds until a sign is wanted
RED, YELLOW = 31, 33
drawing = threading.Event()  # set while a progress bar has the line


@contextlib.contextmanager
def alive(label: str) -> Iterator[None]:
    """Count the seconds of a `with` block on a terminal, from the second one on, and leave no trace."""
    if not sys.stderr.isatty():
        yield
        return
    over, start = threading.Event(), time.monotonic()

    def tell() -> None:
        while not over.wait(1):
            seconds = time.monotonic() - start
            if seconds >= PATIENCE and not drawing.is_set():
                print(f"{CLEAR}{label}: {seconds:.0f} s", end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        print(CLEAR, end="", file=sys.stderr, flush=True)


def coloured(text: str, colour: int) -> str:
    """A message in a colour, where stderr is a terminal and NO_COLOR (https://no-color.org) is not set."""
    plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR")
    return text if plain else f"\x1b[{colour}m{text}\x1b[0m"
