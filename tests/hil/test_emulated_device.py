import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.emulated_device import EmulatedDevice
from hil.modbus.server import Refusal
from hil.registers.schema import Table
from tests.hil import toy_plant as toy


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def pump_and_cooler():
    time = Time()
    pump, cooler = (EmulatedDevice(bound, time) for bound in toy.devices(1502))
    plant = toy.ToyLoop()
    for device in (pump, cooler):
        device.publish({signal: plant.get(signal) for signal in device.bound.points})
    return pump, cooler, time


def test_registers_show_the_plant():
    pump, cooler, _ = pump_and_cooler()
    assert list(pump.read(Table.HOLDING, 0, 1)) == [8000]
    assert list(cooler.read(Table.INPUT, 0, 1)) == [300]
    assert list(cooler.read(Table.INPUT, 3, 1)) == [31315]
    assert list(pump.read(Table.HOLDING, 0, 5))[1:3] == [0, 0]  # holes that the map allows to read over


def test_what_is_read_back_is_what_the_plant_gets():
    _, cooler, _ = pump_and_cooler()
    cooler.write(Table.HOLDING, 10, [277])
    assert cooler.take_setpoints() == {"cooler.T_set": pytest.approx(273.15 + 27.7)}
    assert list(cooler.read(Table.HOLDING, 10, 1)) == [277]
    assert cooler.take_setpoints() == {}


@pytest.mark.parametrize(("written", "taken", "shown"), [(480, 318.15, 450), (101, 288.15, 150)])
def test_a_setpoint_beyond_the_machines_range_is_held_to_its_end(written, taken, shown):
    _, cooler, _ = pump_and_cooler()
    cooler.write(Table.HOLDING, 10, [written])
    assert cooler.take_setpoints() == {"cooler.T_set": pytest.approx(taken)}
    assert list(cooler.read(Table.HOLDING, 10, 1)) == [shown]


@pytest.mark.parametrize(
    ("table", "address", "values", "code"),
    [
        (Table.HOLDING, 10, [700], 3),
        (Table.HOLDING, 11, [1], 2),
        (Table.INPUT, 0, [1], 2),
        (Table.HOLDING, 10, [1, 2], 2),
    ],
)
def test_impossible_writes_are_refused_whole(table, address, values, code):
    _, cooler, _ = pump_and_cooler()
    with pytest.raises(Refusal) as refusal:
        cooler.write(table, address, values)
    assert refusal.value.code == code
    assert cooler.take_setpoints() == {}
    assert cooler.refused == 1


def test_reads_outside_the_map_are_refused():
    pump, cooler, _ = pump_and_cooler()
    for device, table, address, count in ((pump, Table.HOLDING, 20, 1), (cooler, Table.INPUT, 3, 3)):
        with pytest.raises(Refusal):
            device.read(table, address, count)


def test_the_watchdog_starts_with_the_first_setpoint_and_falls_back_on_time():
    _, cooler, time = pump_and_cooler()
    time.now = 1000.0
    assert cooler.take_setpoints() == {}  # nobody has ever commanded it: it stays as commissioned
    cooler.write(Table.HOLDING, 10, [300])
    time.now = 1020.0
    assert cooler.take_setpoints() == {"cooler.T_set": pytest.approx(303.15)}
    assert not cooler.fallen_back
    time.now = 1020.1
    assert list(cooler.read(Table.HOLDING, 10, 1)) == [200]
    assert cooler.take_setpoints() == {"cooler.T_set": pytest.approx(293.15)}
    assert (cooler.fallen_back, cooler.fallbacks) == (True, 1)
    cooler.write(Table.HOLDING, 10, [300])
    assert cooler.take_setpoints() == {"cooler.T_set": pytest.approx(303.15)}
    assert not cooler.fallen_back


@given(st.lists(st.floats(0.1, 60.0), min_size=1, max_size=30))
def test_it_falls_back_exactly_when_a_gap_is_longer_than_the_watchdog(gaps):
    _, cooler, time = pump_and_cooler()
    cooler.write(Table.HOLDING, 10, [300])
    expected = 0
    for gap in gaps:
        time.now += gap
        cooler.supervise()
        expected += gap > 20.0
        cooler.write(Table.HOLDING, 10, [300])
    on_the_edge = sum(abs(g - 20.0) < 1e-6 for g in gaps)  # times add up with round-off
    assert expected <= cooler.fallbacks <= expected + on_the_edge


def test_values_that_do_not_fit_show_as_absent_or_at_the_end(caplog):
    _, cooler, _ = pump_and_cooler()
    cooler.publish({"cooler.T": float("nan"), "cooler.Q_flow": 1e12, "heater.T": -5.0})
    assert list(cooler.read(Table.INPUT, 0, 4)) == [0x8000, 0x7FFF, 0xFFFF, 0]
    assert "does not fit" in caplog.text
    before = len(caplog.records)
    cooler.publish({"cooler.Q_flow": 1e12})
    assert len(caplog.records) == before
