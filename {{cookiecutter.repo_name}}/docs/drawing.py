"""Draws the way of a file from the source as SVG: for the page of `lineage`, at build time.

Data flow from left to right, one box a file, right of all its inputs; the mouse over a box shows what made it.
Written by hand because Graphviz and Mermaid are no Python packages: `make install` cannot bring them.
"""

from html import escape

WIDTH, HEIGHT, APART, BELOW, MARGIN = 220, 46, 36, 14, 8  # of a box, between columns, between boxes, around all; pixels
COLOURS = {"as recorded": "#2a7f3f", "changed since": "#b36b00", "gone": "#b3261e", "no digest on record": "#5f6368"}
LETTERS = 27  # that fit into a box
STYLE = "font: 12px system-ui, sans-serif"
ARROW = '<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
ARROW += '<path d="M0,0 L8,4 L0,8 z" fill="#888"/></marker>'


def svg(links) -> str:
    """The drawing of a chain, as `lineage.trace` gives it: a list of links, each file above its inputs."""
    nodes, arrows = graph(links)
    places = layout(nodes, arrows)
    width = max(x for x, _ in places.values()) + WIDTH + MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    drawn = [arrow(places[start], places[end]) for start, end in arrows] + [
        box(nodes[name], place) for name, place in places.items()
    ]
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
    return f'{opening}style="max-width: 100%; {STYLE}" role="img"><defs>{ARROW}</defs>{"".join(drawn)}</svg>'


def graph(links) -> tuple[dict, list[tuple]]:
    """The files, each once, and the arrows from an input to what was made of it."""
    nodes, arrows, above = {}, {}, {}
    for link in links:
        name = link.file, link.digest
        nodes.setdefault(name, link)
        above[link.depth] = name
        if link.depth:
            arrows[name, above[link.depth - 1]] = None
    return nodes, list(arrows)


def layout(nodes, arrows) -> dict[tuple, tuple[int, int]]:
    """The upper left corner of each box: its column is the longest way from it to the file that was asked for."""
    steps = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for start, end in arrows:
            steps[start] = max(steps[start], steps[end] + 1)
    columns, places = max(steps.values()), {}
    for column in range(columns + 1):
        for row, name in enumerate(name for name in nodes if columns - steps[name] == column):
            places[name] = MARGIN + column * (WIDTH + APART), MARGIN + row * (HEIGHT + BELOW)
    return places


def box(link, place: tuple[int, int]) -> str:
    """One file: its name, the start of its digest, and whether it still is the one on record."""
    (x, y), colour = place, COLOURS[link.state]
    name = link.file if len(link.file) <= LETTERS else f"…{link.file[1 - LETTERS :]}"
    dashed = ' stroke-dasharray="4 3"' if link.state == "gone" else ""
    frame = f'width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#fff" stroke="{colour}" stroke-width="1.5"{dashed}'
    return (
        f"<g><title>{escape(link.file)}: {escape(link.made)}</title>"
        f'<rect x="{x}" y="{y}" {frame}/>'
        f'<text x="{x + 10}" y="{y + 19}" fill="#222">{escape(name)}</text>'
        f'<text x="{x + 10}" y="{y + 36}" fill="{colour}">{escape(link.digest[:8] or "-")} {link.state}</text></g>'
    )


def arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A curve from the right side of one box to the left side of another."""
    x, y, to_x, to_y = start[0] + WIDTH, start[1] + HEIGHT / 2, end[0], end[1] + HEIGHT / 2
    bend = f"C{x + APART / 2},{y} {to_x - APART / 2},{to_y} {to_x},{to_y}"
    return f'<path d="M{x},{y} {bend}" fill="none" stroke="#888" marker-end="url(#arrow)"/>'
