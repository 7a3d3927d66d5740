"""Hypothesis sets no time to an example: on a loaded machine any may take long, and none is timed here."""

from hypothesis import settings

settings.register_profile("heatloop", deadline=None)
settings.load_profile("heatloop")
