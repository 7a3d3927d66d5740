import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.input_cases import run
from twin.inputs.load import GPUS, FileLoad, UtilisationLoad
from twin.inputs.series import InputError
from twin.inputs.spread import Repeat, Spread, resample

TIME = {"column": "time_s", "unit": "s", "origin": "2024-01-13T00:00:00Z"}


@given(st.integers(1, 30), st.integers(1, 90), st.integers(0, 5), st.sampled_from(["design", "mean"]))
def test_spread_loads_all_differ_and_scale_to_design(sources, targets, seed, scale):
    time = np.arange(480.0)[:, None]
    columns = 1.0 + 0.5 * np.sin(time / 20 + np.arange(sources)) + 0.1 * np.cos(time * np.arange(1, sources + 1) / 50)
    nominal = np.linspace(5e5, 1.5e6, targets)
    spread = Spread(scale=scale, fraction=0.5, max_shift=3600.0)
    loads = spread.apply(columns, 60.0, nominal, seed)
    scaled = loads / nominal
    reached = scaled.max(axis=0) if scale == "design" else scaled.mean(axis=0)
    assert reached == pytest.approx(np.full(targets, 0.5))
    assert np.array_equal(loads, spread.apply(columns, 60.0, nominal, seed))
    if targets <= sources:
        assert len({tuple(np.round(scaled[:, k], 9)) for k in range(targets)}) == targets


def test_twenty_five_columns_make_seventy_different_loads():
    generator = np.random.default_rng(0)
    columns = 5e5 + 1e5 * generator.random((1440, 25))
    loads = Spread().apply(columns, 60.0, np.full(70, 1e6), 1)
    assert len({tuple(column) for column in loads.T}) == 70
    assert loads.max() == pytest.approx(1e6)


def test_spread_by_rated_power_keeps_the_load_factor():
    columns = np.column_stack([np.linspace(2e5, 8e5, 100), np.linspace(1e5, 5e5, 100)])
    loads = Spread(rated=1e6).apply(columns, 60.0, np.full(2, 2e6), 0)
    assert sorted(loads.mean(axis=0)) == pytest.approx([6e5, 1e6])


def test_spread_refuses_peaks_beyond_design():
    columns = np.ones((100, 1))
    columns[3] = 9.0
    with pytest.raises(InputError, match=r"the load peaks at 6\.67 of it, accepted is peak_limit = 1"):
        Spread(scale="mean", fraction=0.8).apply(columns, 60.0, np.full(2, 1e6), 0)


@given(st.sampled_from([60.0, 45.0, 300.0]), st.integers(0, 100))
def test_resampling_keeps_the_energy(step, seed):
    time = np.arange(0.0, 3600.0, 15.0)
    values = np.random.default_rng(seed).random((time.size, 3))
    grid, means = resample(time, values, step)
    assert np.all(np.diff(grid) == step)
    covered = time < grid[-1] + step
    assert means.sum(axis=0) * step == pytest.approx(values[covered].sum(axis=0) * 15.0)


def write_day(folder, columns=2):
    time = np.arange(0, 86400, 300)
    frame = pd.DataFrame({"time_s": time})
    for number in range(columns):
        frame[f"cdu{number}_w"] = 6e5 + 2e5 * np.sin(2 * np.pi * (time / 86400 + number / 10))
    frame.to_parquet(folder / "day.parquet")
    return frame


def test_heat_to_liquid_becomes_it_power(tmp_path):
    frame = write_day(tmp_path)
    load = FileLoad(
        source="parquet",
        file="day.parquet",
        origin="made here",
        time=TIME,
        columns="cdu*_w",
        unit="W",
        quantity="heat_to_liquid",
        liquid_fraction=0.8,
        step=300.0,
        repeat=Repeat(period=86400.0, shift="none", blend=0.0),
    )
    context = run(tmp_path, cdus=2)
    inputs = load.build(context)
    asked = context.start.timestamp() + 300.0 * np.arange(288)
    loads = inputs.sample(["cdu.01.P_it", "cdu.02.P_it"], asked)
    assert loads == pytest.approx(frame[["cdu0_w", "cdu1_w"]].to_numpy() / 0.8)
    assert "24 h repeated" in inputs["cdu.01.P_it"].source.label


def test_repetitions_begin_elsewhere_and_fade_into_each_other(tmp_path):
    frame = write_day(tmp_path)
    day = 86400.0
    load = FileLoad(
        source="parquet",
        file="day.parquet",
        origin="made here",
        time=TIME,
        columns="cdu*_w",
        unit="W",
        step=300.0,
        repeat=Repeat(period=day),
    )
    context = run(tmp_path, cdus=2, days=10)
    one = load.build(context)["cdu.01.P_it"]
    days = one.sample(context.start.timestamp() + 300.0 * np.arange(10 * 288)).reshape(10, 288)
    assert len({tuple(np.round(row)) for row in days}) == 10
    steps_of_blend, own = 1800 / 300, np.abs(np.diff(frame["cdu0_w"])).max()
    assert np.abs(np.diff(days.ravel())).max() < 4e5 / steps_of_blend + 3 * own
    later = load.build(run(tmp_path, cdus=2, days=3, start=context.start.replace(day=18)))["cdu.01.P_it"]
    assert np.array_equal(later.sample(later.time), one.sample(later.time))


def test_repeat_needs_data_that_fill_it(tmp_path):
    write_day(tmp_path)
    load = FileLoad(
        source="parquet",
        file="day.parquet",
        origin="made here",
        time=TIME,
        columns="cdu*_w",
        unit="W",
        step=300.0,
        repeat=Repeat(period=2 * 86400.0),
    )
    with pytest.raises(InputError, match="the data cover 24 h in steps of 300 s, which do not fill 48 h"):
        load.build(run(tmp_path, cdus=2))


def test_h100_draws_74_w_and_2_53_w_per_percent():
    assert GPUS["h100"].power(np.array([0.0, 0.5, 1.0])) == pytest.approx([74.0, 74 + 126.5, 327.0])


def test_utilisation_becomes_a_share_of_design_power(tmp_path):
    frame = pd.DataFrame({"time_s": np.arange(0, 10 * 86400, 3600), "util": 50.0})
    frame.to_csv(tmp_path / "util.csv", index=False)
    settings = {
        "source": "utilisation",
        "file": "util.csv",
        "origin": "made here",
        "time": TIME,
        "columns": ["util"],
        "unit": "percent",
        "gpu": "h100",
    }
    one = UtilisationLoad(**settings).build(run(tmp_path, cdus=1))
    assert one["cdu.01.P_it"].values[0] == pytest.approx(1e6 * 200.5 / 327)
    many = UtilisationLoad(**settings, spread=Spread()).build(run(tmp_path, cdus=3))
    assert many["cdu.03.P_it"].values[0] == pytest.approx(1e6 * 200.5 / 327)
    with pytest.raises(ValueError, match="unknown GPU 'abacus'; known are h100, mi250x"):
        UtilisationLoad(**{**settings, "gpu": "abacus"})
