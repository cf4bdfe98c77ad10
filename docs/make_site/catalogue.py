"""Reference of the competitions that the catalogue knows: one table, and a page for each problem type."""

from collections import defaultdict

from aicomp.catalogue import CatalogueEntry, load
from aicomp.cli.show import facts_of
from aicomp.resources import bundled_names
from make_site.markdown import cell, code, plain, table
from make_site.names import shifted

SECTIONS = {
    "binary": "Two classes",
    "multiclass": "Several classes",
    "multilabel": "Several labels",
    "regression": "A number",
    "multi-target": "Several numbers",
    "string": "Texts, lists, boxes and masks",
    "simulation": "Simulations",
    "other": "What no template trains",
}


def pages() -> dict[str, str]:
    """Name of each page below `reference/` -> its text."""
    entries = [load(slug) for slug in bundled_names("competitions")]
    kinds: defaultdict[str, list[CatalogueEntry]] = defaultdict(list)
    for entry in entries:
        kinds[entry.competition.problem_type].append(entry)
    made = {"competitions": _overview(entries)}
    for kind, title in SECTIONS.items():
        made[f"competitions-{kind}"] = "\n".join([f"# {title}", "", *map(_entry, kinds.pop(kind, []))])
    if kinds:
        raise LookupError(f"no page for competitions of {', '.join(kinds)}")
    return made


def _overview(entries: list[CatalogueEntry]) -> str:
    rows = []
    for entry in entries:
        c = entry.competition
        address = f"competitions-{c.problem_type}.md#{c.slug.lower()}"
        lacks_template = c.about is not None and c.about.untrainable
        metric = code(c.metric) if c.metric else "-"
        rows.append([f"[{c.slug}]({address})", cell(c.title), metric, "-" if lacks_template else code(c.template)])
    return "\n".join(
        [
            "# Catalogue of competitions",
            "",
            f"{len(entries)} competitions. `aicomp init SLUG` starts from an entry, `aicomp show SLUG` prints it, "
            "`aicomp list competitions --search WORD` finds one. A dash stands where aicomp lacks the metric or a "
            "template.",
            "",
            table(["slug", "title", "metric", "template"], rows),
        ]
    )


def _entry(entry: CatalogueEntry) -> str:
    """Facts that the README does not say, then the README."""
    told = ("slug", "leak", "trap", "source", "title")
    facts = [(name, value) for name, value in facts_of(entry.competition) if name not in told]
    lines = [f"- {name}: {f'<{value}>' if name == 'url' else plain(value)}" for name, value in facts]
    readme = entry.folder / "README.md"
    text = shifted(readme.read_text(encoding="utf-8")) if readme.is_file() else ""
    return "\n".join([f"## {entry.competition.slug}", "", f"{plain(entry.competition.title)}", "", *lines, "", text])
