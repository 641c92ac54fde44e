"""A config is completed, or refused with everything that is wrong and what would be right."""

import inspect

import pytest
import yaml
from helpers import ROOT

from emofuse import configuration
from emofuse.fusion import METHODS, load_method
from emofuse.tables import InputError


def minimal(**changes):
    config = {
        "study": "s",
        "corpora": {"c": {"reader": "released", "path": "p"}},
        "experiments": {"e": {"train": "c", "test": "c"}},
        "methods": {"speech": None, "mean": None},
    }
    return config | changes


def test_defaults_are_filled_in_wherever_a_key_is_left_out():
    config = configuration.complete(minimal(methods={"speech": None, "mine": {"estimator": "entropy"}}))
    assert config["seed"] == 0
    assert config["evaluation"] == {"confidence": 0.95, "resamples": 2000}
    assert config["methods"]["speech"] == {"estimator": "speech", "fit_on": ["validation"], "parameters": {}}
    assert config["methods"]["mine"]["parameters"]["trials"] == 200


def test_everything_that_is_wrong_is_said_at_once():
    wrong = minimal(
        sed=1,
        experiments={"e": {"train": "c", "test": "d", "protcol": "x"}},
        methods={"spech": None, "paper": {"parameters": {"step": 3}}, "entropy": {"parameters": {"trials": 0}}},
    )
    with pytest.raises(InputError) as caught:
        configuration.complete(wrong, "my.yaml")
    text = str(caught.value)
    assert "my.yaml: unknown key 'sed'" in text and "did you mean 'seed'?" in text
    assert "experiments.e: unknown key 'protcol'" in text and "did you mean 'protocol'?" in text
    assert "methods.spech.estimator is 'spech'" in text and "did you mean 'speech'?" in text
    assert "methods.paper.parameters: unknown key 'step'" in text and "did you mean 'steps'?" in text
    assert "methods.entropy.parameters.trials is 0; 0 is less than the minimum of 1" in text
    assert "experiments.e.test is 'd'; should be one of c" in text
    assert "methods: speech is missing" in text


def test_a_checkpoint_is_given_by_name_and_revision_or_by_path():
    wrong = minimal(
        speech={"checkpoint": {"name": "facebook/wav2vec2-base"}},
        transcripts={"checkpoint": {"name": "openai/whisper-tiny", "revision": "main"}},
        sentiment={"checkpoint": {"name": "a/b", "revision": "main", "path": "c"}},
    )
    with pytest.raises(InputError) as caught:
        configuration.complete(wrong)
    hub = "should give name and revision of a repository of the hub, or path"
    assert [problem.split("; ")[-1] for problem in caught.value.problems] == [
        hub,
        "should give name, one of Whisper's own models, or path, a file",
        hub,
    ]
    right = {"speech": {"checkpoint": {"path": "c"}}, "transcripts": {"checkpoint": {"name": "tiny"}}}
    configuration.complete(minimal(**right))


def test_two_corpora_fit_each_other_and_the_protocol():
    corpora = {"c": {"reader": "released", "path": "p"}} | {
        name: {"reader": "manifest", "path": f"{name}.csv"} for name in ("m", "n")
    }
    experiments = {
        "a": {"train": "c", "test": "m", "protocol": "cross_corpus"},
        "b": {"train": "m", "test": "m", "protocol": "cross_corpus"},
        "c": {"train": "m", "test": "n"},
    }
    with pytest.raises(InputError) as caught:
        configuration.complete(minimal(corpora=corpora, experiments=experiments))
    assert caught.value.problems == [
        "config: experiments.a: one of c, m is of published scores; should be both, or both of audio",
        "config: experiments.b.test is 'm', as train; should be another corpus for cross_corpus",
        "config: experiments.c.protocol is 'leave_one_speaker_out'; should be cross_corpus for two corpora",
    ]


def test_the_exact_search_knows_no_f1():
    methods = {"speech": None, "entropy": {"parameters": {"search": "exact", "objective": "F1"}}}
    with pytest.raises(InputError, match=r"objective is 'F1'; should be UA or WA"):
        configuration.complete(minimal(methods=methods))


def test_a_method_that_is_no_mapping_is_refused():
    with pytest.raises(InputError, match=r"methods\.mean"):
        configuration.complete(minimal(methods={"speech": None, "mean": [1]}))


@pytest.mark.parametrize(
    ("entry", "valid"),
    [
        ({"oracle": {"fit_on": ["test"]}}, True),
        ({"oracle": None}, False),
        ({"bayes": {"fit_on": ["validation", "test"]}}, False),
        ({"bayes": {"fit_on": ["test"]}}, False),
        ({"bayes": {"fit_on": ["train", "validation"]}}, True),
    ],
)
def test_only_the_oracle_sees_test_labels(entry, valid):
    config = minimal(methods={"speech": None} | entry)
    if valid:
        configuration.complete(config)
    else:
        with pytest.raises(InputError, match="fit_on is"):
            configuration.complete(config)


def test_the_schema_and_the_estimators_agree_on_parameters_and_defaults():
    schema = configuration.load_schema()
    assert set(schema["$defs"]["parameters"]) == set(METHODS)
    assert set(schema["$defs"]["method"]["properties"]["estimator"]["enum"]) == set(METHODS)
    for name in METHODS:
        described = schema["$defs"]["parameters"][name]["properties"]
        taken = {
            key: parameter.default
            for key, parameter in inspect.signature(load_method(name)).parameters.items()
            if key != "random_state"  # derived from names, never configured
        }
        as_lists = {key: list(value) if isinstance(value, tuple) else value for key, value in taken.items()}
        assert {key: part["default"] for key, part in described.items()} == as_lists, name


def test_every_key_has_a_description():
    def walk(part, path):
        for name, value in part.get("properties", {}).items():
            assert "description" in value or "$ref" in value, f"{path}.{name}"
            walk(value, f"{path}.{name}")

    schema = configuration.load_schema()
    walk(schema, "")
    for name, part in schema["$defs"].items():
        walk(part, name)
    for name, part in schema["$defs"]["parameters"].items():
        walk(part, name)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_the_configs_of_the_project_are_complete(path):
    configuration.complete(yaml.safe_load(path.read_text()), str(path))
