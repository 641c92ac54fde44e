"""A small study on disk, as the stages before tracking would have left it, and servers that show it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run

from emofuse import contracts, places, tables
from emofuse.tracking import server
from emofuse.tracking.content import ExperimentInput

FOLDS = ("Ses01F", "Ses01M")
EMOTIONS = tables.EMOTIONS
METRICS = ("UA", "WA", "log_loss")
PARENT = "mlflow.parentRunId"


@dataclass
class Study:
    """The files of a study with one experiment, ``iemocap``, and the MLflow that should show them."""

    results: Path
    uri: str
    name: str = "released"
    methods: list[str] = field(default_factory=lambda: ["speech", "paper", "stacking"])
    config: dict = field(default_factory=lambda: {"study": "released", "seed": 1})
    models: dict = field(default_factory=dict)
    wer: str | None = None
    across: dict = field(default_factory=dict)
    model: dict = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.results / self.name / "iemocap"

    @property
    def leaderboard(self) -> Path:
        return self.folder / "leaderboard.md"

    @property
    def experiment(self) -> str:
        return f"{self.name}/iemocap"

    @property
    def keys(self) -> set[str]:
        parents = {f"{self.experiment}/{method}" for method in self.methods}
        return parents | {f"{parent}/{fold}" for parent in parents for fold in FOLDS}

    @property
    def experiment_id(self) -> str:
        return MlflowClient(self.uri).get_experiment_by_name(self.experiment).experiment_id

    def runs(self) -> list[Run]:
        """What MLflow shows."""
        return MlflowClient(self.uri).search_runs([self.experiment_id], max_results=1000)

    def runs_by_key(self) -> dict[str, Run]:
        runs = self.runs()
        by_key = {run.data.tags[server.KEY]: run for run in runs}
        assert len(by_key) == len(runs), "two runs have the same key"
        return by_key

    def write(self) -> Study:
        predictions = {method: self.write_method(method) for method in self.methods}
        tested = predictions[self.methods[0]]
        scores = tested[["fold", "utterance"]].assign(split="test", **dict.fromkeys(tables.SPEECH, 1 / len(EMOTIONS)))
        tables.write(scores, contracts.SCORES, self.folder / "scores.parquet")
        spoken = tested[["utterance", "speaker", "condition", "emotion"]].drop_duplicates("utterance")
        spoken = spoken.assign(dialog=None, turn_start=None, transcript="well")
        spoken[tables.SENTIMENT] = 1 / len(tables.SENTIMENTS)
        tables.write(spoken, contracts.SPOKEN, self.folder / "spoken.parquet")
        write_picture(self.folder / "figures" / "leaderboard.png", 200)
        tables.write_text("# released / iemocap\n\n| method | UA |\n|---|---:|\n| paper | 0.25 |\n", self.leaderboard)
        self.evaluate(predictions)
        return self

    def write_method(self, method: str, seed: int = 0, parameters: dict | None = None) -> pd.DataFrame:
        predictions = make_predictions(method, seed)
        fusion = self.folder / "fusion" / method
        tables.write(predictions, contracts.PREDICTIONS, fusion / "predictions.parquet")
        tables.write(pd.DataFrame({"fold": FOLDS[:1], "trial": [0]}), contracts.TRIALS, fusion / "trials.parquet")
        learned = {"thresholds": {"angry": {"entropy": 0.25, "varentropy": None}}, "excluded": [["sad", "happy"]]}
        content = {
            "method": method,
            "estimator": "paper",
            "fit_on": ["train", "validation"],
            "parameters": parameters or {"objective": "UA", "trials": 500},
            "folds": dict.fromkeys(FOLDS, learned),
        }
        tables.write_json(content, fusion / "parameters.json")
        write_picture(self.folder / "figures" / method / "confusion.png", 100)
        return predictions

    def evaluate(self, predictions: dict[str, pd.DataFrame]) -> None:
        right = pd.concat(frame.assign(method=method) for method, frame in predictions.items())
        right["value"] = (right["emotion"] == right["predicted"]).astype(float)
        parts = []
        for condition in ("all", "improvised"):
            for metric in METRICS:
                value = right.groupby(["method", "fold"], as_index=False)["value"].mean()
                parts.append(value.assign(condition=condition, metric=metric))
        metrics = pd.concat(parts)
        tables.write(metrics, contracts.METRICS, self.folder / "metrics.parquet")
        comparison = metrics.groupby(["method", "condition", "metric"], as_index=False)["value"].mean()
        comparison = comparison.rename(columns={"value": "mean"}).assign(
            crossed=False, speech=0.5, difference=0.02, low=-0.01, high=0.05, p=np.nan, p_holm=np.nan
        )
        comparison.loc[comparison["metric"] == "WA", "p"] = 0.25
        tables.write(comparison, contracts.COMPARISON, self.folder / "comparison.parquet")

    def write_record(self, job: str, seconds: float, **versions: str) -> None:
        """What a job was made with."""
        record = {"versions": versions, "machine": {"cpu": "a processor"}, "seconds": seconds}
        tables.write_json(record, self.results / "logs" / f"{job}.json")

    def write_model(self, content: str = "weights", registered_as: str | None = None) -> None:
        """A model to take away, as far as MLflow looks into it."""
        folder = self.results / self.name / "model"
        tables.write_text("# A model\n", folder / "README.md")
        tables.write_text("flavors: {}\n", folder / "MLmodel")
        tables.write_text(content, folder / "code" / "weights.txt")
        tables.write_json({"code/weights.txt": content}, folder / places.SEAL)
        self.model = {
            "experiment": "iemocap",
            "method": "paper",
            "seal": str(folder / places.SEAL),
            "registered_as": registered_as,
        }

    def logged(self) -> list[LoggedModel]:
        """The models that MLflow shows."""
        return list(MlflowClient(self.uri).search_logged_models([self.experiment_id]))

    def experiments(self) -> dict[str, ExperimentInput]:
        """What a rule says of its inputs."""
        methods = {
            method: {
                "path": "emofuse.fusion.paper:Paper",
                "jobs": [f"*/{self.experiment}", f"fuse/{self.experiment}/{method}"],
                "predictions": str(self.folder / "fusion" / method / "predictions.parquet"),
                "parameters": str(self.folder / "fusion" / method / "parameters.json"),
                "trials": str(self.folder / "fusion" / method / "trials.parquet"),
                "figures": {"confusion": str(self.folder / "figures" / method / "confusion.png")},
            }
            for method in self.methods
        }
        tables_of_experiment = {
            name: str(self.folder / f"{name}.parquet") for name in ("scores", "spoken", "metrics", "comparison")
        }
        experiment = {
            "train": "iemocap",
            "test": "iemocap",
            "protocol": "leave_one_speaker_out",
            "models": self.models,
            "leaderboard": str(self.leaderboard),
            "wer": self.wer,
            "figures": {"leaderboard": str(self.folder / "figures" / "leaderboard.png")},
            "methods": methods,
        }
        return {"iemocap": experiment | tables_of_experiment}

    @property
    def recipe(self) -> dict:
        """What the script of the rule is given, but for the address of MLflow."""
        return {
            "results": str(self.results),
            "study": self.name,
            "experiments": self.experiments(),
            "config": self.config,
            "config_digest": hashlib.sha256(json.dumps(self.config).encode()).hexdigest(),
            "across": self.across,
            "model": self.model,
        }

    def synchronise(self, uri: str | None = None) -> list[dict]:
        return server.synchronise(uri or self.uri, **self.recipe)["runs"]


def ids(study: Study) -> dict[str, str]:
    """The ids of the runs that MLflow shows."""
    return {key: run.info.run_id for key, run in study.runs_by_key().items()}


def assert_in_line(study: Study, uri: str | None = None) -> None:
    """Each method's parent and its folds exist once, nested, finished, with the artifacts; and nothing else does."""
    runs = study.runs_by_key()
    assert set(runs) == study.keys
    client = MlflowClient(uri or study.uri)
    for key, run in runs.items():
        method, *fold = key.split("/")[2:]
        assert run.info.status == "FINISHED"
        assert run.info.run_name == "/".join([method, *fold])
        parent = runs[f"{study.experiment}/{method}"]
        assert run.data.tags.get(PARENT) == (parent.info.run_id if fold else None)
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert files >= {"predictions.parquet", "parameters.json", "confusion.csv"}


def make_predictions(method: str, seed: int) -> pd.DataFrame:
    """Eight test utterances per fold, the same ones and labels for each method."""
    random = np.random.default_rng([seed, zlib.crc32(method.encode())])
    count = 8 * len(FOLDS)
    predicted = random.choice(EMOTIONS, count)
    probability = np.where(np.array(EMOTIONS) == predicted[:, None], 0.7, 0.1)
    return pd.DataFrame(probability, columns=tables.PROBABILITY).assign(
        fold=np.repeat(FOLDS, 8),
        utterance=[f"u{row}" for row in range(count)],
        speaker=np.repeat(FOLDS, 8),
        condition="improvised",
        speech="neutral",
        emotion=np.tile(EMOTIONS, 2 * len(FOLDS)),
        predicted=predicted,
        entropy=0.94,
        varentropy=0.8,
        selected=True,
    )


def write_picture(path: Path, grey: int) -> None:
    """A grey PNG of 64 x 64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * 64) * 64
    path.parent.mkdir(parents=True, exist_ok=True)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@contextmanager
def serving(
    port: int, backend: str, folder: Path, *arguments: str, path: str = "/health", **environment: str
) -> Iterator[str]:
    """An MLflow server, while the block lasts; its address.

    Args:
        port: on which it listens
        backend: the URI of its database
        folder: in which it works and keeps its log and artifacts
        arguments: more of its command line
        path: that answers once it is up
        environment: that it has besides this process's
    """
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend, "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "mlartifacts")]
    command += ["--host", "127.0.0.1", "--port", str(port), *arguments]
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"} | environment
    with Path(folder, "server.log").open("a") as log:
        process = subprocess.Popen(
            command, env=os.environ | settings, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
        try:
            wait_until_up(f"{address}{path}", process)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_up(address: str, process: subprocess.Popen) -> None:
    for _ in range(480):
        assert process.poll() is None, "the server ended: see server.log"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise TimeoutError(address)
