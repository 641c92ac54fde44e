"""What is installed is what the lock says, to the byte."""

import re

from helpers import ROOT
from packaging.utils import canonicalize_name

LOCK, DIRECT = (ROOT / "envs" / f"requirements.{ending}" for ending in ("lock", "txt"))


def pinned(text):
    """The version of each package, by its name."""
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def test_every_package_has_the_sha_of_its_files():
    _, *entries = re.split(r"^(?=[\w.-]+==)", LOCK.read_text(), flags=re.MULTILINE)
    assert len(entries) == len(pinned(LOCK.read_text())) > 150
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==\S+(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n", entry), entry


def test_the_lock_has_all_direct_dependencies_but_torch_at_their_versions():
    direct, locked = pinned(DIRECT.read_text()), pinned(LOCK.read_text())
    assert direct.pop("torch") and "torch" not in locked
    assert direct.items() <= locked.items()
