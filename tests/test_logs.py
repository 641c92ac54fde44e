import logging
import sys
import warnings

import pytest
from tqdm import tqdm

from emofuse.logs import logged
from emofuse.tables import InputError


@pytest.fixture(autouse=True)
def loggers_as_before():
    before = logging.root.handlers[:]
    yield
    logging.captureWarnings(False)
    logging.root.handlers[:] = before


def test_progress_and_warnings_are_on_the_terminal_and_in_the_log(tmp_path, capsys):
    path = tmp_path / "deep" / "stage.log"
    with logged(path):
        for _ in tqdm(range(3), desc="stage"):
            pass
        warnings.warn("odd", stacklevel=1)
    print("after", file=sys.stderr)
    log, terminal = path.read_text(), capsys.readouterr().err
    for text in ("stage: 100%", "odd"):
        assert text in log
        assert text in terminal
    assert "after" not in log
    assert "\r" not in log


def test_bad_input_ends_a_stage_with_its_message_alone(tmp_path):
    with pytest.raises(SystemExit), logged(tmp_path / "stage.log"):
        raise InputError(["u1: too long"])
    log = (tmp_path / "stage.log").read_text()
    assert "u1: too long" in log
    assert "Traceback" not in log


def test_the_error_that_ends_a_stage_is_in_its_log(tmp_path):
    with pytest.raises(SystemExit), logged(tmp_path / "stage.log"):
        raise ValueError("no such utterance")
    log = (tmp_path / "stage.log").read_text()
    assert "Traceback" in log
    assert "ValueError: no such utterance" in log
