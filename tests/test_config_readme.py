"""What config/README.md says is what the schema says."""

from helpers import ROOT

from emofuse.configuration import document, load_schema


def test_every_key_is_described_as_the_schema_describes_it():
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert text.endswith(document(load_schema())), "config/README.md is behind the schema: run make docs"
