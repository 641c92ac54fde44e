"""Small faults in the library, by the thousand: how many do the tests of the rooms concerned notice?

mutmut makes them, in fusion, evaluation, splits, calibration and the text expert. It leaves out what stands outside of
functions, and functions with decorators (protocols, properties).

    python tests/faults/mutants.py              # a sample: some 8 minutes on 2 cores
    python tests/faults/mutants.py --sample all # every one: hours
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".mutants"
LINKS = {"src": "workflow", "tests": "tests", "pyproject.toml": "pyproject.toml"}
"""What mutmut asks for, and what it is here: modules are named after their place below ``src``."""

NOTICED = ("killed", "timeout", "segfault")
ASKED_FOR = 0.9


def make(cores: int) -> list[str]:
    """Write all mutants below the working directory and name them, in a fixed order."""
    # Where pytest looks for examples in docstrings, mutmut need not be installed.
    from mutmut.__main__ import collect_source_file_mutation_data, create_mutants
    from mutmut.utils.file_utils import copy_src_dir

    Path("mutants").mkdir()
    copy_src_dir()
    create_mutants(cores)
    return sorted(name for _, name, _ in collect_source_file_mutation_data(mutant_names=())[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sample", default="150", help="how many mutants, or all")
    parser.add_argument("--seed", type=int, default=0, help="draws the sample")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()

    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    os.chdir(FOLDER)
    for name, place in LINKS.items():
        Path(name).symlink_to(Path("..") / place)
    with Path("log.txt").open("w") as log, redirect_stdout(log):
        names = make(arguments.cores)
    tried = names
    if arguments.sample != "all":
        tried = sorted(random.Random(arguments.seed).sample(names, min(int(arguments.sample), len(names))))
    # No names stand for all of them. The order of a test's examples and of tests is fixed.
    chosen = [] if tried == names else tried
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", "run"]
    with Path("log.txt").open("a") as log:
        subprocess.run(
            [*command, f"--max-children={arguments.cores}", *chosen],
            env=os.environ | {"PYTHONHASHSEED": "0"},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )

    from mutmut.__main__ import collect_source_file_mutation_data, status_by_exit_code
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    found = {name: (data, code) for data, name, code in collect_source_file_mutation_data(mutant_names=tried)[0]}
    status = {name: status_by_exit_code[found[name][1]] for name in tried}
    unnoticed = [name for name in tried if status[name] not in NOTICED]
    for name in unnoticed:
        print(f"# {status[name]}: {name}\n{get_diff_for_mutant(name, path=found[name][0].path)}")
    share = 1 - len(unnoticed) / len(tried)
    print(f"{len(names)} mutants, {len(tried)} tried (seed {arguments.seed}): {dict(Counter(status.values()))}")
    print(f"{share:.1%} noticed; asked for are {ASKED_FOR:.0%}. What mutmut said: {FOLDER / 'log.txt'}")
    raise SystemExit(share < ASKED_FOR)


if __name__ == "__main__":
    main()
