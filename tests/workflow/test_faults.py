"""A share of `make faults`: a study is killed, damaged and out of room, and comes back."""

import random
import signal

import pytest
from faults import damage, disks, kills
from faults.finished import Finished
from faults.outcomes import Outcomes

pytestmark = [pytest.mark.slow, pytest.mark.faults]


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory):
    """A copy of the finished study, to be broken."""
    folder = tmp_path_factory.mktemp("faults")
    return Finished(finished.copy(folder / "project"), folder / "kept", cores=2)


def test_a_sync_that_is_killed_while_the_database_is_made_leaves_each_run_once(study):
    choice, outcomes = random.Random(0), Outcomes()
    killed = [
        [kills.Kill(whom, signal.SIGKILL, kills.SINCE_JOB, after=choice.uniform(0, 4))]
        for whom in ("a job", "the group")
    ]
    struck = []
    kills.chain(study, "no database", killed, choice, outcomes, struck)
    assert struck and not outcomes.lost


def test_a_damaged_result_is_made_anew_as_soon_as_there_is_room(study):
    choice, outcomes = random.Random(0), Outcomes()
    damages = [
        (f"results/{study.name}/report.html", "garbled"),
        (f"results/{study.name}/made/telling.parquet", "emptied"),
    ]
    study.delete(*(name for name, _ in damages))
    disks.fails(study, "files of 16 KiB at most", outcomes, disks.limit(16 * disks.KIB))
    assert not study.end()
    damage.damaged(study, damage.RESULTS, damages, choice, outcomes)
    assert not outcomes.lost
