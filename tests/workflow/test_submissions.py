"""What the shipped profile submits of the shipped studies to a cluster, as a dry run says."""

import re
from collections import Counter

import pytest
import yaml
from helpers import ROOT, published
from project import Project

pytestmark = pytest.mark.slow

RULE = re.compile(r"^(?:rule|checkpoint) (\w+):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def local():
    """The rules that run where Snakemake runs."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    return {name for name, body in RULE.findall(text) if "localrule: True" in body}


def submissions(folder, name, **changes):
    """How often each group, and each rule without one, is submitted by a shipped study of which nothing has run."""
    config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8"))
    said = Project(folder, config | changes).run("--dry-run", "--profile", "profiles/slurm")
    # Jobs of a group are indented.
    jobs = re.findall(r"^Job \d+: (\w+)", said, re.MULTILINE)
    return Counter([*re.findall(r"Group job (\w+) ", said), *(rule for rule in jobs if rule not in local())])


def test_the_demo_makes_24(tmp_path):
    assert submissions(tmp_path, "config") == {
        "demo": 1,
        "demo_checkpoint": 3,
        "recordings": 2,
        "embeddings": 4,
        "merge_embeddings": 2,
        "transcripts": 4,
        "words": 1,
        "classifiers": 2,
        "scores": 1,
        "fusion": 2,
        "evaluation": 1,
        "package": 1,
    }


def test_the_study_of_published_scores_makes_three(tmp_path):
    expected = {"scores": 1, "fusion": 1, "evaluation": 1}
    assert submissions(tmp_path, "released", data_dir=str(published().parent.resolve())) == expected
