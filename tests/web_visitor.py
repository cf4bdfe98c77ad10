"""A visitor of the host's pages without a browser: follows redirects, keeps cookies, fills in forms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found["action"], {}))
        elif tag == "input" and self.forms and "name" in found:
            self.forms[-1][1][found["name"]] = found.get("value", "")


class Visitor:
    """Looks at pages.

    Args:
        http: A client of the host, with cookies of its own.
    """

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def get(self, path: str, status: int = 200, **options: Any) -> httpx.Response:
        response = self.http.get(path, **options)
        assert response.status_code == status, response.text
        return response

    def fields(self, path: str, action: str) -> dict[str, str]:
        """The fields of the form with an action on a page, as they are served."""
        forms = _Forms()
        forms.feed(self.get(path).text)
        return next(fields for found, fields in forms.forms if found == action)

    def send(self, path: str, action: str, status: int = 200, **changes: str) -> httpx.Response:
        """Fill in a form and send it."""
        response = self.http.post(action, data={**self.fields(path, action), **changes})
        assert response.status_code == status, response.text
        return response

    def sign_in(self, token: str, path: str = "/sign-in") -> httpx.Response:
        return self.send(path, "/sign-in", token=token)

    def upload(self, slug: str, content: str, file_name: str = "submission.csv", **options: Any) -> httpx.Response:
        """Send the upload form; `fields` changes its fields."""
        address = f"/competitions/{slug}/submissions"
        fields = {**self.fields(address, address), **options.pop("fields", {})}
        fields.pop("file")
        return self.http.post(address, data=fields, files={"file": (file_name, content)}, **options)


@contextmanager
def visitor(url: str) -> Iterator[Visitor]:
    """A visitor who was never here before."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False, follow_redirects=True) as http:
        yield Visitor(http)


def words(response: httpx.Response) -> str:
    """The visible text of a page, blanks made one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.text)).strip()
