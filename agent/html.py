"""Pages that stand alone: one HTML file each, without network, without a script that is not the page's own.

Every text is escaped by the template engine, and a Content-Security-Policy lets only the page's own scripts run, by
their hashes, should a text get through all the same.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .statistics import Share, wilson

PAGES = Path(__file__).with_name("pages")


def render(page: str, **values: Any) -> str:
    """A page of the folder `pages`, as HTML. Every value is escaped unless it is `Markup`."""
    style = (PAGES / "style.css").read_text(encoding="utf-8")
    script = (PAGES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; media-src data:"
    )
    return _environment().get_template(page).render(
        style=Markup(style), script=Markup(script), policy=policy, **values
    )  # fmt: skip


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"percent": percent, "data_url": data_url}
    return made


def percent(share: float) -> str:
    """A share in [0, 1] as whole percent; '–' for NaN."""
    return "–" if math.isnan(share) else f"{share:.0%}"


def data_url(data: bytes, kind: str) -> str:
    """A file as a link that holds it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def error_bar(share: Share) -> Markup:
    """A proportion as a picture: a bar to its value, a line over its interval. 120 × 14 px."""
    if share.n == 0:
        return Markup("")
    low, value, high = (round(100 * x, 1) for x in (share.low, share.value, share.high))
    return Markup(
        '<svg class="bar" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="ground" width="100" height="12"/><rect class="fill" width="{}" height="12"/>'
        '<path class="whisker" d="M{} 6H{}M{} 2V10M{} 2V10"/></svg>'
    ).format(str(share), value, low, high, low, high)


def reliability(promised: Sequence[float], kept: Sequence[bool], bins: int = 5) -> Markup:
    """Promised probabilities in [0, 1] beside what came of them: a point a bin with its Wilson interval, as SVG."""
    parts = [Markup('<path class="ideal" d="M30 170L190 10"/><path class="axis" d="M30 10V170H190"/>')]
    for i in range(bins):
        inside = [(p, k) for p, k in zip(promised, kept, strict=True) if min(int(p * bins), bins - 1) == i]
        if not inside:
            continue
        share = wilson(sum(k for _, k in inside), len(inside))
        x = 30 + 160 * sum(p for p, _ in inside) / len(inside)
        low, value, high = (round(170 - 160 * y, 1) for y in (share.low, share.value, share.high))
        title = f"promised {sum(p for p, _ in inside) / len(inside):.2f}, kept {share.successes} of {share.n}"
        parts.append(
            Markup(
                '<g><title>{}</title><path class="whisker" d="M{:.1f} {}V{}"/><circle cx="{:.1f}" cy="{}" r="4"/></g>'
            ).format(title, x, low, high, x, value)
        )
    labels = Markup(
        '<text x="30" y="186">0</text><text x="182" y="186">1</text><text x="76" y="186">promised</text>'
        '<text x="16" y="172">0</text><text x="16" y="18">1</text><text x="0" y="95">kept</text>'
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 200 192" role="img" aria-label="Promised against kept">{}{}</svg>'
    ).format(labels, Markup("").join(parts))
