"""Manners of an emulated device that its register map states: permissions, slow, refused and self-clearing writes."""

import pytest

from hil.binding import bind
from hil.emulated_device import EmulatedDevice
from hil.modbus.server import Refusal
from hil.registers.schema import MapError, RegisterMap, Table
from plant_models.devices import Device
from plant_models.signals import Vocabulary, output, parameter, setpoint

VOCABULARY = Vocabulary(
    [
        setpoint("fan.y", "1", "speed", default=0.5, lower=0.0, upper=1.0),
        output("fan.P_el", "W", "electricity"),
        output("fan.T", "K", "motor"),
        output("fan.m_flow", "kg/s", "air"),
        parameter("fan.available", "1", "able to run", default=1.0, lower=0.0, upper=1.0),
        output("tank.m", "kg", "content"),
    ]
)
PERMIT, RESET, CLEAR, SPEED, SHOWN, TRIPS, ENERGY, LOST, UNLOCK, BEAT = range(1, 11)


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def word(address, **more):
    return {"address": address, "table": "holding", "type": "uint16", **more}


def device_map(y=None, watchdog=None, more=None, **changes):
    command = {"access": "rw", "kind": "command", "self_clearing": True}
    points = {
        "permit": word(PERMIT, access="rw", kind="setting"),
        "reset": word(RESET, **command),
        "clear": word(CLEAR, **command, clears=["E_el"]),
        "y": word(SPEED, access="rw", unit="percent", scale=0.01, range=[0, 1], safe=0.2, refresh="10 s", **(y or {})),
        "shown": word(SHOWN, unit="percent", scale=0.01),
        "trips": word(TRIPS, flags={0: "over_temperature", 3: "low_flow", 5: "dry_run"}),
        "E_el": word(ENERGY, unit="kWh", scale=0.1, counts="P_el"),
        "lost": word(LOST),
        "unlock": word(UNLOCK, **command),
        "beat": word(BEAT, access="rw", kind="command"),
        **(more or {}),
    }
    guard = {"timeout": "30 s", "always_on": True, "status": "lost", **(watchdog or {})}
    wired = {
        "over_temperature": {"watch": "T", "above": "80 degC", "delay": "5 s", "sets": {"available": 0}},
        "low_flow": {
            "watch": "m_flow",
            "below": "1 kg/s",
            "running": {"y": 0.1},
            "sets": {"available": 0},
            "bus_resets": 2,
        },
        "dry_run": {"watch": "level", "below": "10 kg", "sets": {"available": 0}, "optional": True},
    }
    spec = {
        "id": "fan", "description": "a fan with manners", "partial": True, "permissions": {"permit": 1},
        "watchdog": guard, "trips": {"status": "trips", "reset": "reset", "wired": wired}, "points": points, **changes,
    }  # fmt: skip
    return RegisterMap.model_validate(spec, context={"require_units": True})


def fan(y=None, watchdog=None, permitted=True, device=None, **changes):
    time = Time()
    place = Device("fan", "fan", "127.0.0.1", 1502, 1, "fan", **(device or {}))
    unit = EmulatedDevice(bind(place, VOCABULARY, device_map(y, watchdog, **changes)), time)
    unit.publish({"fan.y": 0.5})
    if permitted:
        unit.write(Table.HOLDING, PERMIT, [1])
    return unit, time


def read(unit, address):
    return unit.read(Table.HOLDING, address, 1)[0]


COOL = {"fan.T": 300.0, "fan.m_flow": 5.0, "fan.y": 0.5, "fan.P_el": 0.0, "tank.m": 50.0}
HOT = {**COOL, "fan.T": 360.0}


def live(unit, time, values, seconds):
    for _ in range(seconds):
        time.now += 1.0
        unit.live(values, 1.0)


def test_a_setpoint_without_permission_is_confirmed_and_not_obeyed():
    unit, _ = fan(permitted=False)
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (read(unit, SPEED), unit.take_setpoints(), unit.ignored) == (5000, {}, 1)
    unit.write(Table.HOLDING, PERMIT, [1])
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (read(unit, SPEED), unit.take_setpoints()) == (9000, {"fan.y": pytest.approx(0.9)})
    unit.write(Table.HOLDING, PERMIT, [0])
    unit.write(Table.HOLDING, SPEED, [3000])
    assert (read(unit, SPEED), unit.take_setpoints()) == (9000, {})


def test_or_it_is_refused_where_the_map_says_so():
    unit, _ = fan(permitted=False, not_permitted="refused")
    with pytest.raises(Refusal) as refusal:
        unit.write(Table.HOLDING, SPEED, [9000])
    assert (refusal.value.code, unit.refused, unit.take_setpoints()) == (4, 1, {})


def test_a_slow_write_is_in_force_within_the_time_that_the_map_states():
    unit, time = fan(y={"settle": "10 s"})
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (read(unit, SPEED), unit.take_setpoints()) == (5000, {})
    time.now = 5.0
    unit.write(Table.HOLDING, SPEED, [8000])  # each takes its time, the second one does not hold up the first
    time.now = 10.0
    assert (read(unit, SPEED), unit.take_setpoints()) == (9000, {"fan.y": pytest.approx(0.9)})
    time.now = 15.0
    assert (read(unit, SPEED), unit.take_setpoints()) == (8000, {"fan.y": pytest.approx(0.8)})


def test_a_read_back_shows_what_is_in_force_and_the_register_what_was_written():
    unit, time = fan(y={"settle": "10 s", "read_back": "shown"})
    assert (read(unit, SPEED), read(unit, SHOWN)) == (5000, 5000)
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (read(unit, SPEED), read(unit, SHOWN)) == (9000, 5000)
    time.now = 10.0
    assert read(unit, SHOWN) == 9000


def test_a_device_that_is_written_too_often_is_busy():
    unit, time = fan(y={"write_interval": "5 s"})
    unit.write(Table.HOLDING, SPEED, [9000])
    time.now = 4.9
    with pytest.raises(Refusal) as refusal:
        unit.write(Table.HOLDING, SPEED, [8000])
    assert refusal.value.code == 6
    time.now = 5.0
    unit.write(Table.HOLDING, SPEED, [8000])
    assert unit.take_setpoints() == {"fan.y": pytest.approx(0.8)}


def test_a_command_clears_its_counters_and_itself():
    unit, time = fan()
    live(unit, time, {**COOL, "fan.P_el": 3.6e6}, 10)  # 1 kWh a second
    assert read(unit, ENERGY) == 100
    unit.write(Table.HOLDING, CLEAR, [1])
    assert read(unit, CLEAR) == 1  # until it is done
    live(unit, time, COOL, 1)
    assert (read(unit, CLEAR), read(unit, ENERGY)) == (0, 0)


def test_a_trip_latches_whatever_the_bus_says_until_it_is_reset_without_its_cause():
    unit, time = fan()
    live(unit, time, HOT, 5)
    assert not unit.tripped  # not for as long as its delay
    live(unit, time, HOT, 1)
    assert (unit.wired.thrown, unit.wired.forced, read(unit, TRIPS)) == (
        ("over_temperature",), {"fan.available": 0.0}, 0b1,
    )  # fmt: skip
    unit.write(Table.HOLDING, SPEED, [9000])
    unit.write(Table.HOLDING, RESET, [1])
    live(unit, time, HOT, 1)
    assert unit.tripped  # its cause is still there
    assert read(unit, RESET) == 0
    live(unit, time, COOL, 60)
    assert unit.tripped  # nobody has reset it
    unit.write(Table.HOLDING, RESET, [1])
    live(unit, time, COOL, 1)
    assert (unit.tripped, unit.wired.forced, read(unit, TRIPS)) == (False, {}, 0)


FORGED = [
    ("over_temperature", {"watch": "T", "above": "80 degC", "delay": "5 s", "running": {"P_el": "100 W"},
                          "hysteresis": "5 K", "sets": {"available": 0}}),
    ("low_flow", {"watch": "m_flow", "below": "1 kg/s", "running": {"P_el": "100 W"}, "bus_resets": 2,
                  "sets": {"available": 0}}),
]  # fmt: skip


def wired(*names):
    return {"status": "trips", "reset": "reset", "wired": {n: t for n, t in FORGED if n in names}}


def test_a_machine_that_its_trip_has_stopped_is_not_reset_while_it_is_still_too_hot():
    """That it stands is the trip's doing: no number of resets lets it run, nor one just inside the limit."""
    unit, time = fan(trips=wired("over_temperature"))
    live(unit, time, {**HOT, "fan.P_el": 1e3}, 6)
    assert unit.wired.thrown == ("over_temperature",)
    for T in [360.0] * 100 + [353.0, 348.2]:
        unit.write(Table.HOLDING, RESET, [1])
        live(unit, time, {**COOL, "fan.T": T}, 1)
        assert (unit.wired.thrown, unit.wired.forced) == (("over_temperature",), {"fan.available": 0.0})
    unit.write(Table.HOLDING, RESET, [1])
    live(unit, time, {**COOL, "fan.T": 348.1}, 1)
    assert not unit.tripped


def test_a_trip_whose_value_only_a_running_machine_shows_is_reset_so_many_times_an_hour_over_the_bus():
    def starve_and_reset():
        live(unit, time, {**COOL, "fan.m_flow": 0.0, "fan.P_el": 1e3}, 1)
        assert unit.wired.thrown == ("low_flow",)
        unit.write(Table.HOLDING, RESET, [1])
        live(unit, time, {**COOL, "fan.m_flow": 0.0}, 1)

    unit, time = fan(trips=wired("low_flow"))
    for _ in range(2):
        starve_and_reset()
        assert not unit.tripped
    time.now += 3590.0
    starve_and_reset()
    assert unit.tripped
    for _ in range(3):  # nor does waiting help
        time.now += 7200.0
        unit.write(Table.HOLDING, RESET, [1])
        live(unit, time, COOL, 1)
        assert unit.tripped
    unit.reset_at_machine()
    assert (unit.tripped, read(unit, TRIPS)) == (False, 0)
    for _ in range(5):
        starve_and_reset()
        assert not unit.tripped
        time.now += 1800.0


def test_a_reset_while_it_still_runs_without_flow_does_not_help_nor_count():
    unit, time = fan(trips=wired("low_flow"))
    starving = {**COOL, "fan.m_flow": 0.0, "fan.P_el": 1e3}
    for _ in range(5):
        unit.write(Table.HOLDING, RESET, [1])
        live(unit, time, starving, 1)
        assert unit.tripped
    unit.write(Table.HOLDING, RESET, [1])
    live(unit, time, COOL, 1)
    assert not unit.tripped


def test_a_reset_at_the_machine_does_not_keep_a_cause_from_throwing_again():
    unit, time = fan(trips=wired("over_temperature"))
    live(unit, time, {**HOT, "fan.P_el": 1e3}, 6)
    unit.reset_at_machine()
    live(unit, time, {**HOT, "fan.P_el": 1e3}, 5)
    assert not unit.tripped
    live(unit, time, {**HOT, "fan.P_el": 1e3}, 1)
    assert unit.tripped


def test_after_a_start_the_first_moments_are_bypassed_and_a_cause_that_stays_throws_again():
    bypass = wired("over_temperature")
    bypass["wired"]["over_temperature"]["start_bypass"] = "30 s"
    unit, time = fan(trips=bypass)
    running = {**HOT, "fan.P_el": 1e3}
    live(unit, time, {**COOL, "fan.P_el": 1e3}, 40)  # it runs for long: only the delay of 5 s counts
    live(unit, time, running, 5)
    assert not unit.tripped
    live(unit, time, running, 1)
    assert unit.tripped
    live(unit, time, HOT, 100)
    unit.reset_at_machine()
    live(unit, time, HOT, 100)  # it does not run yet: nothing is used up
    live(unit, time, running, 29)
    live(unit, time, {**COOL, "fan.P_el": 1e3}, 1)  # what flows has come past
    live(unit, time, {**COOL, "fan.P_el": 1e3}, 60)
    assert not unit.tripped
    live(unit, time, HOT, 1)  # stops and starts, still hot: 30 s of bypass, 5 s of delay
    live(unit, time, running, 35)
    assert not unit.tripped
    live(unit, time, running, 1)
    assert unit.tripped


def test_an_interruption_starts_the_delay_anew():
    unit, time = fan()
    for _ in range(5):
        live(unit, time, HOT, 5)
        live(unit, time, COOL, 1)
    assert not unit.tripped


def test_a_trip_guards_only_what_runs():
    unit, time = fan()
    live(unit, time, {**COOL, "fan.m_flow": 0.0, "fan.y": 0.05}, 10)
    assert not unit.tripped
    live(unit, time, {**COOL, "fan.m_flow": 0.0, "fan.y": 0.5}, 1)
    assert (unit.wired.thrown, read(unit, TRIPS)) == (("low_flow",), 0b1000)


def test_a_site_wires_what_the_machine_has_not_and_sets_its_own_limit():
    unit, time = fan(device={"signals": {"level": "tank.m"}, "trips": {"dry_run": "40 kg"}})
    live(unit, time, {**COOL, "tank.m": 39.0}, 1)
    assert unit.wired.thrown == ("dry_run",)
    unit, time = fan()
    live(unit, time, {**COOL, "tank.m": 0.0}, 1)
    assert unit.wired.thrown == ()


def test_a_tripped_watchdog_takes_its_permission_back_and_the_trip_stays():
    unit, time = fan(watchdog={"withdraws": ["permit"]})
    unit.write(Table.HOLDING, SPEED, [9000])
    live(unit, time, HOT, 31)
    unit.supervise()
    assert (unit.fallen_back, unit.tripped, unit.permitted, read(unit, PERMIT), read(unit, LOST)) == (
        True, True, False, 0, 1,
    )  # fmt: skip
    assert unit.take_setpoints() == {"fan.y": pytest.approx(0.2)}
    unit.write(Table.HOLDING, SPEED, [9000])  # without permission it goes on holding its safe values, and says so
    assert (unit.fallen_back, read(unit, SPEED), read(unit, LOST)) == (True, 2000, 1)
    unit.write(Table.HOLDING, PERMIT, [1])
    assert (unit.fallen_back, read(unit, LOST)) == (True, 1)
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (unit.fallen_back, read(unit, SPEED), read(unit, LOST), unit.tripped) == (False, 9000, 0, True)


def test_setpoints_that_are_not_obeyed_are_no_sign_of_life():
    unit, time = fan()
    unit.write(Table.HOLDING, SPEED, [9000])
    assert unit.take_setpoints() == {"fan.y": pytest.approx(0.9)}
    unit.write(Table.HOLDING, PERMIT, [0])
    for _ in range(4):
        time.now += 10.0
        unit.write(Table.HOLDING, SPEED, [5000])
    assert (unit.fallen_back, unit.take_setpoints(), read(unit, LOST)) == (True, {"fan.y": pytest.approx(0.2)}, 1)


def test_a_slow_setpoint_ends_the_fallback_once_it_is_in_force_and_never_without_permission():
    unit, time = fan(y={"settle": "10 s"}, watchdog={"timeout": "30 s"})
    unit.write(Table.HOLDING, SPEED, [9000])
    time.now = 40.0
    assert unit.take_setpoints() == {"fan.y": pytest.approx(0.2)}
    unit.write(Table.HOLDING, SPEED, [8000])
    assert (unit.fallen_back, read(unit, LOST)) == (True, 1)
    time.now = 49.0
    assert unit.take_setpoints() == {"fan.y": pytest.approx(0.8)}
    assert (unit.fallen_back, read(unit, LOST)) == (False, 0)
    unit.write(Table.HOLDING, SPEED, [7000])
    unit.write(Table.HOLDING, PERMIT, [0])
    unit.write(Table.HOLDING, PERMIT, [1])
    time.now = 60.0
    assert unit.take_setpoints() == {}


def test_a_set_point_does_not_end_a_fallback_for_want_of_a_counter():
    unit, time = fan(watchdog={"fed_by": "heartbeat", "heartbeat": "beat"})
    unit.write(Table.HOLDING, BEAT, [1])
    time.now = 31.0
    unit.write(Table.HOLDING, SPEED, [9000])
    assert unit.take_setpoints() == {"fan.y": pytest.approx(0.2)}
    assert unit.fallen_back
    unit.write(Table.HOLDING, BEAT, [2])
    assert unit.fallen_back
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (unit.fallen_back, unit.take_setpoints()) == (False, {"fan.y": pytest.approx(0.9)})


def test_a_watchdog_with_a_reset_obeys_nothing_before_it():
    unit, time = fan(watchdog={"reset": "unlock"})
    unit.write(Table.HOLDING, SPEED, [9000])
    time.now = 31.0
    unit.supervise()
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (unit.fallen_back, read(unit, SPEED)) == (True, 2000)
    unit.write(Table.HOLDING, UNLOCK, [1])
    live(unit, time, COOL, 1)
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (unit.fallen_back, read(unit, SPEED)) == (False, 9000)


def test_a_counter_alone_feeds_a_watchdog_that_wants_it():
    unit, time = fan(watchdog={"fed_by": "heartbeat", "heartbeat": "beat"})
    for beat in range(1, 5):
        time.now += 20.0
        unit.write(Table.HOLDING, BEAT, [beat])
        unit.write(Table.HOLDING, SPEED, [9000])
        assert not unit.fallen_back
    time.now += 20.0
    unit.write(Table.HOLDING, SPEED, [9000])
    time.now += 11.0
    unit.supervise()
    assert unit.fallen_back


def test_a_drive_obeys_a_speed_only_with_its_control_word():
    """The shipped map of a real drive; 0x47C is its usual "run" (start, data valid, no stop of any kind)."""
    time = Time()
    place = Device("fan", "danfoss_vlt", "127.0.0.1", 1502, 1, "fan", signals={"speed_set": "fan.y"})
    drive = EmulatedDevice(bind(place, VOCABULARY), time)
    word, speed = (drive.bound.map[name].address for name in ("control_word", "speed_set"))
    drive.write(Table.HOLDING, speed, [8192])
    time.now = 60.0
    assert drive.take_setpoints() == {}
    drive.write(Table.HOLDING, word, [0x47C])
    drive.write(Table.HOLDING, speed, [8192])
    time.now = 110.0  # its map allows it a minute to get there
    assert drive.take_setpoints() == {"fan.y": pytest.approx(0.5)}
    assert read(drive, drive.bound.map["speed"].address) == 8192
    drive.write(Table.HOLDING, word, [0x478])
    drive.write(Table.HOLDING, speed, [16384])
    time.now = 119.0
    assert (drive.take_setpoints(), drive.ignored) == ({}, 2)
    time.now = 160.0  # nor is it a sign of life: a minute after the last that it obeyed it goes to full speed
    assert (drive.take_setpoints(), drive.fallen_back) == ({"fan.y": 1.0}, True)


def test_after_a_restart_it_is_as_delivered_and_thrown_trips_stay():
    points = {"up": word(20, unit="s"), "starts": word(21)}
    unit, time = fan(restart={"uptime": "up"}, more=points)
    live(unit, time, HOT, 10)
    unit.write(Table.HOLDING, SPEED, [9000])
    assert (read(unit, 20), unit.wired.thrown, unit.permitted) == (10, ("over_temperature",), True)
    unit.restart()
    assert (read(unit, 20), read(unit, PERMIT), read(unit, SPEED)) == (0, 0, 2000)
    assert unit.take_setpoints() == {"fan.y": pytest.approx(0.2)}
    assert unit.wired.thrown == ("over_temperature",)
    live(unit, time, HOT, 7)
    assert read(unit, 20) == 7
    unit, time = fan(restart={"count": "starts"}, more=points)
    live(unit, time, COOL, 1)
    assert read(unit, 21) == 1
    unit.restart()
    assert read(unit, 21) == 2


@pytest.mark.parametrize(
    ("restart", "message"),
    [
        ({}, "give one"),
        ({"uptime": "up", "count": "starts"}, "give one"),
        ({"uptime": "upp"}, "the map has no point 'upp'"),
        ({"uptime": "starts"}, "starts is no time"),
        ({"count": "hidden"}, "hidden cannot be read"),
    ],
)
def test_what_shows_a_restart_is_a_point_that_does(restart, message):
    points = {"up": word(20, unit="s"), "starts": word(21), "hidden": word(22, access="w", kind="setting")}
    with pytest.raises(ValueError, match=message):
        device_map(restart=restart, more=points)


@pytest.mark.parametrize(
    ("trip", "message"),
    [
        ({"watch": "T", "above": "5 kPa"}, "expected a quantity in K"),
        ({"watch": "nothing", "above": "5 K"}, "unknown signal 'fan.nothing'"),
        ({"watch": "T", "above": "5 K", "sets": {"y": 0}}, "fan.y is none"),
    ],
)
def test_a_trip_that_cannot_be_wired_is_refused(trip, message):
    wired = {"over_temperature": {"sets": {"available": 0}, **trip}}
    with pytest.raises(MapError, match=message):
        fan(trips={"status": "trips", "reset": "reset", "wired": wired})


@pytest.mark.parametrize(
    ("trips", "message"),
    [
        ({"status": "z"}, "status names a point 'z'"),
        ({"status": "trips", "reset": "shown"}, "shown cannot be written"),
        ({"status": "trips", "wired": {"leak": {"watch": "T", "above": "5 K", "sets": {"available": 0}}}},
         "trips has no flag 'leak'"),
        ({"status": "trips", "wired": {"low_flow": {"watch": "T", "above": "5 K", "running": {"y": 0.1},
                                                    "sets": {"available": 0}}}}, "say when a reset helps"),
        ({"status": "trips", "wired": {"low_flow": {"watch": "T", "above": "5 K", "hysteresis": "1 K", "bus_resets": 1,
                                                    "sets": {"available": 0}}}}, "not by both"),
        ({"status": "trips", "wired": {"low_flow": {"watch": "T", "sets": {"available": 0}}}}, "above or below"),
        ({"status": "trips", "wired": {"low_flow": {"watch": "T", "above": "5 K", "start_bypass": "5 s",
                                                    "sets": {"available": 0}}}}, "counts from the machine's start"),
    ],
)  # fmt: skip
def test_a_map_says_how_its_trips_are_seen(trips, message):
    with pytest.raises(ValueError, match=message):
        device_map(trips=trips)


def test_a_site_names_only_trips_that_there_are():
    with pytest.raises(MapError, match="the site names a trip 'leak' that the map has not; it has over_temperature"):
        fan(device={"trips": {"leak": "1 kg/s"}})
