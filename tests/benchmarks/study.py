"""How long the whole released study takes: from nothing, and when there is nothing to do.

    python tests/benchmarks/study.py [CONFIG [DATA_DIR]]

All methods, tracking, figures and report included, on 2 cores, in a copy of the project in a temporary folder.
Targets: under 120 s, and 5 s or less.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers import ROOT, published


def main(config: str = "config/released.yaml", data_dir: str | None = None) -> None:
    data_dir = data_dir or str(published().parent)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Snakefile", "workflow", "profiles", "envs", "config"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, Path(folder) / name)
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", config]
        command += ["--config", f"data_dir={Path(data_dir).resolve()}"]
        for what in ("from nothing", "nothing to do"):
            start = time.perf_counter()
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            print(f"{what}: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
