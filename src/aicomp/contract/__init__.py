"""Infer the contract of a competition from its files: train, test and sample submission.

What is found comes with its reason; what could be several things is asked, or is an error that names the flag.
"""

from aicomp.contract.checks import check_files
from aicomp.contract.infer import Inferred, infer_contract
from aicomp.contract.inquiry import Ask, Finding, Given

__all__ = ["Ask", "Finding", "Given", "Inferred", "check_files", "infer_contract"]
