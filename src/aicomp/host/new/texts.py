"""What is written beside the tables of a new competition: settings, the page that teams read, and a README."""

from aicomp.competition import Competition
from aicomp.host.new.wishes import Wishes
from aicomp.metrics import Metric

_WANTS = {"label": "a label", "probability": "a probability", "value": "a number", "string": "a text"}


def host_toml(competition: Competition) -> str:
    """Settings of the host."""
    import tomli_w

    settings = {"title": competition.title, "metric": competition.metric, "max_daily_submissions": 5}
    return (
        "# Settings of `aicomp host`; docs/hosting.md has all keys. Which rows are public stands in solution.csv.\n"
        + tomli_w.dumps(settings)
        + "# deadline = 2030-12-31T23:59:00Z  # then the private leaderboard opens\n"
    )


def description(competition: Competition, metric: Metric, wishes: Wishes) -> str:
    """The page that teams read, with what only the organizer knows to fill in."""
    c = competition
    target = ", ".join(f"`{column}`" for column in c.target)
    better = "higher" if metric.greater_is_better else "lower"
    header = ",".join(c.submission.columns)
    wanted = _WANTS[c.submission.wants]
    split = "Rows of test were drawn at random."
    if wishes.group is not None:
        split = f"No `{wishes.group}` of test is in train."
    elif wishes.time is not None:
        split = f"All rows of test are later than those of train, by `{wishes.time}`."
    return f"""# {c.title}

TO FILL IN: what this is about, where the data comes from, and what a good prediction is good for.

## Task

Predict {target} for every row of `test.csv`. {split}

## Evaluation

Submissions are scored by `{metric.name}`; {better} is better. The public leaderboard counts a part of the rows of test,
the private one the others.

## Submission

A CSV with a row for each row of `test.csv`, with {wanted} in each column after the id:

```
{header}
```

## Data

TO FILL IN: what each column means, and its unit.

| file | what it is |
|---|---|
| `train.csv` | rows with the target |
| `test.csv` | rows to predict |
| `sample_submission.csv` | the form of a submission |
"""


def readme(competition: Competition) -> str:
    """What lies here and how it is used. Teams can download it, so it says nothing that they may not know."""
    slug = competition.slug
    return f"""# {competition.title}

A competition made by `aicomp competition new` and served by `aicomp host`. `description.md` is its page.

```console
$ aicomp host check {slug}     # form and leaks
$ aicomp host .                # serves all competitions beside this one
$ aicomp host team "Ada" .     # makes a team and prints its token, once
```

These are typed in the folder that `{slug}` lies in.

A team then types

```console
$ export AICOMP_HOST=http://127.0.0.1:8000 AICOMP_TOKEN=...
$ aicomp init {slug} && cd {slug}
$ aicomp train && aicomp submit
```

`solution.csv`, `host.toml`, `competition.toml` and `description.md` are never served as files; this README is.
"""
