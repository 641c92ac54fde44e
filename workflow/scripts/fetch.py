"""Download every checkpoint that a study names: ``python workflow/scripts/fetch.py config/iemocap.yaml``."""

import sys
from pathlib import Path

import yaml

from emofuse import checkpoints, configuration

for source in sys.argv[1:]:
    config = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    for checkpoint in checkpoints.named_in(configuration.complete(config, source)):
        print(" ".join(checkpoint.values()), "→", checkpoints.fetch(checkpoint), flush=True)
