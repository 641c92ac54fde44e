"""No test is timed; which need a GPU, how much tests of faults break, and the order and processes of many tests."""

import os

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.register_profile(
    "unshrunk", deadline=None, phases=[phase for phase in hypothesis.Phase if phase.name in ("explicit", "generate")]
)
hypothesis.settings.load_profile("untimed")


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("there is no GPU")


def pytest_collection_modifyitems(items):
    """What takes long comes first where processes share the tests, so that none is left alone with it at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


class StudiesFirst(LoadScopeScheduling):
    """Files of several tests of the workflow start first, each in one process; all others run wherever there is room.

    Marks of xdist's own groups go unheard with pytest 9.2, which keeps names of tests elsewhere.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return file if file.startswith("tests/workflow/") else nodeid


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="break all that tests of faults break, not a share of it")


@pytest.fixture(scope="session")
def thorough(pytestconfig):
    """Whether a test of faults tries everything."""
    return pytestconfig.getoption("thorough")


def pytest_xdist_make_scheduler(config, log):
    return StudiesFirst(config, log)
