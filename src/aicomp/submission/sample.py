"""The sample submission: which ids a submission must hold, in which columns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.errors import DataError
from aicomp.grading.large_table import open_text_table
from aicomp.grading.text_table import TextTable, match_ids
from aicomp.project import Project
from aicomp.raw_data import check_manifest


@dataclass(frozen=True)
class Sample:
    """What a submission must look like.

    Attributes:
        competition: The contract.
        table: The sample submission as strings; its ids decide which rows are needed, and in which order they are
            written.
    """

    competition: Competition
    table: TextTable

    def match_test(self, test_ids: TextTable | pd.DataFrame, n_test: int) -> np.ndarray:
        """Find the test row of each row of the sample.

        Args:
            test_ids: Ids of the test rows as strings; without columns, rows belong together by their position.
            n_test: Number of test rows.

        Returns:
            Row numbers into test, int64, (n_rows,).

        Raises:
            DataError: The two do not hold the same ids.
        """
        if isinstance(test_ids, TextTable):
            return match_ids(test_ids, self.table, self.competition.id)
        frame = test_ids if test_ids.shape[1] else pd.DataFrame(index=range(n_test))
        return match_ids(TextTable(frame, self.competition.files.test), self.table, self.competition.id)


def read_sample(project: Project, files: Path | None = None) -> Sample:
    """Read a project's sample submission and check it against the contract.

    Args:
        project: The project.
        files: Folder of the competition's files; None takes the project's own.

    Raises:
        DataError: The project has no data, or the file is malformed, or its header is not the contract's.
    """
    if files is None:
        check_manifest(project.folder)
    competition = project.competition
    path = (files or project.raw) / competition.files.sample_submission
    table = open_text_table(path, encoding=competition.files.encoding)
    header, expected = tuple(table.header), competition.submission.columns
    if header != expected:
        raise DataError(
            f"`{path.name}` has the columns {', '.join(header)}, the contract says {', '.join(expected)}",
            f"correct `columns` under [submission] in `{project.config.competition}`",
        )
    if competition.id:
        table.prepare(competition.id, ())
        table.check_ids(competition.id)
    return Sample(competition, table)
