"""What holds for all tests."""

import os

# Bits and memory are compared, which a GPU does not repeat; `AICOMP_TEST_GPU=1` lets `test_gpu.py` have it.
if not os.environ.get("AICOMP_TEST_GPU"):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
