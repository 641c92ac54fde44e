import os
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def release():
    """The folder that the paper's authors published."""
    places = [os.environ.get("EMOFUSE_DATA", ""), ROOT.parent / "shared" / "data", ROOT / "data"]
    for place in places:
        if (folder := Path(place) / "Emotion-Recognition").is_dir():
            return folder
    pytest.skip("the published scores (Emotion-Recognition) are not on this machine")


@pytest.fixture(scope="session")
def published_scores(release):
    """All rows of all folds that are there, empty transcripts as the text that the files have."""
    files = sorted((release / "Merge" / "Predict Results").glob("fold_*/*-predictions-raw.csv"))
    return pd.concat([pd.read_csv(file, keep_default_na=False) for file in files], ignore_index=True)
