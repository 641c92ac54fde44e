"""A little of what the demo's checkpoints are trained on."""

import pandas as pd
import pytest
import soundfile
import torch

from emofuse.demo.material import make_material


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def material():
    return make_material(40, 0)


@pytest.fixture(scope="session")
def recordings(material, tmp_path_factory):
    """The audio of three utterances as files, listed as a corpus's are."""
    folder = tmp_path_factory.mktemp("recordings")
    rows = []
    for name, audio in zip("abc", material["audio"], strict=False):
        path = folder / f"{name}.flac"
        path.write_bytes(audio)
        rows.append((name, str(path), None, None, soundfile.info(path).duration))
    return pd.DataFrame(rows, columns=["utterance", "path", "start", "end", "duration"])
