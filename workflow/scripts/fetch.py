"""Download every checkpoint that a study names: ``python workflow/scripts/fetch.py config/iemocap.yaml``."""

import sys
from pathlib import Path

import yaml

from emofuse import checkpoints, completion

for source in sys.argv[1:]:
    config = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    completed = completion.complete(config, source, Path(source).parent)
    for checkpoint in checkpoints.named_in(completed.config):
        path = checkpoints.fetch(checkpoint)
        print(" ".join(checkpoint.values()), "→", path, flush=True)
