"""The project's errors: the command line turns each into one message on stderr and an exit code.

A message says what was found, where, what is allowed, and the cure, in at most three lines.
"""


class ProjectError(Exception):
    """Something the user can mend; `exit_code` is what the command line returns."""

    exit_code = 1


class SettingsError(ProjectError):
    """`params.toml`, an option or a command is wrong: nothing was started."""

    exit_code = 2


class DataError(ProjectError):
    """A source, a table or a row does not fit what is written about it."""
