"""Snakemake's own lint over every study: ``python .ci/lint.py config/*.yaml``.

One thing that it asks for is left out: a conda environment or container per rule.
Here one environment, which ``make setup`` makes from the lock, serves all rules.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

LEFT_OUT = "Specify a conda environment or container for each rule."

complaints = []
for config in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as empty:  # where nothing was ever made
        command = [sys.executable, "-m", "snakemake", "--lint", "--directory", empty]
        command += ["--configfile", str(Path(config).resolve())]
        done = subprocess.run(command, capture_output=True, text=True)
    text = done.stdout + done.stderr
    found = re.findall(r"^Lints for (.*?):\n((?: .*\n|\n)*)", text, re.MULTILINE)
    complaints += [
        f"{config}: {where}: {title}"
        for where, lints in found
        for title in re.findall(r"^    \* (.*?):?$", lints, re.MULTILINE)
        if title != LEFT_OUT
    ]
    if done.returncode and not found:  # no complaint, but an error
        complaints.append(f"{config}: {text}")
sys.exit("\n".join(complaints) or 0)
