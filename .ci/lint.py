"""Snakemake's own lint over every study: ``python .ci/lint.py config/*.yaml``.

One thing that it asks for is left out: a conda environment or container per rule.
Here one environment, which ``make setup`` makes from the lock, serves all rules.
"""

import json
import subprocess
import sys

LEFT_OUT = "Specify a conda environment or container for each rule."

complaints = []
for config in sys.argv[1:]:
    command = [sys.executable, "-m", "snakemake", "--lint", "json", "--configfile", config]
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout.strip():
        sys.exit(f"{config}: {done.stderr}")
    for place in [entry for part in json.loads(done.stdout).values() for entry in part]:
        where = place["for"]
        complaints += [
            f"{config}: {where.get('rule') or where.get('snakefile')}: {lint['title']}"
            for lint in place["lints"]
            if lint["title"] != LEFT_OUT
        ]
sys.exit("\n".join(complaints) or 0)
