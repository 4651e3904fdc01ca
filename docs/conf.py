"""How Sphinx builds the template's documentation: `make docs`. The reference pages are filled by `live.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

project = "Production ML"
author = "the developers of Production ML"
project_copyright = author

extensions = ["myst_parser", "live"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
smartquotes = False  # "--run" stays "--run"

html_static_path = ["_static"]  # custom.css, which the theme loads last
html_theme = "alabaster"
html_theme_options = {
    "description": "A Cookiecutter template for machine learning on tables",
    "page_width": "1200px",
    "body_max_width": "auto",
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
}
html_show_sphinx = False
