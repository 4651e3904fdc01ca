"""Reference tables made at build time from cookiecutter.json, the Makefile, the command line and params.toml; a map.

`{live} prompts`, `{live} targets` and `{live} parameters` are tables; `{house}` draws the imports of the package.
"""

import ast
import importlib.util
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path

from docutils import nodes
from matplotlib import rc_context
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

TEMPLATE = Path(__file__).resolve().parents[1]
PROJECT = TEMPLATE / "{{cookiecutter.repo_name}}"
SOURCE = PROJECT / "src" / "{{cookiecutter.package_name}}"
SHARED = ("overrides", "debug")  # options that every verb has
FRONT, SERVICE = "front", "service"


def load(name: str):
    """A module of the project's package, imported from the template as it lies there."""
    sys.dont_write_bytecode = True  # a __pycache__ in the template would be rendered into every project
    if "package" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "package", SOURCE / "__init__.py", submodule_search_locations=[str(SOURCE)]
        )
        sys.modules["package"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["package"])
    return importlib.import_module(f"package.{name}")


def markdown_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; bars in the cells are escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def code(text: str) -> str:
    """A text as inline code; nothing for an empty one."""
    return f"`{text}`" if text else ""


def escaped(text: str | None) -> str:
    """A help or a comment of several lines as one line, in which `<file>` is no HTML."""
    return (text or "").replace("# ", "").replace("\n", " ").strip().replace("<", "&lt;")


def prompts() -> str:
    """The questions of cookiecutter.json with their defaults."""
    answers = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    rows = []
    for name, question in answers["__prompts__"].items():
        default = answers[name]
        shown = ", ".join(map(code, default)) if isinstance(default, list) else code(default)
        rows.append((code(name), question, "made from the answers above" if "{{" in str(default) else shown))
    return markdown_table(("Prompt", "Question", "Default (of choices the first)"), rows)


def targets() -> str:
    """A section for each target of the project's Makefile: what it says, its options, what its step depends on."""
    commands, steps = load("cli").main.commands, load("pipeline").STEPS
    makefile = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "Makefile", *SOURCE.glob("*/verbs.mk")))
    variables = {f"--{option}": variable for variable, option in re.findall(r"call \w+,([A-Z]+),(\w+)", makefile)}
    parts = []
    for name, text in re.findall(r"(?m)^([a-z]+):.*## (.*)$", makefile):
        parts.append(f"## {name}\n\n`make {name}`: {escaped(text)}\n")
        if name in commands:
            parts.append(f"`python -m <package> {name}`: {escaped(commands[name].help)}\n")
            parts += options(commands[name], variables)
        if name in steps:
            parts.append(depends(steps[name]))
    return "\n".join(parts)


def options(command, variables: dict[str, str]) -> list[str]:
    """The options of a command, as Markdown; none of those that all share."""
    rows = []
    for option in command.params:
        if option.name not in SHARED:
            variable, value = variables.get(option.opts[-1]), "1" if getattr(option, "is_flag", False) else "..."
            meaning = getattr(option, "help", None) or "passed on to pytest"
            rows.append((code(option.opts[-1]), code(f"{variable}={value}") if variable else "", meaning))
    return [markdown_table(("Option", "With make", "Meaning"), rows)] if rows else []


def depends(step) -> str:
    """What a step depends on, as Markdown."""
    dotted = [parameter.partition(".") for parameter in step.parameters]
    parameters = ", ".join(code(f"[{section}] {key}".strip()) for section, _, key in dotted)
    rows = [
        ("steps, run first where need be", ", ".join(step.needs) or "none"),
        ("`params.toml`", parameters or "nothing"),
        ("of each column in the data dictionary", ", ".join(map(code, step.columns)) or "nothing"),
    ]
    return markdown_table(("It depends on", ""), rows)


def parameters() -> str:
    """A section for each section of params.toml: what the comment above a key says, its bounds, its default."""
    sections = dict(load("engine.project.schema").hints(load("engine.project.settings").Settings))
    sections |= load("service.settings").SECTIONS
    files = (PROJECT / "params.toml", PROJECT / "params.toml.service")
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    text = text.replace("{{ cookiecutter.package_name }}", "<package>")
    parts = []
    for section, body in re.findall(r"(?m)^\[(\w+)\]\n((?:(?!\[).*\n)*)", text):
        rows, fields = [], dict(sections[section].__dataclass_fields__)
        for comment, key, value in re.findall(r"((?:# .*\n)+)(\w+) = (.*)\n", body):
            limits = fields.pop(key).metadata.get("bounds", {})
            rows.append((code(key), escaped(comment), bounds(limits), "your answer" if "{{" in value else code(value)))
        for key, comment in re.findall(rf"(?m)^\[{section}\.(\w+)\]\n((?:# .*\n)+)", text):
            fields.pop(key)
            rows.append((code(key), escaped(comment), "", "nothing"))
        if fields:
            raise ExtensionError(f"params.toml: [{section}] lacks {', '.join(fields)}, or the comment above.")
        parts.append(f"## [{section}]\n\n" + markdown_table(("Key", "What it says", "Bounds", "Default"), rows))
    return "\n".join(parts)


def bounds(limits: dict) -> str:
    """The bounds of a value in words: `{"least": 0, "below": 8}` as `least 0, below 8`."""
    words = {"filled": "not empty", "among": "these words"}
    return ", ".join(words.get(name, f"{name} {limit}") for name, limit in limits.items())


def rooms() -> dict[str, str]:
    """What the front and each room of the engine hold; those that import stand before those that are imported."""
    text = (SOURCE / "engine" / "__init__.py").read_text(encoding="utf-8")
    listed = re.findall(r"(?m)^- (\w+): (.*)$", text)
    return {SERVICE: "answers over HTTP", FRONT: "what is yours, and one module a verb"} | dict(reversed(listed))


def room_of(path: Path) -> str:
    """The room in which a module lies."""
    inside = path.relative_to(SOURCE).parts
    if inside[0] == SERVICE:
        return SERVICE
    return inside[1] if inside[0] == "engine" and len(inside) > 2 else FRONT


def arrows() -> Counter:
    """How often a module of one room imports a module of another: counts by (room, room)."""
    found = Counter()
    for path in SOURCE.rglob("*.py"):
        meant = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                start = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
                files = {(start / alias.name).with_suffix(".py") for alias in node.names}
                meant |= {file if file.is_file() else start.with_suffix(".py") for file in files}
        found.update((room_of(path), room_of(file)) for file in meant)
    return Counter({(one, other): count for (one, other), count in sorted(found.items()) if one != other})


def house() -> Figure:
    """The map: a box a room, and arrows to the rooms that it imports from, with the number of imports."""
    order, found = list(rooms()), arrows()
    modules = Counter(room_of(path) for path in SOURCE.rglob("[!_]*.py"))
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    axes = figure.subplots()
    line, look = {"color": "#8a8f98", "lw": 1.2, "zorder": 1}, {"ha": "center", "va": "center"}
    for place, room in enumerate(order):
        below = [order.index(other) for one, other in found if one == room]
        above = [order.index(one) for one, other in found if other == room]
        axes.plot([place, max(below, default=place)], [place, place], **line)
        arrow = {"arrowstyle": "-|>", "color": line["color"], "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (place, place - 0.32), (place, min(above, default=place)), arrowprops=arrow, zorder=1)
        box = {"boxstyle": "round,pad=0.45", "facecolor": "#eef5fa", "edgecolor": "#0072b2"}
        axes.text(place, place, f"{room}\n{modules[room]} modules", bbox=box, fontsize=9, zorder=3, **look)
    for (one, other), count in found.items():
        dot = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": line["color"]}
        axes.text(order.index(other), order.index(one), count, bbox=dot, fontsize=8, zorder=2, **look)
    axes.set(xlim=(-0.6, len(order) - 0.4), ylim=(len(order) - 0.5, -0.5))
    axes.set_axis_off()
    return figure


class House(SphinxDirective):
    """`{house}`: the map as a picture, and what each room holds."""

    def run(self) -> list[nodes.Node]:
        picture = io.StringIO()
        with rc_context({"svg.hashsalt": "house"}):
            house().savefig(picture, format="svg", metadata={"Date": None})
        words = ", ".join(f"{one} imports from {other} {count} times" for (one, other), count in arrows().items())
        image = picture.getvalue().partition("<svg ")[2]
        drawn = f'<svg role="img" aria-label="{words}" style="max-width: 100%; height: auto" {image}'
        text = "\n".join(f"- **{room}**: {what}" for room, what in rooms().items())
        return [nodes.raw("", drawn, format="html"), *self.parse_text_to_nodes(text)]


class Live(SphinxDirective):
    """`{live} name`: the table of that name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = {"prompts": prompts, "targets": targets, "parameters": parameters}[self.arguments[0]]()
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the directives; what they show lies outside of docs/, so every page is read at every build."""
    app.add_directive("live", Live)
    app.add_directive("house", House)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: env.found_docs)
    return {"parallel_read_safe": True}
