"""Every method says of itself what the workflow needs to know."""

import inspect

import pytest
from pydantic import TypeAdapter

from emofuse import parts
from emofuse.fusion.base import FusionMethod
from emofuse.tables import SPLITS

METHODS = {name: parts.load(path) for name, path in parts.known(parts.METHOD).items()}


def test_the_names_in_a_config_are_those_of_the_classes():
    assert set(METHODS) == {
        *("speech", "sentiment", "text", "oracle", "paper", "mean", "product", "bayes", "stacking"),
        *("entropy_varentropy", "entropy", "varentropy", "confidence", "bayes_text", "stacking_text"),
        *("stacking_speech", "context", "context_sentiment", "context_text", "cascade", "cascade_text"),
    }


@pytest.mark.parametrize("name", METHODS)
def test_every_parameter_has_a_description_a_type_and_a_valid_default(name):
    for parameter, field in parts.parameters(METHODS[name]).model_fields.items():
        assert (field.description or "").endswith("."), parameter
        assert not field.is_required(), parameter
        assert parts.problems(parts.parameters(METHODS[name]), {parameter: field.default}) == []


@pytest.mark.parametrize("name", METHODS)
def test_a_config_may_give_every_default_as_yaml_holds_it(name):
    """A tuple is a list in JSON."""
    model = parts.parameters(METHODS[name])
    assert parts.problems(model, model().model_dump(mode="json")) == []
    assert model.model_json_schema()["additionalProperties"] is False
    assert parts.GIVEN not in model.model_fields


@pytest.mark.parametrize("name", METHODS)
def test_a_class_says_what_it_is_and_what_it_is_fitted_on(name):
    method = METHODS[name]
    assert inspect.getdoc(method) and parts.summary(method).endswith(".")
    assert method.fit_on and set(method.fit_on) <= set(SPLITS)
    assert ("test" in method.fit_on) == method.sees_test_labels
    TypeAdapter(str).validate_python(method.note, strict=True)


@pytest.mark.parametrize("name", METHODS)
def test_defaults_do_not_conflict_and_give_a_front_where_there_is_a_budget(name):
    values = parts.parameters(METHODS[name])().model_dump()
    assert list(parts.conflicts(METHODS[name], values)) == []
    assert METHODS[name].has_front(**values) is (values.get("budget") is not None)


def test_the_oracle_alone_sees_test_labels_and_says_so():
    assert [name for name, method in METHODS.items() if method.sees_test_labels] == ["oracle"]
    assert METHODS["oracle"].note.startswith("It looks at the test labels: a ceiling")


def test_a_class_that_others_derive_from_is_no_method():
    class Base(FusionMethod, abstract=True):
        """No method."""

    assert "selection" not in METHODS and "fusion_method" not in METHODS
    assert not Base.sees_test_labels
