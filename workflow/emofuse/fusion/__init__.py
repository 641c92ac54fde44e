"""Fusion methods: how the scores of the voice and of the words become one prediction.

Each method is a scikit-learn classifier that derives from :class:`emofuse.fusion.base.FusionMethod`.
A study's config names it by its class's name in snake_case, and all else that the workflow needs to know of it
stands in the class itself: a new idea is one class.
"""
