"""What holds for all tests."""

import os

import pytest

# Bits and memory are compared, which a GPU does not repeat; `AICOMP_TEST_GPU=1` lets `test_gpu.py` have it.
if not os.environ.get("AICOMP_TEST_GPU"):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.fixture(scope="session")
def _watching():
    """Looks at every object that a command of this process prints with --json."""
    from json_schemas import watch

    return watch()


@pytest.fixture(autouse=True)
def _json_fits_its_schema(_watching):
    _watching.found.clear()
    yield
    assert not _watching.found, "what a command printed is not what its schema in src/aicomp/schemas says"
