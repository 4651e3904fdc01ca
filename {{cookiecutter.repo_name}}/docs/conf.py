"""How Sphinx builds these pages: `make docs`, warnings as errors, into `docs/_build/html/`.

The title is that of `README.md`, other names are read from `pyproject.toml`; the tables come from `live.py`, at build
time.
"""

import html
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]
about = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

lines = (HERE.parent / "README.md").read_text(encoding="utf-8").splitlines()
title = next((line.removeprefix("# ") for line in lines if line.startswith("# ")), about["name"])
project = html.escape(title)
html_title = f"{title} {about['version']}"
author = ", ".join(person["name"] for person in about["authors"])
project_copyright = author
release = about["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "live"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
smartquotes = False  # "--run" stays "--run"

# The docstrings are in NumPy style; the order of a module is the order in which it wants to be read.
add_module_names = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
default_role = "code"  # single backticks, in docstrings
napoleon_google_docstring = False
napoleon_use_ivar = True

html_static_path = ["_static"]  # custom.css, which the theme loads last
html_theme = "alabaster"
html_theme_options = {
    "description": html.escape(about["description"]),
    "page_width": "1200px",
    "body_max_width": "auto",
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
}
html_show_sphinx = False
