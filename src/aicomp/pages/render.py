"""From a template to a page: HTML, style, scripts and pictures in one file."""

import base64
from datetime import date, datetime
from typing import TYPE_CHECKING

from aicomp import __version__

if TYPE_CHECKING:
    from jinja2 import Environment


def render(package: str, template: str, **values: object) -> str:
    """Fill a template in; everything that is given is escaped, except for what is `Markup`.

    Args:
        package: Whose `templates/` holds it, such as "aicomp.explain". Those of `aicomp.pages` can be extended and
            imported by it: `page.html`, `parts.html`.
        template: Its name.
        values: What it uses; a name that it uses and is not given is an error.
    """
    return _environment(package).get_template(template).render(version=__version__, **values)


def _environment(package: str) -> "Environment":
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, "aicomp.pages"))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "day": day}
    return environment


def number(value: float | None, digits: int = 4) -> str:
    """A number as people read it, with so many significant digits; a dash for none.

    >>> number(1234567), number(0.000123456), number(12.0), number(None), number(float("nan"))
    ('1,234,567', '0.0001235', '12', '–', '–')
    """
    if value is None or value != value:
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A share in percent; what is neither none nor all is not shown as such.

    >>> percent(0.5), percent(0.0004), percent(0.9999), percent(0.0), percent(1.0), percent(None)
    ('50 %', '<0.1 %', '>99.9 %', '0 %', '100 %', '–')
    """
    if share is None or share != share:
        return "–"
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{100 * share:.3g} %"


def day(moment: datetime | date) -> str:
    """Year, month and day, and the minute if it is known.

    >>> day(datetime(2026, 3, 1, 9, 5)), day(date(2026, 3, 1))
    ('2026-03-01 09:05', '2026-03-01')
    """
    return moment.strftime("%Y-%m-%d %H:%M" if isinstance(moment, datetime) else "%Y-%m-%d")


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """Bytes as an address, for pictures that are in the page itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
