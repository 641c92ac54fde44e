"""A result that was damaged or edited is noticed; one that was touched or copied is what it was."""

import os
import shutil
from pathlib import Path

import pytest

from emofuse import intact, tables

OUTPUTS = ["model/weights.safetensors", "table.parquet"]


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The record of a job that read a result, and wrote two outputs and what is beside one of them in its folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("results/scores.parquet", "table.parquet", "model/weights.safetensors", "model/config.json"):
        tables.write_text(f"what {name} holds", name)
    read, written = ["results/scores.parquet", "data/corpus.csv"], ["table.parquet", "model/weights.safetensors"]
    tables.write_json({"seconds": 1} | intact.record(read, written, "model"), "job.json")
    return tmp_path / "job.json"


def damaged(*records):
    """Of a study that makes one of the two outputs."""
    return list(intact.damaged(records, ["table.parquet"]))


def test_what_was_written_is_intact_by_content(job):
    assert damaged(job) == []
    record = tables.read_json(job)
    os.utime("table.parquet")
    shutil.copy("model/config.json", "copy")
    shutil.copy("copy", "model/config.json")
    assert damaged(job) == []
    again = tables.read_json(job)
    assert again["seconds"] == 1 and again["written"].keys() == record["written"].keys()
    for name in ("table.parquet", "model/config.json"):
        before, after = record["written"][name], again["written"][name]
        assert after["modified"] > before["modified"] and after["sha256"] == before["sha256"]


def test_no_content_is_read_while_time_and_size_stay(job, monkeypatch):
    monkeypatch.setattr(intact.File, "at", None)
    assert damaged(job) == []


@pytest.mark.parametrize("name", ["table.parquet", "model/weights.safetensors", "model/config.json"])
@pytest.mark.parametrize("content", ["", "what", "what was edited in the same place"])
def test_a_changed_file_is_named_and_all_outputs_of_its_job_are_made_anew(job, name, content):
    Path(name).write_text(content)
    (found,) = damaged(job)
    assert found == (f"{name}: not as it was written; is made anew", OUTPUTS)


@pytest.mark.parametrize("name", ["table.parquet", "model/config.json", "results/scores.parquet"])
def test_what_is_gone_is_named_and_what_made_or_reads_it_is_made_anew(job, name):
    Path(name).unlink()
    (found,) = damaged(job)
    outputs = [output for output in OUTPUTS if output != name]
    assert found == (f"{name}: gone; is made anew", outputs)


def test_a_folder_in_the_place_of_a_file_is_no_file(job):
    Path("model/config.json").unlink()
    Path("model/config.json").mkdir()
    assert damaged(job) == damaged(job) == [("model/config.json: gone; is made anew", OUTPUTS)]


def test_what_no_target_was_made_from_is_of_no_concern(job):
    """Jobs of a fold or an experiment that the config no longer asks for."""
    Path("results/scores.parquet").unlink()
    Path("model/config.json").unlink()
    assert list(intact.damaged([job], ["other.parquet"])) == []
    tables.write_text("", "other.parquet")
    tables.write_json(intact.record(["results/scores.parquet"], ["other.parquet"]), "other.json")
    found = intact.damaged([job, Path("other.json")], ["other.parquet"])
    assert list(found) == [("results/scores.parquet: gone; is made anew", ["other.parquet"])]


def test_a_job_all_of_whose_outputs_are_gone_has_nothing_to_be_made_anew(job):
    Path("table.parquet").unlink()
    shutil.rmtree("model")
    assert damaged(job) == []


@pytest.mark.parametrize("record", ["", "{", "[]", "{}", '{"written": 3}', '{"written": {"a": {"size": 1}}}'])
def test_a_record_that_cannot_be_read_or_is_older_says_nothing(tmp_path, record):
    (tmp_path / "job.json").write_text(record)
    assert damaged(tmp_path / "job.json", tmp_path / "missing.json") == []
