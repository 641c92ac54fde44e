"""A small study, the MLflow that should show it, and a server."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from tracked import Study, free_port, serving


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """A migrated database without runs: making one takes seconds, copying it none."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def study(tmp_path, empty_database) -> Study:
    results = tmp_path / "results"
    results.mkdir()
    shutil.copy(empty_database, results / "mlflow.db")
    return Study(results, f"sqlite:///{results / 'mlflow.db'}").write()


@pytest.fixture
def port() -> int:
    """A port of this machine that nobody listens on."""
    return free_port()


@pytest.fixture
def serve(port) -> Callable[[Study], AbstractContextManager[str]]:
    """Runs the MLflow server as ``make ui`` does, while a ``with`` block lasts."""
    return lambda study: serving(port, study.uri, study.results)
