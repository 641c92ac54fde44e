"""No test is timed; which need a GPU, how much tests of faults break, and which run in one process, if several do."""

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.register_profile(
    "unshrunk", deadline=None, phases=[phase for phase in hypothesis.Phase if phase.name in ("explicit", "generate")]
)
hypothesis.settings.load_profile("untimed")

STUDIES = {
    "test_audio_study": "a study from audio",
    "test_reruns": "a study from audio",
    "test_cluster": "a study from audio",
    "test_model": "a study from audio",
    "test_faults": "published scores",
    "test_study": "published scores",
    "test_new_parts": "published scores",
}
"""The finished study that the tests of a file share, so that it is made once; its files lie in ``tests/workflow``."""


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("there is no GPU")


class ByStudy(LoadScopeScheduling):
    """Tests of one finished study run in one process, and start first; all others run wherever there is room.

    Marks of xdist's own groups go unheard with pytest 9.2, which keeps names of tests elsewhere.
    """

    def _split_scope(self, nodeid: str) -> str:
        folder, _, file = nodeid.split("::")[0].rpartition("/")
        name = file.removesuffix(".py")
        return STUDIES[name] if folder.endswith("workflow") and name in STUDIES else nodeid


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="break all that tests of faults break, not a share of it")


@pytest.fixture(scope="session")
def thorough(pytestconfig):
    """Whether a test of faults tries everything."""
    return pytestconfig.getoption("thorough")


def pytest_xdist_make_scheduler(config, log):
    return ByStudy(config, log)
