import importlib.metadata
import json
import logging
import subprocess
import sys
import warnings

import pytest
from tqdm import tqdm

from emofuse import logs, tables
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


def test_ctrl_c_ends_a_stage_with_a_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught, logged(tmp_path / "stage.log"):
        raise KeyboardInterrupt
    assert caught.value.code == 130
    log = (tmp_path / "stage.log").read_text()
    assert log.endswith("ERROR interrupted\n")
    assert "Traceback" not in log + capsys.readouterr().err


def test_ctrl_c_is_a_line_where_nobody_catches_it_and_other_errors_stay():
    for error, said in (("KeyboardInterrupt", "interrupted\n"), ("ValueError", "Traceback")):
        code = f"from emofuse.logs import interrupted_quietly; interrupted_quietly(); raise {error}"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert ran.stderr.startswith(said)
        assert ran.returncode != 0


def test_no_password_is_in_a_log_or_on_the_terminal(tmp_path, capfd):
    with pytest.raises(SystemExit), logs.logged(tmp_path / "job.log"):
        print("at http://me:secret@host", file=sys.stderr)
        raise OSError("http://me:secret@host/?token=secret is down")
    text = (tmp_path / "job.log").read_text()
    assert text.count("http://***@host") == 3  # the print, and the error in its traceback and in its line of code
    assert "secret" not in text + capfd.readouterr().err


def test_a_job_that_ends_well_records_what_it_was_made_with(tmp_path):
    script = "import sklearn, tqdm, pytest; from emofuse.logs import logged\nwith logged(sys.argv[1]): time.sleep(0.1)"
    subprocess.run([sys.executable, "-c", f"import sys, time; {script}", tmp_path / "folds" / "Ses01F.log"], check=True)
    record = json.loads((tmp_path / "folds" / "Ses01F.json").read_text())
    assert record.keys() == {"versions", "machine", "seconds", "read", "written"}
    assert 0.1 <= record["seconds"] < 5
    versions = record["versions"]
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    for name in ("numpy", "pandas", "scikit-learn"):
        assert versions[name] == importlib.metadata.version(name)
    assert "torch" not in versions, "this job has not loaded it"
    assert "pytest" not in versions, "the library does not import it"
    assert record["machine"].keys() == {"cpu"}
    assert record["machine"]["cpu"]


def test_a_job_that_fails_leaves_no_record_not_even_that_of_an_earlier_one(tmp_path):
    with logged(tmp_path / "stage.log"):
        pass
    assert (tmp_path / "stage.json").exists()
    with pytest.raises(SystemExit), logged(tmp_path / "stage.log"):
        raise InputError(["u1: too long"])
    assert not (tmp_path / "stage.json").exists()


def test_a_job_sweeps_away_what_a_killed_one_has_left_of_its_results(tmp_path):
    left = [tmp_path / ".scores.1.parquet", tmp_path / ".model.1", tmp_path / ".stage.1.json"]
    for path in left:
        path.touch()
    with logged(tmp_path / "stage.log", (), iter([tmp_path / "scores.parquet"]), tmp_path / "model"):
        assert not any(path.exists() for path in left)
        (tmp_path / "scores.parquet").touch()
    assert list(tables.read_json(tmp_path / "stage.json")["written"]) == [str(tmp_path / "scores.parquet")]


def test_every_package_that_the_library_names_is_known_by_its_distribution():
    """A module whose distribution has another name is in the mapping, or looking it up would take its time."""
    installed = importlib.metadata.packages_distributions()
    for module in logs.imported() & installed.keys():
        version = importlib.metadata.version(logs.DISTRIBUTIONS.get(module, module))
        assert version in map(importlib.metadata.version, installed[module]), module


def test_versions_are_those_of_distributions():
    versions = logs.versions_of(["whisper", "sklearn", "PIL", "yaml", "numpy", "_pytest", "no_such_package"])
    assert list(versions) == sorted(versions)
    assert set(versions) == {"PyYAML", "numpy", "openai-whisper", "pillow", "pytest", "scikit-learn"}
    assert versions["pytest"] == pytest.__version__


def test_a_record_looks_no_package_up_by_searching_all_that_is_installed(monkeypatch):
    """Each of hundreds of jobs makes one, and the search reads the file list of each package."""

    def search():
        raise AssertionError("all installed distributions were searched")

    logs._distributions.cache_clear()  # a test before may have searched
    monkeypatch.setattr(importlib.metadata, "packages_distributions", search)
    assert logs.versions()["numpy"]
    assert logs.machine()
