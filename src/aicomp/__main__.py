"""`python -m aicomp`."""

from aicomp.cli.main import run

if __name__ == "__main__":
    run()
