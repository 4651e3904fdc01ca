"""What every verb of the command line shares: options, the log, and errors as one message with an exit code."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..project import package, settings
from ..project.errors import ProjectError, failed_import
from ..project.log import show, show_error, start_logging
from ..runs import registry


class InOrder(click.Group):
    """A group that lists its commands in the order of the pipeline."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, as they were defined."""
        return list(self.commands)


def show_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the versions of the project and of Python, and end."""
    if wanted:
        import platform
        import tomllib

        file = package.FOLDER.parents[1] / "pyproject.toml"
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        show(f"{project['name']} {project['version']} (Python {platform.python_version()}, {package.FOLDER})")
        context.exit()


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Versions.")
def main() -> None:
    """From the source to predictions: each verb does what it needs first, and nothing twice."""


def verb(function: Callable) -> Callable:
    """Make a command, with the options that all share, of a function of a `Project`; paths it returns are printed."""

    @functools.wraps(function)
    def command(overrides: tuple[str, ...], debug: bool, **options: Any) -> None:
        start_logging(debug=debug)
        try:
            settings.check_package()
            project = settings.load(overrides=overrides)
            for path in function(project, **options) or ():
                show(project.relative(path))
        except Exception as error:
            failure = in_words(error)
            if debug or failure is None:
                import traceback

                show(traceback.format_exc(), err=True)
                raise SystemExit(1) from None
            show_error(f"Error: {failure}")
            raise SystemExit(failure.exit_code) from None

    command = click.option("--debug", is_flag=True, help="Show the traceback of an error.")(command)
    command = click.option(
        "--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override params.toml, for this command."
    )(command)
    return main.command()(command)


def in_words(error: Exception) -> ProjectError | None:
    """What a person can mend, as an error with a message; None of a mistake of ours, to be seen with its traceback."""
    if isinstance(error, ProjectError):
        return error
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        said = "No result is half-written; of several files some may be new already. Mend the cause and run it again."
        return ProjectError(f"{where}{error.strerror or error}.\n{said}")
    return failed_import(error, settings.find_root(Path.cwd())) or failed_in_yours(error)


def failed_in_yours(error: Exception) -> ProjectError | None:
    """What to say of an error in the user's code, or a run's copy: its last line that was run; None where none was."""
    import traceback

    frames, root = traceback.extract_tb(error.__traceback__), package.FOLDER.parents[1]
    copies = root.glob(f"{registry.MODELS}/*/{registry.CODE}")
    yours = {str(path) for folder in (package.FOLDER, *copies) for path in package.yours(folder)}
    if not (places := [frame for frame in frames if frame.filename in yours]):
        return None
    asked, place = places[0], places[-1]
    file = Path(place.filename).relative_to(root)
    found = f"{file}, line {place.lineno}: {asked.name} ended in {type(error).__name__}: {error}"
    cure = f"The line: {place.line}. --debug shows the traceback."
    if isinstance(error, KeyError) and frames[-1].filename in ("<frozen os>", os.__file__):
        cure = f"{error} is not set: write {error.args[0]}=... into .env, and name it in [environment] variables."
    return ProjectError(f"{found}.\n{cure}")


def option_path(*names: str, text: str, bare: bool = False) -> Callable:
    """A click option that holds a path; absolute, because commands work in the project's root.

    With `bare` a name without a folder stays one: the command has a folder for it.
    """

    def found(context: click.Context, option: click.Parameter, typed: str | None) -> Path | None:
        if not typed:
            return None
        return Path(typed) if bare and Path(typed).name == typed else Path(typed).absolute()

    return click.option(*names, type=click.Path(), callback=found, help=text)


def option_run(text: str = "A run, by its name or the end of it.", name: str = "--run") -> Callable:
    """A click option for the name of a run, "" where none is given."""
    return click.option(name, metavar="RUN", default="", help=text)


def step(function: Callable) -> Callable:
    """A `verb` that may fetch the source, with the options for it."""
    flags = {
        "--frozen": "Use the raw dump that is here; do not look at the source.",
        "--refresh": "Ask a remote source again.",
        "--accept": "Take a changed source as a new dump beside the old one.",
    }
    for name, text in flags.items():
        function = click.option(name, is_flag=True, help=text)(function)
    return verb(function)
