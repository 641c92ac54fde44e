"""Studies whose stages are the real ones: two small ones, of published scores and from audio, and the shipped ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import encoders
import numpy as np
import pandas as pd
import soundfile
import yaml
from faults.finished import jobs
from helpers import ROOT, make_release, published
from project import Project, audio_study, study

from emofuse.demo import sentences, train_sentiment, train_whisper, voices
from emofuse.demo.material import make_material
from emofuse.tables import EMOTIONS


def of_published_scores(folder: Path) -> Project:
    """A project with a study of published scores, of which nothing has run."""
    project = Project(folder, study())
    make_release(folder / "data" / "Emotion-Recognition", speakers=4, utterances=40)
    return project


def of_audio(folder: Path) -> Project:
    """A project with a study from audio files and checkpoints, of which nothing has run."""
    project = Project(folder, audio_study(model={"experiment": "voices", "method": "entropy"}))
    make_voices(folder / "data" / "voices")
    make_checkpoints(folder / "checkpoints")
    return project


def of_demo(folder: Path) -> Project:
    """A project with the shipped demo, of which all has run that has run here, but for MLflow."""
    return _with_what_has_run(Project(folder, shipped_demo()))


def of_released_scores(folder: Path) -> Project:
    """A project with the shipped study of published scores, of which all has run that has run here, but for MLflow."""
    return _with_what_has_run(Project(folder, shipped_study_of_released_scores()))


def shipped_demo() -> dict:
    """The demo's config."""
    return _shipped("config")


def shipped_study_of_released_scores() -> dict:
    """That study's config, for the data that are here; skips a test where there are none."""
    return _shipped("released") | {"data_dir": str(published().parent.resolve())}


def _shipped(name: str) -> dict:
    return yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8"))


def _with_what_has_run(project: Project) -> Project:
    """With what this study was made of where it has run here, and no other one."""
    made, study = jobs(ROOT / "results"), f"results/{project.config['study']}/"
    files, asked = set[str](), [name for name in made if name.startswith(study)]
    while asked:
        job = made.get(asked.pop())
        if job and not files.issuperset(job.written):
            files.update(job.written)
            asked += job.read
    # MLflow's runs know the folder of their artifacts.
    for name in files - {f"{study}tracking.json"}:
        if (ROOT / name).exists():
            (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project.folder / name)
    for kept in ("results/logs", "results/cache", ".snakemake/metadata", ".snakemake/incomplete"):
        if (ROOT / kept).exists():
            shutil.copytree(ROOT / kept, project.folder / kept)
    return project


def make_voices(folder: Path) -> None:
    """A corpus of 48 utterances: four speakers, two per session, three utterances of each emotion."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    rows = []
    for number, (speaker, voice) in enumerate({"anna": "f1", "bert": "m1", "cora": "f3", "dirk": "m3"}.items()):
        for emotion in EMOTIONS:
            for take in range(3):
                # Whisper's window is 3.4 s here.
                while len(text := sentences.sentence(random, emotion)) > 38:
                    pass
                file = f"{speaker}_{emotion}_{take}.wav"
                samples = voices.utter(text, voice, voices.EMOTIONAL_PROSODY[emotion], 16_000)
                soundfile.write(folder / file, samples, 16_000)
                rows.append((file, speaker, number // 2, emotion, text))
    table = pd.DataFrame(rows, columns=["path", "speaker", "session", "emotion", "transcript"])
    table.to_csv(folder / "corpus.csv", index=False)


def make_checkpoints(folder: Path) -> None:
    """Small checkpoints, the demo's but hardly trained."""
    encoders.make(folder / "wav2vec2")
    material = make_material(60, seed=0)
    train_whisper.save(train_whisper.train(material, steps=3, seed=0), folder / "whisper.pt")
    train_sentiment.save(*train_sentiment.train(material, steps=3, seed=0), folder / "sentiment")
