"""`aicomp` beside other libraries on folders in Kaggle's form: score on the hidden part, wall time, memory, rank.

    make peers                                             # once: their virtual environments, in .peers/
    python benchmarks/tabular.py DATA_DIR --peers lightgbm,catboost,realmlp,tabm,autogluon --time-limit 240
    python benchmarks/tabular.py DATA_DIR --only titanic   # aicomp alone, with its defaults
    python benchmarks/tabular.py --table results.jsonl     # the table again, from the results alone

DATA_DIR holds a folder per competition with train.csv, test.csv, sample_submission.csv and, for scoring alone,
solution.csv. Needs `make peers`, or `pip install -e '.[bench,boost]'` for aicomp alone. All runs share the machine's
processors and follow one after the other.
Each result is appended to `--out` as it comes; `--resume` goes on where a run was cut.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import systems
from board import DEFAULTS, LIMITED, Board, Result, as_table
from goals import goals
from measured import Measured, run_measured
from systems import LIMITED_SYSTEMS, METRICS


def main() -> None:
    arguments = read_arguments()
    if arguments.table:
        show(read_results(arguments.table))
        return
    known = read_results(arguments.out) if arguments.out.exists() else []
    if known and not arguments.resume:
        sys.exit(f"error: `{arguments.out}` holds results\n\nhint: add --resume, or name another file with --out")
    results = []
    for slug, system in combinations(arguments):
        result = earlier(known, slug, system, arguments) or measure(slug, system, arguments)
        results.append(result)
        if result not in known:
            with arguments.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result.to_json()) + "\n")
            print(as_line(result), file=sys.stderr, flush=True)
    show(results)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA_DIR")
    parser.add_argument("--peers", default="", help=f"comma-separated: {', '.join(systems.PEERS)}")
    parser.add_argument("--systems", help="comma-separated: these alone, such as aicomp-limit,autogluon")
    parser.add_argument("--only", default=",".join(METRICS), help="comma-separated names of folders")
    parser.add_argument("--time-limit", type=float, help=f"seconds for {' and '.join(LIMITED_SYSTEMS)}")
    parser.add_argument("--patience", type=float, help="seconds until a system is stopped (default: 4 x the limit)")
    parser.add_argument("--out", type=Path, default=Path("results.jsonl"), help="default: results.jsonl")
    parser.add_argument("--resume", action="store_true", help="skip what --out holds from the same code and data")
    parser.add_argument("--table", type=Path, metavar="RESULTS", help="print the table of a results' file, run nothing")
    arguments = parser.parse_args()
    if arguments.table:
        return arguments
    if arguments.data is None:
        parser.error("name DATA_DIR or --table")
    limited = arguments.time_limit is not None
    ours = [DEFAULTS, LIMITED] if limited else [DEFAULTS]
    chosen = arguments.systems or ",".join([*ours, arguments.peers])
    arguments.systems = list(filter(None, chosen.split(",")))
    arguments.only = arguments.only.split(",")
    check(parser, arguments)
    if arguments.patience is None and limited:
        arguments.patience = 4 * arguments.time_limit
    return arguments


def check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse what would only be found out after hours."""
    known = (DEFAULTS, LIMITED, *systems.PEERS)
    for system in arguments.systems:
        if system not in known:
            parser.error(f"no system `{system}`: {', '.join(known)}")
        if system in LIMITED_SYSTEMS and arguments.time_limit is None:
            parser.error(f"`{system}` needs --time-limit")
        if system in systems.PEERS and not systems.python_of(system).exists():
            parser.error(f"`{system}` has no environment in `{systems.python_of(system).parents[1]}`: run `make peers`")
    for slug in arguments.only:
        if slug not in METRICS:
            parser.error(f"no set `{slug}`: {', '.join(METRICS)}")
        if not (arguments.data / slug / "solution.csv").is_file():
            parser.error(f"`{arguments.data / slug}` has no solution.csv")


def combinations(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    return ((slug, system) for slug in arguments.only for system in arguments.systems)


def read_results(path: Path) -> list[Result]:
    return [Result.from_json(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]


def show(results: list[Result]) -> None:
    if not results:
        print("no results")
        return
    board = Board(results)
    print(as_table(board) + "\n\n" + goals(board))
    commits = ", ".join(sorted({r.commit for r in results}))
    print(f"\ncommits of aicomp: {commits}; processors here: {systems.processors()}")


def earlier(known: list[Result], slug: str, system: str, arguments: argparse.Namespace) -> Result | None:
    """A result that would come out again: same code, data and limit. What failed is tried again.

    So is what was stopped with less patience than there is now.
    """
    code, data = systems.code_hash(system), systems.data_hash(arguments.data / slug)
    identity = (slug, system, code, data, limit_of(system, arguments))
    for result in known:
        if (result.slug, result.system, result.code, result.data, result.time_limit) != identity:
            continue
        longer = arguments.patience is None or (result.patience or 0) < arguments.patience
        if result.hidden is not None or (result.stopped and not longer):
            return result
    return None


def limit_of(system: str, arguments: argparse.Namespace) -> float | None:
    return arguments.time_limit if system in LIMITED_SYSTEMS else None


def measure(slug: str, system: str, arguments: argparse.Namespace) -> Result:
    """Run one system on one set, in a folder of its own, and score what it predicts."""
    source = arguments.data.resolve() / slug
    limit = limit_of(system, arguments)
    with tempfile.TemporaryDirectory() as scratch:
        project = systems.start_project(slug, source, Path(scratch))
        command = systems.command_of(system, project, limit)
        measured = run_measured(command, project, arguments.patience)
        graded, problem = grade(measured, system, project, source / "solution.csv", METRICS[slug])
    cv = (measured.answer or {}).get("mean")
    return Result(
        slug=slug,
        system=system,
        metric=METRICS[slug],
        greater_is_better=METRICS[slug] in ("accuracy", "roc_auc"),
        cv=cv,
        hidden=graded,
        seconds=measured.seconds,
        peak_mb=measured.peak_mb,
        problem=problem,
        stopped=measured.stopped,
        time_limit=limit,
        patience=arguments.patience,
        code=systems.code_hash(system),
        data=systems.data_hash(source),
        commit=systems.commit(),
    )


def grade(measured: Measured, system: str, project: Path, solution: Path, metric: str) -> tuple[float | None, str]:
    """Score on the hidden part, or why there is none."""
    if measured.answer is None:
        return None, "" if measured.stopped else measured.problem
    try:
        is_peer = system in systems.PEERS
        file = measured.answer["file"] if is_peer else systems.aicomp("submit", "--dry-run", cwd=project)["file"]
        return float(systems.aicomp("score", str(solution), str(file), "--metric", metric, cwd=project)["score"]), ""
    except RuntimeError as e:
        return None, str(e)


def as_line(r: Result) -> str:
    outcome = f"hidden {r.hidden:<10.5g}" if r.hidden is not None else r.problem or "not finished"
    cv = f"cv {r.cv:<10.5g}" if r.cv is not None else " " * 13
    return f"{r.slug:<20} {r.system:<12} {r.metric:<9} {cv} {outcome} {r.seconds:7.1f} s {r.peak_mb:7.0f} MB"


if __name__ == "__main__":
    main()
