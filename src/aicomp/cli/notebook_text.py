"""What `aicomp submit --notebook` is about to send, for programs and for people."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aicomp.kaggle.delivery import Parcel
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.kaggle.notebook.pack import Pack
    from aicomp.kaggle.notebook.state import State
    from aicomp.project import Project


def describe(
    project: "Project", endpoint: "Endpoint", parcel: "Parcel", made: "Pack", state: "State", hours: float
) -> dict[str, Any]:
    """What is about to be sent, for programs."""
    from aicomp.kaggle.notebook.dataset import LICENSE
    from aicomp.kaggle.notebook.pack import title_of
    from aicomp.kaggle.notebook.push import kernel_request

    assert state.rehearsal is not None
    metric = project.task.metric
    attempt = state.host(endpoint.host)["attempt"]
    files = [
        {"name": f.path.name, "bytes": f.path.stat().st_size, "sha256": f.sha256, "contents": list(f.contents)}
        for f in made.files
    ]
    notebook = {
        "dataset": {
            "slug": made.dataset_slug,
            "title": title_of(made.dataset_slug),
            "private": True,
            "license": LICENSE,
            "files": files,
            "bytes": made.size,
        },
        "wheels": [{"name": w.path.name, "for": w.fits, "compiled": w.is_compiled} for w in made.wheels],
        "kernel": kernel_request(made, "YOU", attempt, hours),
        "text": made.kernel_text,
        "sha256": made.sha256,
        "rehearsal": state.rehearsal,
    }
    return {
        "competition": project.competition.slug,
        "host": endpoint.host,
        "run": made.run.id,
        "file": str(parcel.path),
        "rows": state.rehearsal["rows"],
        "sha256": parcel.sha256,
        "metric": metric.name,
        "greater_is_better": metric.greater_is_better,
        "cv": parcel.cv,
        "message": parcel.message,
        "notebook": notebook,
        "status": "valid",
        "score": None,
        "private_score": None,
        "ref": None,
        "url": None,
    }


def lines_of(content: dict[str, Any], endpoint: "Endpoint") -> list[str]:
    """What is about to be sent, for people."""
    notebook, cv = content["notebook"], content["cv"]
    dataset, rehearsal = notebook["dataset"], notebook["rehearsal"]
    share = rehearsal["seconds"] / rehearsal["limit_seconds"]
    direction = "higher" if content["greater_is_better"] else "lower"
    score = f"{cv['mean']:.5g} ± {cv['std']:.2g}"
    lines = [
        f"run:       {content['run']}",
        f"score:     {content['metric']} {score} in cross-validation ({direction} is better)",
        f"target:    `{content['competition']}`, {endpoint.page(content['competition'])}",
        f"dataset:   {dataset['slug']} (private), {len(dataset['files'])} files, {dataset['bytes']:,} bytes",
        f"notebook:  {notebook['kernel']['slug'].partition('/')[2]} (private, no internet)",
        f"rehearsal: {rehearsal['rows']} rows in {rehearsal['seconds']:.1f} s, {share:.2%} of the time limit; "
        f"network shut off by {rehearsal['isolation']}; {_compared(rehearsal['difference'])}",
    ]
    compiled = [w for w in notebook["wheels"] if w["compiled"]]
    lines += [f"note:      {w['name'].partition('-')[0]} is compiled for {w['for']}" for w in compiled]
    if compiled:
        lines.append("           if Kaggle's image has another Python, set `python` under [notebook] in aicomp.toml")
    return lines


def _compared(difference: float) -> str:
    if difference == 0:
        return "the same predictions as the run's"
    return f"the run's predictions up to {difference:.2g} standard deviations"


def all_lines(content: dict[str, Any], endpoint: "Endpoint") -> list[str]:
    """All that would be sent, for people."""
    notebook = content["notebook"]
    lines = [*lines_of(content, endpoint), "", "files of the dataset:"]
    fits = {w["name"]: f"  for {w['for']}" for w in notebook["wheels"]}
    for file in notebook["dataset"]["files"]:
        lines.append(f"  {file['bytes']:>12,}  {file['name']}{fits.get(file['name'], '')}")
        lines += [f"                  {name}" for name in file["contents"]]
    lines += ["", "settings of the notebook:"]
    lines += [f"  {name} = {value!r}" for name, value in notebook["kernel"].items()]
    lines += ["", "text of the notebook:", *(f"  {line}" for line in notebook["text"].splitlines())]
    return [*lines, "", f"description: {content['message']}", "valid; nothing was sent"]
