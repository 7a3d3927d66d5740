import numpy as np
import pytest

from twin.hil_bench.evaluate import Column, Traces
from twin.hil_bench.scenario import Expectation
from twin.hil_bench.verdict import judge

TIME = np.arange(0.0, 100.0, 10.0)


def verdict(values, **spec):
    columns = {"x": Column(), "gone": Column()}
    return judge(Expectation.model_validate(spec), Traces(TIME, {"x": np.array(values, float)}, columns))


@pytest.mark.parametrize(
    ("spec", "values", "status"),
    [
        ({"always": "x < 2"}, [1] * 10, "passed"),
        ({"always": "x < 2"}, [1] * 9 + [3], "failed"),
        ({"always": "x < 2", "until": "80 s"}, [1] * 9 + [3], "passed"),
        ({"always": "x < 2", "from": "20 s"}, [3, 3] + [1] * 8, "passed"),
        ({"always": "x < 2", "grace": "20 s"}, [1, 3, 3, 1, 1, 1, 1, 1, 3, 1], "passed"),
        ({"always": "x < 2", "grace": "20 s"}, [1, 3, 3, 3, 1, 1, 1, 1, 1, 1], "failed"),
        ({"never": "x > 2"}, [1] * 10, "passed"),
        ({"never": "x > 2"}, [1] * 5 + [3] + [1] * 4, "failed"),
        ({"eventually": "x > 2"}, [1] * 9 + [3], "passed"),
        ({"eventually": "x > 2", "until": "80 s"}, [1] * 9 + [3], "failed"),
        ({"within": "x > 2", "time": "30 s", "from": "20 s"}, [1, 1, 1, 1, 1, 3, 1, 1, 1, 1], "passed"),
        ({"within": "x > 2", "time": "30 s", "from": "20 s"}, [3, 1, 1, 1, 1, 1, 3, 3, 3, 3], "failed"),
        ({"settles": "x > 2", "time": "30 s"}, [1, 3, 1, 3, 3, 3, 3, 3, 3, 3], "passed"),
        ({"settles": "x > 2", "time": "30 s"}, [3, 3, 3, 3, 3, 3, 3, 3, 3, 1], "failed"),
        ({"settles": "x > 2", "time": "95 s"}, [1] * 10, "skipped"),
        ({"always": "gone > 2"}, [1] * 10, "skipped"),
    ],
)
def test_verdicts(spec, values, status):
    given = verdict(values, **spec)
    assert given.status == status, given.evidence
    assert given.evidence


def test_evidence_says_when_and_by_how_much():
    given = verdict([1, 1, 5, 5, 1, 1, 1, 1, 1, 1], always="x < 2")
    assert given.at == 20.0
    assert given.evidence == "not so for 20 s from 20 s: x = 5, asked < 2"
    assert verdict([1, 1, 3] + [3] * 7, settles="x > 2", time="50 s").at == 20.0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "give one of always"),
        ({"always": "x < 1", "never": "x > 1"}, "found always, never"),
        ({"within": "x < 1"}, "within needs time"),
        ({"always": "x < 1", "time": "3 s"}, "always takes no time"),
        ({"eventually": "x < 1", "grace": "3 s"}, "takes no grace"),
        ({"always": "x < 1", "from": "30 s", "until": "20 s"}, "is not before"),
        ({"always": "x <"}, "found the end"),
    ],
)
def test_an_expectation_that_cannot_be_judged_is_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        Expectation.model_validate(spec)
