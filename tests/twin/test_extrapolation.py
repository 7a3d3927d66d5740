"""A run says which liquids it took beyond their fits."""

import pandas as pd

from plant_models.media import WATER, find_medium
from plant_models.plant import Node
from twin.extrapolation import extrapolations

NODES = (Node("fws", WATER, 1e6, 300.0), Node("tcs", find_medium("pg25"), 1e6, 300.0), Node("hall", None, 1e6, 300.0))


def test_within_the_fits_there_is_nothing_to_say() -> None:
    table = pd.DataFrame({"fws.T": [276.0, 380.0], "tcs.T": [270.0, 370.0], "hall.T": [200.0, 400.0]})
    assert extrapolations(NODES, table) == []


def test_what_left_the_fit_is_named_with_its_range() -> None:
    table = pd.DataFrame({"fws.T": [274.15, 404.15], "tcs.T": [270.0, 300.0], "hall.T": [300.0, 300.0]})
    assert extrapolations(NODES, table) == [
        "fws reached 1.0 °C: water is fitted from 2.0 to 130.0 °C",
        "fws reached 131.0 °C: water is fitted from 2.0 to 130.0 °C",
    ]
