from pathlib import Path

import pytest

from aicomp import resources
from aicomp.resources import bundled, bundled_names


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


def test_a_checkout_has_them_at_its_top() -> None:
    top = Path(__file__).parent.parent
    assert bundled("competitions").samefile(top / "competitions")
    assert bundled("templates").samefile(top / "templates")


def test_a_wheel_has_them_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of the same name beside the package, such as a user's own `templates`, are not taken."""
    package = make(tmp_path / "lib" / "site-packages" / "aicomp", "_data/templates/tabular")
    make(tmp_path / "lib", "templates/of-somebody-else")
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert bundled("templates") == package / "_data" / "templates"
    assert bundled_names("templates") == ["tabular"]


def test_an_incomplete_installation_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lib" / "site-packages" / "aicomp"
    monkeypatch.setattr(resources, "_PACKAGE", package)
    with pytest.raises(FileNotFoundError) as caught:
        bundled("templates")
    assert str(caught.value) == f"no bundled templates in {package}/_data/templates or {tmp_path}/lib/templates"


def test_names_are_sorted_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = make(tmp_path / "aicomp", *(f"_data/competitions/{n}" for n in ("wine", "iris", "__pycache__", ".git")))
    (package / "_data" / "competitions" / "README.md").touch()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert bundled_names("competitions") == ["iris", "wine"]
