"""Adaptations: how an experiment that tests on another corpus is adapted to it, and what that takes to know.

Each adaptation is a class that derives from :class:`emofuse.fusion.adaptation.base.Adaptation`.
A study's config names it by its class's name in snake_case. None of them is given more of the target than it says.
"""
