"""`aicomp init SLUG` from a server on this machine, as a user meets it."""

import contextlib
import json
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib

import pandas as pd
import pytest
from one_competition import one_competition
from synthetic import write_folder

from aicomp.cli.main import main
from aicomp.cli.output import Output
from aicomp.cli.transfer import Transfer
from aicomp.competition import load_competition
from aicomp.kaggle.meter import Progress
from aicomp.raw_data import check_manifest

pytest_plugins = ["kaggle_fixtures"]


@pytest.fixture
def here(no_credentials, tmp_path, monkeypatch):
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AICOMP_TOKEN", "good")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("aicomp.kaggle.patience.FIRST_PAUSE", 0.0)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def shop(here, tmp_path):
    with one_competition("shop-sales", write_folder(tmp_path / "shop")) as server:
        server.files["photos.tar"] = b"x" * 4000
        yield server


def init(*arguments):
    return main(["init", *arguments])


def downloads(server):
    """Names of the files that were fetched."""
    return sorted(call for call in server.calls if "." in call)


def refused(capsys, *arguments):
    """Code, message and hint of a command that fails and leaves nothing."""
    code = init(*arguments, "--json")
    error = json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    assert error["code"] == code
    return code, error["message"], error["hint"]


def test_a_competition_never_seen(here, shop, tmp_path, capsys):
    assert init("shop-sales", "--host", shop.url) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "created the project `shop-sales`"
    lines = [" ".join(line.split()) for line in said.err.splitlines()]
    size = sum(len(c) for n, c in shop.files.items() if n.endswith(".csv")) / 1000
    cache = tmp_path / "cache" / "hosts" / f"127.0.0.1_{shop.port}" / "shop-sales" / "files"
    assert lines[:4] == [
        f"downloading `shop-sales` of {shop.url}: 3 files, {size:.3g} kB",
        f"downloaded 3 files, {size:.3g} kB in `{cache}`, for all projects",
        "left there 1 file, 4 kB no tables, or not matched by --file",
        f"competition Shop Sales {shop.url}/competitions/shop-sales",
    ]
    assert f"metric roc_auc {shop.url} says `Area Under Receiver Operating Characteristic Curve`" in lines
    project = here / "shop-sales"
    check_manifest(project)
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        assert (project / "data" / "raw" / name).read_bytes() == shop.files[name]
    assert sorted(p.name for p in (project / "data" / "raw").iterdir()) == downloads(shop)
    c = load_competition(project / "competition.toml")
    assert (c.slug, c.title, c.metric, c.problem_type) == ("shop-sales", "Shop Sales", "roc_auc", "binary")
    assert (c.host, c.url) == (shop.url, f"{shop.url}/competitions/shop-sales")
    assert c.deadline == "2999-01-01T00:00:00Z"
    # The contract is shared with others: it says nothing of this machine.
    assert str(tmp_path) not in (project / "competition.toml").read_text()


def test_the_second_project_downloads_nothing_and_the_cache_stays_as_it_is(here, shop, capsys, monkeypatch):
    monkeypatch.setenv("AICOMP_HOST", shop.url)
    assert init("shop-sales") == 0
    before = downloads(shop)
    (here / "shop-sales" / "data" / "raw" / "train.csv").write_text("changed\n")
    assert init("shop-sales", "--into", "second") == 0
    assert downloads(shop) == before
    assert (here / "second" / "data" / "raw" / "train.csv").read_bytes() == shop.files["train.csv"]
    assert f"downloaded already: `shop-sales` of {shop.url}: 3 files" in capsys.readouterr().err


def test_what_comes_next_where_only_notebooks_are_taken(here, shop, capsys):
    shop.facts["isKernelsSubmissionsOnly"] = True
    assert init("shop-sales", "--host", shop.url) == 0
    assert capsys.readouterr().out.endswith("  aicomp train\n  aicomp submit --notebook --dry-run\n")


def test_flags_win_over_what_the_host_says(here, shop, capsys):
    assert init("shop-sales", "--host", shop.url, "--metric", "accuracy", "--into", "p") == 0
    assert load_competition(here / "p" / "competition.toml").metric == "accuracy"
    assert f"given with --metric; {shop.url} says `Area Under" in " ".join(capsys.readouterr().err.split())


def test_a_metric_without_a_name_here(here, shop, capsys):
    shop.facts["evaluationMetric"] = "Shop Score"
    code, message, hint = refused(capsys, "shop-sales", "--host", shop.url)
    assert (code, message) == (2, f"{shop.url} scores by `Shop Score`, which is no metric of aicomp")
    assert hint.startswith("add `--metric NAME` with the one that comes nearest: by its name ")
    for name in ("roc_auc", "log_loss", "accuracy", "f1"):  # they fit two classes
        assert name in hint
    assert "rmse" not in hint
    assert not any(here.iterdir())
    assert init("shop-sales", "--host", shop.url, "--metric", "log_loss") == 0


def test_a_metric_that_does_not_fit_the_target(here, shop, capsys):
    shop.facts["evaluationMetric"] = "RMSLE"
    code, message, _ = refused(capsys, "shop-sales", "--host", shop.url)
    assert code == 2
    assert message == f"{shop.url} scores by `RMSLE`, which is rmsle here, which is not for binary"


def test_on_a_terminal_the_metric_is_asked_for_with_the_hosts_words(here, shop, monkeypatch, capsys):
    shop.facts["evaluationMetric"] = "Shop Score"
    monkeypatch.setattr(Output, "can_ask", property(lambda self: True))
    monkeypatch.setattr(Output, "ask", lambda self, question: "log_loss")
    assert init("shop-sales", "--host", shop.url) == 0
    said = capsys.readouterr().err
    assert f"Which metric scores the submissions? {shop.url} says `Shop Score`, which is no metric of aicomp." in said
    assert load_competition(here / "shop-sales" / "competition.toml").metric == "log_loss"


def largest(folder):
    """Bytes of the largest file in a folder in which files come and go."""
    sizes = [0]
    for path in folder.glob("*.part"):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return max(sizes)


@pytest.mark.slow
def test_ctrl_c_keeps_what_has_come_and_the_same_command_goes_on(here, shop, monkeypatch):
    shop.files["extra.csv"] = b"a,b\n" + b"1,2\n" * 500_000
    shop.held = {"extra.csv"}
    command = [sys.executable, "-m", "aicomp", "init", "shop-sales", "--host", shop.url]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert shop.half_sent.wait(60)
        parts = here.parent / "cache" / "hosts" / f"127.0.0.1_{shop.port}" / "shop-sales" / "parts"
        while largest(parts) < 500_000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "are kept: the same command continues there" in err
    assert err.endswith("error: interrupted\n")
    assert "Traceback" not in err
    assert not any(here.iterdir())
    shop.go_on.set()
    assert init("shop-sales", "--host", shop.url) == 0
    assert [r for r in shop.ranges if r][-1].startswith("bytes=")
    cached = here.parent / "cache" / "hosts" / f"127.0.0.1_{shop.port}" / "shop-sales" / "files" / "extra.csv"
    assert cached.read_bytes() == shop.files["extra.csv"]


def test_progress_on_a_terminal_is_a_bar_and_elsewhere_a_line_now_and_then(monkeypatch, capsys):
    out, now = Output(as_json=False), [0.0]
    monkeypatch.setattr("aicomp.cli.transfer.time.monotonic", lambda: now[0])
    with Transfer(out, "`shop` of Kaggle") as transfer:
        for at in (0.0, 5.0, 11.0):
            now[0] = at
            transfer.on_progress(Progress(int(at) * 10**6, 44 * 10**6, 1, 3, 10**6, 44 - at, "train.csv"))
    assert capsys.readouterr().err.splitlines() == [
        "downloading `shop` of Kaggle: 3 files, 44 MB",
        "  11 MB of 44 MB, 1 of 3 files, 1 MB/s, 33 s left; train.csv",
    ]
    monkeypatch.setattr(Output, "is_terminal", property(lambda self: True))
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Transfer(out, "`shop` of Kaggle") as transfer:
        transfer.on_progress(Progress(11 * 10**6, 44 * 10**6, 1, 3, 10**6, 33, "[red].csv"))
    drawn = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", capsys.readouterr().err)
    assert "11 MB of 44 MB, 1 of 3 files, 1 MB/s, 33 s left; [red].csv" in " ".join(drawn.split())


# Refused before anything is downloaded


def test_rules_that_are_not_accepted(here, shop, capsys):
    shop.rules_accepted = False
    code, message, hint = refused(capsys, "shop-sales", "--host", shop.url)
    assert (code, message) == (5, f"the rules of `shop-sales` are not accepted, and {shop.url} gives no file without")
    page = f"{shop.url}/competitions/shop-sales/rules"
    assert hint == f"open {page} in a browser, accept them, and run this again"
    assert (downloads(shop), list(here.iterdir())) == ([], [])


@pytest.mark.parametrize(("token", "message"), [("", "there are no credentials for"), ("dead", "does not accept")])
def test_credentials(here, shop, capsys, monkeypatch, token, message):
    monkeypatch.setenv("AICOMP_TOKEN", token)
    code, said, hint = refused(capsys, "shop-sales", "--host", shop.url)
    assert (code, message in said) == (4, True)
    assert hint.startswith("set `AICOMP_TOKEN` to your token of that host")
    assert downloads(shop) == []


def test_a_disk_without_room(here, shop, capsys, monkeypatch):
    monkeypatch.setattr("aicomp.checkup.free_bytes", lambda folder: 100)
    code, message, hint = refused(capsys, "shop-sales", "--host", shop.url)
    assert (code, "are needed in" in message, "AICOMP_CACHE" in hint) == (1, True, True)
    assert downloads(shop) == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--metric world-peace", "unknown metric `world-peace`"),
        ("--template tabluar", "unknown template `tabluar`"),
        ("--file '*.parquet'", "unknown file `*.parquet`"),
        ("--slug other", "`--slug` cannot be given for `shop-sales`: submissions go by its own"),
        ("--into taken", "`taken` is a project already"),
    ],
)
def test_a_wrong_flag_costs_no_download(here, shop, capsys, flags, message):
    (here / "taken").mkdir()
    (here / "taken" / "aicomp.toml").touch()
    code, said, _ = refused(capsys, "shop-sales", "--host", shop.url, *shlex.split(flags))
    assert (code, said) == (2, message)
    assert downloads(shop) == []


def test_images_alone(here, shop, capsys):
    shop.files = {"images/1.png": b"x" * 10, "images/2.png": b"x" * 20, "labels.txt": b"1"}
    code, message, hint = refused(capsys, "shop-sales", "--host", shop.url)
    assert (code, downloads(shop)) == (3, [])
    assert message == (
        "`shop-sales` has no table to make a project of; its files: images/1.png (10 B), images/2.png (20 B), "
        "labels.txt (1 B)"
    )
    assert hint.startswith("`kaggle competitions download shop-sales` gets all; ")


def test_tables_that_are_no_triple(here, shop, capsys):
    del shop.files["sample_submission.csv"]
    code, message, hint = refused(capsys, "shop-sales", "--host", shop.url)
    assert (code, "holds no sample submission; its tables: test.csv, train.csv" in message) == (3, True)
    assert "1 file, 4 kB were not downloaded, `--file PATTERN` takes those" in hint
    assert not any(here.iterdir())


def test_tables_in_a_folder(here, shop):
    shop.files = {f"input/{n}": c for n, c in shop.files.items() if n.endswith(".csv")} | {"input/a/b.csv": b"x"}
    assert init("shop-sales", "--host", shop.url) == 0
    assert downloads(shop) == ["input/sample_submission.csv", "input/test.csv", "input/train.csv"]
    project = here / "shop-sales"
    (project / "data" / "raw" / "test.csv").unlink()
    assert init("--data-only", "--into", str(project)) == 0
    assert (project / "data" / "raw" / "test.csv").read_bytes() == shop.files["input/test.csv"]


def test_a_part_of_the_files(here, shop, capsys):
    shop.files["extra.csv"] = b"a,b\n1,2\n"
    patterns = ["--file", "t*.csv", "--file", "sample*"]
    assert init("shop-sales", "--host", shop.url, *patterns) == 0
    assert downloads(shop) == ["sample_submission.csv", "test.csv", "train.csv"]


# Which source is meant


def test_without_a_host_it_is_kaggle_and_without_an_account_it_says_what_to_do(here, capsys, monkeypatch):
    monkeypatch.delenv("AICOMP_TOKEN")
    code, message, hint = refused(capsys, "titanic")
    assert (code, message) == (4, "there are no Kaggle credentials")
    assert hint.startswith("make a token at https://www.kaggle.com/settings (API)")
    assert refused(capsys, "irsi")[2].startswith("did you mean the embedded `iris`? Else: make a token")


def test_a_name_near_an_embedded_one(here, shop, capsys):
    code, message, hint = refused(capsys, "breast-cancr", "--host", shop.url)
    assert (code, message) == (5, f"{shop.url} knows no competition `breast-cancr`")
    assert hint.startswith("did you mean the embedded `breast-cancer`? Else: ")


def test_an_embedded_name_means_the_host_only_where_one_is_named(here, tmp_path, capsys, monkeypatch):
    with one_competition("iris", write_folder(tmp_path / "iris", "multiclass")) as server:
        server.facts["evaluationMetric"] = "Categorization Accuracy"
        assert init("iris", "--host", server.url) == 0
        assert load_competition(here / "iris" / "competition.toml").target == ("grade",)
        assert init("iris", "--into", "embedded") == 0
        assert load_competition(here / "embedded" / "competition.toml").target == ("species",)
        monkeypatch.setenv("AICOMP_HOST", server.url)
        assert init("iris", "--into", "hosted") == 0
        assert load_competition(here / "hosted" / "competition.toml").host == server.url


def test_a_folder_here_stays_a_folder(here, shop, capsys, monkeypatch):
    write_folder(here / "shop-sales", seed=1)
    code, message, _ = refused(capsys, "shop-sales", "--host", shop.url)
    assert (code, message) == (2, "`--host` cannot be given for `shop-sales`, which lies here")
    monkeypatch.setenv("AICOMP_HOST", shop.url)
    assert init("shop-sales", "--metric", "roc_auc") == 0
    assert load_competition(here / "shop-sales-project" / "competition.toml").host == "kaggle"
    assert shop.calls == []


# A clone


def clone(here, shop):
    """A project without its data, and with the manifest that git would bring."""
    assert init("shop-sales", "--host", shop.url) == 0
    project = here / "shop-sales"
    for path in (project / "data" / "raw").iterdir():
        path.unlink()
    return project


def test_the_data_of_a_clone_comes_from_the_contracts_host(here, shop, capsys):
    project = clone(here, shop)
    manifest = (project / "data" / "manifest.json").read_bytes()
    assert init("--data-only", "--into", str(project)) == 0
    check_manifest(project)
    assert (project / "data" / "manifest.json").read_bytes() == manifest
    assert "the data is in `shop-sales`\n" in capsys.readouterr().out


def test_data_that_the_host_has_changed_is_not_taken_for_the_projects(here, shop, capsys):
    project = clone(here, shop)
    changed = pd.read_csv(project.parent.parent / "shop" / "train.csv", dtype=str)
    shop.files["train.csv"] = changed.iloc[:-1].to_csv(index=False).encode()
    code, message, hint = refused(capsys, "--data-only", "--into", str(project))
    assert code == 3
    assert message.startswith("`train.csv` is not what the project was made with")
    (project / "data" / "manifest.json").unlink()
    assert "remove `data/manifest.json`" in hint
    assert init("--data-only", "--into", str(project)) == 0
    assert len(pd.read_csv(project / "data" / "raw" / "train.csv")) == len(changed) - 1


def test_the_manifest_alone_is_kept_in_git(here, shop):
    ignored = (clone(here, shop) / ".gitignore").read_text().splitlines()
    assert "data/*" in ignored
    assert "!data/manifest.json" in ignored


def test_train_says_what_stands_against_the_download(here, shop, capsys):
    project = clone(here, shop)
    (project / "data" / "manifest.json").unlink()
    capsys.readouterr()
    shop.calls.clear()

    def train():
        code = main(["train", "--project", str(project), "--json"])
        return code, json.loads(capsys.readouterr().out)["error"]

    code, error = train()
    assert (code, error["message"]) == (3, f"`{project}` has no data yet")
    assert error["hint"] == f"run `aicomp init --data-only --into {project}`"
    shop.rules_accepted = False
    code, error = train()
    assert (code, error["hint"].startswith("open http")) == (5, True)
    assert "has no data yet, and it cannot be downloaded now: the rules of `shop-sales`" in error["message"]
    assert downloads(shop) == []


def test_the_contract_is_valid_toml_whatever_the_host_calls_it(here, shop):
    shop.facts["title"] = 'A "shop"\n= 1\x1b[31m'
    assert init("shop-sales", "--host", shop.url) == 0
    content = tomllib.loads((here / "shop-sales" / "competition.toml").read_text())
    assert content["title"] == 'A "shop" = 1 [31m'
