"""A model's folder holds what serving it needs, and its server reads no file that it should not."""

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from emofuse.model import flavor
from emofuse.model.served import Recording, below, parts
from emofuse.provenance import LIBRARY
from emofuse.tables import InputError

LOCK = Path(__file__).parents[2] / "envs/requirements.lock"


@pytest.fixture(scope="module")
def needed():
    return flavor.needed(["emofuse.model.served.Served"])


def test_the_library_is_shipped_as_far_as_it_is_imported(needed):
    files = {path.relative_to(LIBRARY).as_posix() for path in needed[0]}
    assert files >= {"__init__.py", "model/__init__.py", "model/served.py", "audio.py", "text/transcription.py"}
    assert not {name.split("/")[0] for name in files} & {"demo", "tracking", "evaluation", "report.py", "study.py"}


def test_the_requirements_are_those_of_the_lock(needed):
    lines = [line for line in flavor.requirements(needed[1]) if not line.startswith("setuptools==")]  # no lock has it
    locked = [line.partition("==") for line in LOCK.read_text().splitlines() if "==" in line]
    assert set(lines) <= {f"{canonicalize_name(name)}=={version}" for name, _, version in locked}
    names = {line.partition("==")[0] for line in lines}
    assert names >= {"torch", "openai-whisper", "silero-vad", "scikit-learn", "mlflow"} and "snakemake" not in names


def test_paths_are_read_below_the_root_alone(tmp_path):
    root = tmp_path / "audio"
    (root / "inner").mkdir(parents=True)
    (root / "a.wav").touch()
    (tmp_path / "secret.wav").touch()
    (root / "out.wav").symlink_to(tmp_path / "secret.wav")
    (root / "inner" / "in.wav").symlink_to(root / "a.wav")
    for path in ("a.wav", "inner/../a.wav", "inner/in.wav", str(root / "a.wav")):
        assert below(root, path) == root / "a.wav"
    for path in ("../secret.wav", "out.wav", "/etc/passwd", "../audio2/a.wav", "a\0.wav"):
        with pytest.raises(ValueError, match=r"leads out|null"):
            below(root, path)
    asked = [Recording(path="a.wav"), Recording(audio="%")]
    with pytest.raises(InputError) as error:
        parts(asked, None, tmp_path)
    assert [problem[:20] for problem in error.value.problems] == ["recording 0: path is", "recording 1: audio i"]
    assert "EMOFUSE_AUDIO_ROOT" in error.value.problems[0]
