"""A sequence diagram as Mermaid text, for Markdown pages that draw it.

A lost message is a `-x` arrow, which ends in a cross; link acknowledgements are dotted; what is still under
way is an open arrow. Mermaid has no slopes and no marks, so the words say the rest: how long a message took,
which attempt or copy it is, that it was forged. Renderers refuse more than 50,000 characters by default.
Grammar: https://mermaid.js.org/syntax/sequenceDiagram.html
"""

import re
from collections.abc import Sequence

from cbmnet.reports.diagram import DiagramRow
from cbmnet.reports.words import clock, decimals_of

_ARROWS = {"lost": "x", "under way": ")"}
# All that could mean something to the grammar, to the entities of its texts or to the page around it; the
# colons of a time do not.
_SPECIAL = re.compile(r"[^\w .:,()=/'+?!-]|(?<!\d):|:(?!\d)")


def text(rows: Sequence[DiagramRow], parties: Sequence[str], title: str) -> str:
    """The diagram as one Mermaid document; the same rows give the same text."""
    ids = {name: f"p{number}" for number, name in enumerate(parties, start=1)}
    decimals, time = decimals_of(row.at_s for row in rows), ""
    lines = ["---", f'title: "{escaped(title)}"', "---", "sequenceDiagram"]
    lines += [f"    participant {ids[name]} as {escaped(name)}" for name in parties]
    for row in rows:
        said = clock(row.at_s, decimals)
        when, time = ("" if said == time else f"{said} "), said
        lines.append(f"    {_place(row, ids)}: {escaped(when + row.text)}")
    return "\n".join([*lines, ""])


def _place(row: DiagramRow, ids: dict[str, str]) -> str:
    if not row.target:
        return f"Note over {ids[row.source]}"
    dashes = "--" if "ack" in row.signs else "-"
    return f"{ids[row.source]}{dashes}{_ARROWS.get(row.fate, '>>')}{ids[row.target]}"


def escaped(said: str) -> str:
    """Text in which everything but letters, figures and harmless marks is an entity such as #59;."""
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", said)
