"""What is a user's mistake and what a defect; how mistakes are told."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from controllers.registry import ControllerError
from hil.modbus.server import ServerError
from plant_models.site import SiteError
from twin.inputs.series import InputError
from twin.mistakes import Defect, UserError, explain, explain_fields, is_expected
from twin.results import ResultsError
from twin.scenario import ScenarioError
from twin.study import StudyError


class Sized(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int
    other: int = 0


def invalid(**values: object) -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        Sized.model_validate(values)
    return refused.value


@pytest.mark.parametrize(
    "kind",
    [ControllerError, ServerError, SiteError, InputError, ResultsError, ScenarioError, StudyError, UserError, OSError],
)
def test_our_own_classes_and_the_systems_are_mistakes(kind: type[Exception]) -> None:
    assert is_expected(kind("x"))
    assert is_expected(invalid())


def test_what_libraries_raise_is_a_defect() -> None:
    with pytest.raises(ValueError, match="broadcast") as shapes:
        np.zeros(2) + np.zeros(3)
    assert not is_expected(shapes.value)
    for error in (ValueError("x"), KeyError("x"), TypeError("x"), ZeroDivisionError(), RuntimeError("x"), Defect("x")):
        assert not is_expected(error)


def test_fields_are_told_one_a_line() -> None:
    told = explain_fields(invalid(size="big", colour="red"), "mine.yaml", ("size", "other"))
    assert told.splitlines() == [
        "mine.yaml: size: Input should be a valid integer, unable to parse string as an integer, found 'big'",
        "mine.yaml: colour: unknown key; known: size, other",
    ]
    assert explain(invalid()) == "Sized: size: Field required"


def test_an_error_without_words_is_told_by_its_class() -> None:
    assert explain(UserError()) == "UserError"
