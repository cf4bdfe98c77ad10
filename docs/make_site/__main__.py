"""`python -m make_site --into FOLDER` in `docs/`: the site, or an error with all that is wrong with it."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from make_site.checking import problems
from make_site.html import build
from make_site.staging import stage

ROOT = Path(__file__).parent.parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Build the site and check it; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="make_site")
    parser.add_argument("--into", type=Path, required=True, help="folder of the site; a site that is there goes")
    into = parser.parse_args(argv).into.resolve()
    if into.exists() and not (into / "objects.inv").is_file() and (into.is_file() or any(into.iterdir())):
        sys.stderr.write(f"error: {into} is there and holds no site: name another folder, or remove it\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="aicomp-site-") as temporary:
        source, built = Path(temporary) / "source", Path(temporary) / "site"
        source.mkdir()
        try:
            stage(ROOT, source)
        except (LookupError, FileNotFoundError) as e:
            sys.stderr.write(f"error: {e}\n")
            return 1
        if build(source, built):
            return 1
        found = problems(built)
        sys.stderr.writelines(f"error: {problem}\n" for problem in found)
        if found:
            return 1
        shutil.rmtree(into, ignore_errors=True)
        shutil.move(built, into)
    sys.stdout.write(f"{into / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
