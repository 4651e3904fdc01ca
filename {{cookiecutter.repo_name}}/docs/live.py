"""What these pages show that is made at build time, so that they say what the project is now.

Directives: `facts` (parameters and newest run), `data-dictionary`, `verb <name>` (options and what a step reads),
`lineage` (of the model that answers, by step and in words) and `api` (the modules, room by room).
"""

import ast
import re
import tomllib
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from {{ cookiecutter.package_name }} import cli, engine, pipeline
from {{ cookiecutter.package_name }}.engine.columns import dictionary
from {{ cookiecutter.package_name }}.engine.project import package, settings
from {{ cookiecutter.package_name }}.engine.project.errors import ProjectError
from {{ cookiecutter.package_name }}.engine.runs import lineage, listing, registry

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / cli.__package__
VALUES_SHOWN = 12  # categories named in the data dictionary's table
NOT_YET = "not known yet: make train"
SHARED = ("overrides", "debug")  # options that every verb has come last


def table(head: tuple[str, ...], rows: list[tuple], widths: tuple[int, ...]) -> nodes.table:
    """A table of plain texts: whatever they hold, nothing in them is taken for markup."""
    lines = [
        nodes.row("", *(nodes.entry("", nodes.paragraph(text=str(cell))) for cell in cells)) for cells in (head, *rows)
    ]
    group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in widths), cols=len(widths))
    group += [nodes.thead("", lines[0]), nodes.tbody("", *lines[1:])]
    return nodes.table("", group, classes=["colwidths-given"], width="100%")


def facts() -> list[nodes.Node]:
    """What is known about the question: from pyproject.toml, params.toml and the newest run."""
    project = settings.load(ROOT)
    data, split = project.settings.data, project.settings.split
    shares = f"train {split.shares.train:g}, dev {split.shares.dev:g}, test {split.shares.test:g}"
    rows = [
        ("Question", tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["description"]),
        ("Data", data.source),
        ("Target", data.target),
        ("Left out", ", ".join(data.drop) or "nothing"),
        ("Split", f"{split.by}: {shares}"),
    ]
    folders = registry.folders(project)
    known = newest_run(registry.read(folders[0])) if folders else [("Model", NOT_YET), ("Baseline", NOT_YET)]
    return [table(("What", "Now"), rows + known, (20, 80))]


def newest_run(record: dict) -> list[tuple[str, str]]:
    """Task, model and scores of a run, as rows."""
    run = listing.row(record)
    metric, test = run["metric"], "no test yet: make evaluate"
    if run["test"] is not None:
        low, high = run["interval"] or (float("nan"), float("nan"))
        test = f"{run['test']:.4g} (95 % interval {low:.4g} to {high:.4g})"
    return [
        ("Task", record["task"]),
        ("Newest run", run["run"]),
        ("Model", run["model"]),
        ("Chosen by", f"{metric}, {'higher' if run['higher_is_better'] else 'lower'} is better"),
        (f"{metric} on rows held out", f"{run['dev']:.4g}"),
        (f"{metric} on the test split", test),
        (f"{metric} of the dummy", "not among the candidates" if run["dummy"] is None else f"{run['dummy']:.4g}"),
    ]


def data_dictionary() -> list[nodes.Node]:
    """The data dictionary as a table, one row a column."""
    project = settings.load(ROOT)
    if not project.dictionary.is_file():
        return [nodes.paragraph(text="There is no data dictionary yet: make data writes it.")]
    head = ("Column", "Type", "Role", "May be empty", "Allowed", "Else", "Transformation", "Description")
    rows = [column_row(name, column) for name, column in dictionary.of(project).items()]
    return [table(head, rows, (18, 8, 8, 8, 22, 8, 12, 16))]


def column_row(name: str, column: dictionary.Column) -> tuple[str, ...]:
    """One column of the data dictionary as texts."""
    allowed = "anything"
    if column.range:
        allowed = "{:g} to {:g}".format(*column.range)
    elif column.values:
        more = f", ... ({len(column.values)} in all)" if len(column.values) > VALUES_SHOWN else ""
        allowed = ", ".join(column.values[:VALUES_SHOWN]) + more
    empty = "yes" if column.missing_allowed else "no"
    return name, column.type, column.role, empty, allowed, column.rule, column.transformation, column.description


def verb(name: str) -> list[nodes.Node]:
    """How a verb is called, its options, and what its step depends on."""
    files = [ROOT / "Makefile", *SOURCE.glob("*/verbs.mk")]
    variables = re.findall(r"call \w+,([A-Z]+),(\w+)", "".join(path.read_text(encoding="utf-8") for path in files))
    with_make = {f"--{option}": variable for variable, option in variables}
    rows = []
    for option in sorted(cli.main.commands[name].params, key=lambda option: option.name in SHARED):
        variable = with_make.get(option.opts[-1])
        shown = f"{variable}={'1' if option.is_flag else '...'}" if variable else ""
        rows.append((option.opts[-1], shown, option.help))
    alone = f".venv/bin/python -m {cli.__package__} {name}      # the same, without make"
    call = nodes.literal_block(text=f"make {name}\n{alone}")
    shown = [call, table(("Option", "With make", "Meaning"), rows, (20, 20, 60))]
    if step := pipeline.STEPS.get(name):
        keys = [dotted.partition(".") for dotted in step.parameters]
        reads = [
            ("steps, run first where need be", ", ".join(step.needs) or "none"),
            ("params.toml", ", ".join(f"[{section}] {key}".strip() for section, _, key in keys) or "nothing"),
            ("of each column in the data dictionary", ", ".join(step.columns) or "nothing"),
        ]
        shown.append(table(("It depends on", ""), reads, (40, 60)))
    return shown


def way_to_the_model() -> list[nodes.Node]:
    """Where the model that answers came from: the champion's, else the newest run's."""
    project = settings.load(ROOT)
    try:
        folder = registry.champion(project) or next(iter(registry.folders(project)), None)
        if folder is None:
            return [nodes.paragraph(text=NOT_YET)]
        links = lineage.trace(project, folder / registry.MODEL)
    except ProjectError as error:
        return [nodes.paragraph(text=str(error))]
    return [way(links), nodes.literal_block(text=lineage.render(links), language="text")]


def way(links: list[lineage.Link]) -> nodes.table:
    """The files of a chain, from the source on: a column a step, its head says what made it."""
    files = {link.file: link for link in sorted(links, key=lambda link: link.depth)}.values()
    depths = sorted({link.depth for link in files}, reverse=True)
    steps = [[link for link in files if link.depth == depth] for depth in depths]
    cells = [[f"{link.file} {link.digest[:8]}: {link.state}" for link in step] for step in steps]
    found = table(tuple(step[0].made for step in steps), list(zip_longest(*cells, fillvalue="")), (1,) * len(steps))
    del found["width"]  # it may be wider than the page, and scrolls
    return found


def api() -> str:
    """The modules: those in front and your folders with all docstrings, the rooms behind with a line each; Markdown."""
    names = [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in sorted(SOURCE.rglob("[!_]*.py"))]
    parts = section("In front", "One verb a module, and what is yours", [name for name in names if "." not in name])
    for folder in dict.fromkeys(name.partition(".")[0] for name in names if "." in name):
        if folder != "engine":
            show = room if folder == package.SERVICE else section
            parts += show(folder, f"The folder {folder}", [name for name in names if name.startswith(f"{folder}.")])
    for title, text in re.findall(r"(?m)^- (\w+): (.*)$", engine.__doc__):
        inside = [name for name in names if name.startswith(f"engine.{title}.")]
        parts += room(f"engine.{title}", text.capitalize(), inside)
    return "\n".join(parts)


def section(title: str, text: str, modules: list[str]) -> list[str]:
    """Some modules with all that their docstrings say, as lines of Markdown."""
    lines = [f"## {title}", "", f"{text}.", ""]
    for name in modules:
        lines += [f"### {name}", "", "```{eval-rst}", f".. automodule:: {cli.__package__}.{name}", "```", ""]
    return lines


def room(title: str, text: str, modules: list[str]) -> list[str]:
    """Some modules with the first line of their docstrings, as lines of Markdown."""
    lines = [f"## {title}", "", f"{text}.", ""]
    for name in modules:
        told = ast.get_docstring(ast.parse(SOURCE.joinpath(*name.split(".")).with_suffix(".py").read_bytes())) or ""
        lines.append(f"- `{name}`: {told.partition(chr(10))[0]}")
    return [*lines, ""]


def directive(make: Callable) -> type[SphinxDirective]:
    """A directive that shows what a function makes of its argument: nodes, or Markdown."""

    class Live(SphinxDirective):
        optional_arguments = 1

        def run(self) -> list[nodes.Node]:
            made = make(*self.arguments)
            return self.parse_text_to_nodes(made, allow_section_headings=True) if isinstance(made, str) else made

    return Live


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the directives, and to read every page at every build: what they show lies outside of docs/."""
    shown = {
        "facts": facts,
        "data-dictionary": data_dictionary,
        "verb": verb,
        "lineage": way_to_the_model,
        "api": api,
    }
    for name, make in shown.items():
        app.add_directive(name, directive(make))
    # scikit-learn adds methods like `set_score_request` to estimators, with references to its own pages.
    app.connect("autodoc-skip-member", lambda app, what, name, *rest: name.startswith("set_") or None)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: env.found_docs)
    return {"parallel_read_safe": True}
