"""Check the config of a study, its corpora's labels and its folds, before anything runs.

``python -m emofuse.check config/mine.yaml``, in the folder that Snakemake would run in. Of YAML that cannot be read it
names the line, which Snakemake does not: that reads a config before it reads the workflow.
"""

from __future__ import annotations

import sys
from pathlib import Path

from emofuse import written
from emofuse.logs import interrupted_quietly
from emofuse.study import Study
from emofuse.tables import InputError


def check(file: str | Path) -> None:
    """Check the config of a study.

    Raises:
        InputError: with everything that is wrong
    """
    Study.load(written.read(file), str(file), Path(file).parent).check()


if __name__ == "__main__":
    interrupted_quietly()
    try:
        check(sys.argv[1])
    except InputError as error:
        sys.exit(str(error))
