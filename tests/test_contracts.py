"""Each table has one contract, and a stage reaches the contracts of its own tables and no other."""

from pathlib import Path

import pytest

from emofuse import contracts, provenance

SCRIPTS = Path(__file__).parent.parent / "workflow/scripts"
KINDS = [name for name, found in vars(contracts).items() if getattr(found, "__module__", "") == contracts.__name__]
PUBLIC = [name for name in KINDS if not name.startswith("_")]


@pytest.mark.parametrize("kind", PUBLIC)
def test_a_contract_is_named_after_its_table(kind):
    schema = getattr(contracts, kind)()
    assert schema.name == kind
    assert schema.coerce
    assert getattr(contracts, kind)() is schema
    assert getattr(contracts, kind).__doc__.endswith(".")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("embeddings", {"utterances"}),
        ("transcripts", {"utterances", "transcripts"}),
        ("sentiment", {"transcripts", "sentiment"}),
        ("speech_classifier", {"utterances", "folds", "speech"}),
        ("finetune", {"utterances", "folds", "speech"}),
        ("scores", {"utterances", "transcripts", "sentiment", "speech", "scores"}),
    ],
)
def test_a_stage_reaches_the_contracts_of_its_own_tables(script, expected):
    reached = provenance.reach(SCRIPTS / f"{script}.py")
    assert {name for module, name in reached if module.endswith("contracts") and name in PUBLIC} == expected
