import pytest

from aicomp.suggest import unknown_name


@pytest.mark.parametrize(
    ("name", "known", "listing", "hint"),
    [
        ("rmes", ["mae", "rmse"], "aicomp list metrics", "did you mean `rmse`? `aicomp list metrics` shows all"),
        ("zzz", ["mae", "rmse"], "aicomp list metrics", "`aicomp list metrics` shows all"),
        ("rmes", ["mae", "rmse"], "", "did you mean `rmse`?"),
        ("zzz", ["rmse", "mae"], "", "known: mae, rmse"),
        ("zzz", [], "", ""),
    ],
)
def test_hint_names_the_nearest_name_or_where_to_find_it(name: str, known: list[str], listing: str, hint: str) -> None:
    error = unknown_name("metric", name, known, listing)
    assert error.message == f"unknown metric `{name}`"
    assert error.hint == hint
    assert error.exit_code == 2
