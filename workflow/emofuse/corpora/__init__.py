"""Corpora: how speech and its labels lie on disk, and the tables that come of them.

A reader is one class in one file, see :class:`emofuse.corpora.base.Reader`;
a study's config names it by its own name in snake_case.
A new corpus is a CSV manifest, or one such file.
"""
