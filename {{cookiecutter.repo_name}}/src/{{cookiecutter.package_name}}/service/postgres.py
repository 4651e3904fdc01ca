"""Connections to PostgreSQL that do not wait for ever: a server that is paused or gone sends no word of it."""

import time
from collections.abc import Generator
from typing import Any

import psycopg


class Connection(psycopg.Connection):
    """psycopg's, which is given up where `patience` seconds pass without a word of the server."""

    patience = 5.0

    def wait(self, gen: Generator[Any, Any, Any], *rest: Any, **more: Any) -> Any:
        """Let steps that read and write come to their end."""
        return super().wait(self._patient(gen), *rest, **more)

    def _patient(self, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same steps, until nothing has come for too long."""
        last = time.monotonic()
        try:
            wanted = next(steps)
            while True:
                if ready := (yield wanted):
                    last = time.monotonic()
                elif time.monotonic() - last > self.patience:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {self.patience:g} s")
                wanted = steps.send(ready)
        except StopIteration as end:
            return end.value


def connection(patience: float, _dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """A connection for SQLAlchemy's event `do_connect`."""
    found = Connection.connect(*arguments, **options)
    found.patience = patience
    return found
