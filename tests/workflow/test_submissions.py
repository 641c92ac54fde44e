"""What the shipped profile submits of the shipped studies to a cluster, as a dry run says."""

import re
from collections import Counter

import pytest
from helpers import ROOT
from project import Project
from studies import shipped_demo, shipped_study_of_released_scores

pytestmark = pytest.mark.slow

RULE = re.compile(r"^(?:rule|checkpoint) (\w+):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def local():
    """The rules that run where Snakemake runs."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    return {name for name, body in RULE.findall(text) if "localrule: True" in body}


def submissions(folder, config):
    """How often each group, and each rule without one, is submitted by a study of which nothing has run."""
    said = Project(folder, config).run("--dry-run", "--profile", "profiles/slurm")
    here = local()
    # Jobs of a group are indented.
    jobs = re.findall(r"^Job \d+: (\w+)", said, re.MULTILINE)
    return Counter([*re.findall(r"Group job (\w+) ", said), *(rule for rule in jobs if rule not in here)])


def test_the_demo_makes_24(tmp_path):
    assert submissions(tmp_path, shipped_demo()) == {
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
    assert submissions(tmp_path, shipped_study_of_released_scores()) == expected
