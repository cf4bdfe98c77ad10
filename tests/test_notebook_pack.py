"""What a notebook takes along: all that it needs, the same bytes each time, and no secret."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
from kernel_server import TOKEN

from aicomp.errors import DataError, NetworkError, UsageError
from aicomp.kaggle.notebook.kernel_source import kernel_source
from aicomp.kaggle.notebook.pack import check_packed, make_pack, title_of
from aicomp.kaggle.notebook.wheels import Wheel, make_wheels
from aicomp.project import Project

pytest_plugins = ["kaggle_fixtures", "notebook_cases"]


def members(pack):
    """Every byte that would be sent, by name, zips and wheels unpacked as well."""
    held = {"kernel.py": pack.kernel_text.encode()}
    for file in pack.files:
        held[file.path.name] = file.path.read_bytes()
        if file.path.suffix in (".zip", ".whl"):
            with zipfile.ZipFile(file.path) as archive:
                held |= {f"{file.path.name}/{name}": archive.read(name) for name in archive.namelist()}
    return held


def test_the_pack_holds_what_predicts_and_no_data(trained):
    project, run = trained
    pack = make_pack(project, run)
    [archive] = [f for f in pack.files if f.path.name == "project.zip"]
    inside = set(archive.contents)
    assert {"aicomp.toml", "competition.toml", "features.py", "model.py", "train.py"} <= inside
    assert {f"runs/{run.id}/folds/{k}/weights.safetensors" for k in range(3)} <= inside
    assert f"runs/{run.id}/DONE" in inside
    assert not [
        name
        for name in inside
        if name.startswith(("data/", "submissions/")) or name.endswith("predictions.safetensors")
    ]
    assert [w.path.name.split("-")[0] for w in pack.wheels] == ["aicomp", "msgspec"]


def test_the_last_step_of_a_run_goes_along(trained):
    project, run = trained
    (run.folder / "last_step.json").write_text('{"name": "plain"}\n')
    [archive] = [f for f in make_pack(project, run).files if f.path.name == "project.zip"]
    assert f"runs/{run.id}/last_step.json" in archive.contents
    (run.folder / "last_step.json").unlink()
    [archive] = [f for f in make_pack(project, run).files if f.path.name == "project.zip"]
    assert f"runs/{run.id}/last_step.json" not in archive.contents


def test_the_same_content_is_the_same_name_and_another_is_another(trained):
    project, run = trained
    first, second = make_pack(project, run), make_pack(project, run)
    assert first.sha256 == second.sha256
    assert first.dataset_slug == second.dataset_slug == f"aicomp-binary-{first.sha256[:10]}"
    (project.folder / "competition.toml").write_text(
        (project.folder / "competition.toml").read_text(encoding="utf-8") + "\n# a note\n", encoding="utf-8"
    )
    assert make_pack(project, run).sha256 != first.sha256


def test_names_keep_kaggles_rules(trained):
    project, run = trained
    pack = replace(make_pack(project, run), competition="A_Very--Long competition name that goes on and on 2026")
    for slug in (pack.dataset_slug, pack.kernel_slug(1), pack.kernel_slug(12)):
        assert len(slug) <= 50
        assert slug == "-".join(title_of(slug).split())
        assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert "--" not in slug
    assert pack.kernel_slug(1) != pack.kernel_slug(2)


def test_no_token_is_in_any_byte(trained, no_credentials, monkeypatch):
    project, run = trained
    (no_credentials / "access_token").write_text(TOKEN)
    for name in (".env", "kaggle.json", "notes.txt", "runs/token.py", "data/token.py", "submissions/token.py"):
        (project.folder / name).parent.mkdir(exist_ok=True)
        (project.folder / name).write_text(f"token = '{TOKEN}'")
    for name in (".hidden/a.py", ".venv/b.py", "env/c.py"):
        (project.folder / name).parent.mkdir()
        (project.folder / name).write_text(f"token = '{TOKEN}'")
    (project.folder / "env" / "pyvenv.cfg").touch()
    held = members(make_pack(project, run))
    assert len(held) > 100
    assert not [name for name, content in held.items() if TOKEN.encode() in content]


@pytest.mark.parametrize("source", ["KAGGLE_KEY", "AICOMP_TOKEN", "access_token", "pattern"])
def test_code_that_holds_a_token_is_refused(trained, no_credentials, monkeypatch, source):
    project, run = trained
    secret = TOKEN if source == "pattern" else "no-pattern-9f2c1"
    if source == "access_token":
        (no_credentials / "access_token").write_text(secret)
    elif source != "pattern":
        monkeypatch.setenv(source, secret)
    (project.folder / "tools").mkdir()
    (project.folder / "tools" / "fetch.py").write_text(f"key = '{secret}'\n")
    with pytest.raises(UsageError) as e:
        make_pack(project, run)
    assert e.value.message.startswith("`tools/fetch.py` holds a token")
    assert secret not in e.value.message + e.value.hint


def test_a_wheel_is_whole(trained, tmp_path):
    """Every file is in RECORD with its hash, nothing of this machine is inside, and another Python imports it."""
    wheels = make_wheels(tmp_path / "wheels", ("tomli-w",), "")
    names = {w.path.name.split("-")[0]: w for w in wheels}
    assert set(names) == {"aicomp", "msgspec", "tomli_w"}
    assert names["aicomp"].fits == names["tomli_w"].fits == "any Python 3 and platform"
    for wheel in wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            [record] = [n for n in archive.namelist() if n.endswith(".dist-info/RECORD")]
            rows = {row[0]: row for row in csv.reader(io.StringIO(archive.read(record).decode()))}
            assert set(rows) == set(archive.namelist())
            for name in archive.namelist():
                if name != record:
                    digest = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=")
                    assert rows[name][1] == f"sha256={digest.decode()}"
                assert "direct_url" not in name
                assert "__pycache__" not in name
            archive.extractall(tmp_path / "site")
    code = "import aicomp, msgspec, tomli_w, sys; print(aicomp.__file__, msgspec.__file__, tomli_w.__file__)"
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(tmp_path / "site")}, capture_output=True, text=True, check=True
    )
    assert done.stdout.count(str(tmp_path / "site")) == 3


def test_a_package_that_is_not_installed_is_refused(tmp_path):
    with pytest.raises(UsageError) as e:
        make_wheels(tmp_path, ("no-such-package-here",), "")
    assert "`no-such-package-here` is not installed" in e.value.message


def test_another_python_is_fetched_and_says_so_where_it_cannot(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(NetworkError) as e:
        make_wheels(tmp_path, (), "3.12")
    assert "cannot fetch `msgspec`" in e.value.message
    assert "for Python 3.12 on Linux" in e.value.message
    assert [p.name.split("-")[0] for p in tmp_path.glob("*.whl")] == ["aicomp"]


def test_the_names_of_wheels_say_for_whom_they_are(tmp_path):
    compiled = Wheel(tmp_path / "msgspec-0.22.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    assert compiled.fits == "cp311, manylinux_2_17_x86_64"
    assert compiled.is_compiled


def test_packages_of_the_config_go_along(trained):
    project, run = trained
    config = project.folder / "aicomp.toml"
    config.write_text(config.read_text(encoding="utf-8") + 'packages = ["tomli-w"]\n', encoding="utf-8")
    pack = make_pack(Project.open(project.folder), run)
    assert "tomli_w" in {w.path.name.split("-")[0] for w in pack.wheels}


def test_a_file_that_changed_since_is_found(trained):
    pack = make_pack(*trained)
    check_packed(pack.files)
    with pack.files[0].path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DataError):
        check_packed(pack.files)


def test_the_notebook_is_python_whatever_the_names_are():
    text = kernel_source(
        competition='x"""\nimport os', run_id="r'1", marker='m".json', test="te'st.csv", sample='a"b.csv'
    )
    names = {}
    exec(compile(text.replace("\nmain()\n", "\n"), "kernel.py", "exec"), names)
    assert (names["RUN"], names["MARKER"], names["TEST"], names["SAMPLE"]) == ("r'1", 'm".json', "te'st.csv", 'a"b.csv')
    assert "import os\n" not in names["__doc__"]
