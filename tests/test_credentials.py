"""What may be shown of an address."""

import pytest

from emofuse import credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:////home/me@work/mlflow.db", "sqlite:////home/me@work/mlflow.db"),
        ("postgresql+psycopg2://me:se@cr/et@db:5432/mlflow", "postgresql+psycopg2://***@db:5432/mlflow"),
        ("http://me:p@ss@h and http://token@h", "http://***@h and http://***@h"),
        ("http://h:5000 is down, ask me@work", "http://h:5000 is down, ask me@work"),
        ("http://me:a@h1 or\nhttp://me:b@h2", "http://***@h1 or\nhttp://***@h2"),
        ("http://h/?token=abc&key=d", "http://h/?token=***&key=***"),
    ],
)
def test_credentials_are_hidden_and_nothing_else(text, shown):
    assert credentials.hidden(text) == shown
    assert credentials.hidden(shown) == shown
    assert credentials.holds_credentials(text) == (text != shown)
