"""Identity, settings, permissions and signs of life of a device that has them all, over a real socket."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from hil.binding import bind
from hil.client import FieldClient
from hil.clock import LockStepClock
from hil.modbus.server import DeviceServer
from hil.registers.schema import RegisterMap
from plant_models.devices import Device
from plant_models.signals import Vocabulary, setpoint
from tests.hil.registers_unit import Registers
from tests.hil.toy_plant import free_port
from twin.operation.alarms import AlarmBook
from twin.operation.commissioning import Commissioning, failures
from twin.operation.heartbeat import Heartbeat

VOCABULARY = Vocabulary([setpoint("fan.y", "1", "speed", default=0.5, lower=0.0, upper=1.0)])
IDENTITY, GUARD, PERMIT, BEAT, TRIPPED, RESET, SPEED = 1, 2, 3, 4, 5, 6, 7
AS_IT_SHOULD = {IDENTITY: 4711, GUARD: 30, PERMIT: 1, BEAT: 0, TRIPPED: 0, RESET: 0, SPEED: 5000}


def device_map(**changes):
    def word(address, **more):
        return {"address": address, "table": "holding", "type": "uint16", **more}

    spec = {
        "id": "fan", "description": "fan with everything", "partial": True,
        "identity": [{"point": "model", "equals": 4711}],
        "permissions": {"permit": 1},
        "watchdog": {"timeout": "30 s", "fed_by": "heartbeat", "heartbeat": "beat", "settings": {"guard": 30},
                     "status": "tripped", "reset": "reset", "refresh": "10 s"},
        "points": {
            "model": word(IDENTITY),
            "guard": word(GUARD, access="rw", kind="setting"),
            "permit": word(PERMIT, access="rw", kind="setting"),
            "beat": word(BEAT, access="rw", kind="command"),
            "tripped": word(TRIPPED),
            "reset": word(RESET, access="rw", kind="command", self_clearing=True),
            "y": word(SPEED, access="rw", unit="percent", scale=0.01, range=[0, 1], safe=0.5, refresh="10 s"),
        },
        **changes,
    }  # fmt: skip
    return RegisterMap.model_validate(spec, context={"require_units": True})


@asynccontextmanager
async def fan(stuck=(), map_=None, **registers):
    values = {**AS_IT_SHOULD, **{globals()[name]: value for name, value in registers.items()}}
    unit, port = Registers(1, values, stuck), free_port()
    server = DeviceServer("127.0.0.1", port, [unit])
    await server.start()
    bound = bind(Device("fan", "fan", "127.0.0.1", port, 1, "fan"), VOCABULARY, map_ or device_map())
    client = FieldClient([bound], LockStepClock(1e9), timeout=0.3)
    await client.start()
    try:
        yield unit, client, server
    finally:
        await client.stop()
        await server.stop()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 10))


def checked(**registers):
    async def main():
        async with fan(**registers) as (unit, client, _):
            found = await Commissioning(client).check(await client.scan())
            assert unit.written == []  # a check writes nothing
            return found

    return run(main())


def test_a_device_as_it_should_be():
    found = checked()
    assert failures(found) == []
    assert {(f.what, f.verdict) for f in found} >= {
        ("answers", "ok"), ("identity model", "ok"), ("setting guard", "ok"), ("permission permit", "ok"),
        ("watchdog", "ok"), ("values", "ok"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("registers", "message"),
    [
        ({"IDENTITY": 12}, "fan: identity model: reads 12.0, expected 4711: another device answers here"),
        ({"GUARD": 0}, "fan: setting guard: reads 0, needs 30: set it at the device"),
        ({"SPEED": 20000}, "fan: value fan.y: 200 percent is outside 0 percent .. 100 percent"),
    ],
)
def test_what_forbids_writing_is_named(registers, message):
    assert message in failures(checked(**registers))


def test_a_permission_that_is_missing_is_no_reason_not_to_begin():
    found = checked(PERMIT=0)
    assert failures(found) == []
    assert "the loop sets it before its first set-point" in next(f.text for f in found if f.verdict == "note")


def test_a_refresh_that_its_memory_does_not_bear():
    point = {"address": SPEED, "table": "holding", "type": "uint16", "access": "rw", "unit": "percent", "scale": 0.01,
             "range": [0, 1], "safe": 0.5, "refresh": "10 s", "nonvolatile": True, "write_budget": 100_000}  # fmt: skip
    map_ = device_map(watchdog=None, identity=[], permissions={}, points={"y": point})
    (text,) = failures(checked(map_=map_))
    assert "a refresh every 10 s wears its memory out; it bears a write every 3156 s" in text


def test_an_unreachable_device_is_named_with_its_reason():
    async def main():
        async with fan() as (_, client, server):
            await server.stop()
            await asyncio.sleep(0.05)
            return await Commissioning(client).check(await client.scan())

    (text,) = failures(run(main()))
    assert text.startswith("fan: answers: ")


def test_signs_of_life_go_both_ways():
    async def main():
        async with fan(PERMIT=0) as (unit, client, _):
            await client.scan()
            alarms = AlarmBook(lambda change: None)
            pulse = Heartbeat(client, alarms)
            await pulse.turn(0.0, 2.0, writes=False)
            assert unit.written == []
            assert "permit is not 1: set-points would not be obeyed" in alarms.active["heartbeat.fan"]
            pulse.again()
            for now in range(0, 60, 2):
                await pulse.turn(float(now), 2.0, writes=True)
            assert unit.written[0] == (PERMIT, 1)
            beats = [value for address, value in unit.written if address == BEAT]
            assert beats == [1, 2, 3, 4, 5, 6, 7][: len(beats)]
            assert 6 <= len(beats) <= 7  # every ten seconds, and early rather than late
            assert alarms.active == {}
            unit.values[TRIPPED] = 1
            await pulse.turn(70.0, 2.0, writes=True)
            assert alarms.active["heartbeat.fan"] == "its watchdog has tripped (tripped = 1.0)"
            assert unit.written[-1] == (RESET, 1)
            unit.values[TRIPPED] = 0
            await pulse.turn(80.0, 2.0, writes=True)
            assert alarms.active == {}

    run(main())


@pytest.mark.parametrize(
    ("stuck", "registers", "message"),
    [
        ([BEAT], {}, "wrote beat = 1, the device holds 0.0"),
        ([PERMIT], {"PERMIT": 0}, "permit stays 0.0, needs 1: local operation?"),
    ],
)
def test_a_device_that_says_yes_and_does_nothing_is_found_out(stuck, registers, message):
    async def main():
        async with fan(stuck, **registers) as (_, client, _server):
            await client.scan()
            alarms = AlarmBook(lambda change: None)
            await Heartbeat(client, alarms).turn(0.0, 2.0, writes=True)
            assert message in alarms.active["heartbeat.fan"]

    run(main())


@asynccontextmanager
async def kept_alive(withdraws=()):
    """The device's unit, a function that makes a turn of the loop's signs of life, the alarm's text, and the parts."""
    watchdog = {"timeout": "30 s", "always_on": True, "status": "tripped", "withdraws": list(withdraws)}
    map_ = device_map(watchdog=watchdog)
    async with fan(map_=map_, PERMIT=0) as (unit, client, _):
        alarms, entered = AlarmBook(lambda change: None), []
        pulse = Heartbeat(client, alarms, entered.append)

        async def turn(now):
            await client.scan()
            await pulse.turn(now, 2.0, writes=True)
            return alarms.active.get("heartbeat.fan", "")

        yield unit, turn, pulse, client, entered


def test_who_takes_local_operation_keeps_it_and_it_is_an_alarm():
    async def main():
        async with kept_alive(withdraws=["permit"]) as (unit, turn, pulse, _, entered):
            assert await turn(0.0) == ""
            assert unit.values[PERMIT] == 1
            unit.values[PERMIT] = 0
            for now in (30.0, 60.0, 3600.0):
                assert "permit is not 1 any more: local operation" in await turn(now)
            pulse.again()  # a short gap is no take-over
            assert "it is left so" in await turn(3602.0)
            unit.values[TRIPPED] = 1  # nor is the fallback that follows, since nothing is obeyed
            assert "it is left so" in await turn(3634.0)
            unit.values[TRIPPED] = 0
            assert (unit.written, len(entered)) == ([(PERMIT, 1)], 1)
            unit.values[PERMIT] = 1
            assert await turn(3664.0) == ""
            unit.values[PERMIT] = 0
            assert await turn(3694.0) != ""
            pulse.again(take_over=True)
            assert await turn(3696.0) == ""
            assert unit.values[PERMIT] == 1

    run(main())


@pytest.mark.parametrize(("withdraws", "given"), [(["permit"], 1), ([], 0)])
def test_after_a_fallback_of_its_own_the_loop_gives_what_that_has_taken_back(withdraws, given):
    async def main():
        async with kept_alive(withdraws) as (unit, turn, _, client, _entered):
            assert await turn(0.0) == ""
            unit.values.update({PERMIT: 0, TRIPPED: 1})
            assert await turn(30.0) != ""
            assert unit.values[PERMIT] == given
            unit.values.update({PERMIT: 1, TRIPPED: 0})
            assert await turn(60.0) == ""
            for now, silence, back in ((100.0, 10.0, 0), (300.0, 40.0, 1)):  # it falls back after 30 s
                unit.values[PERMIT] = 1
                assert await turn(now) == ""
                client.health["fan"].ok, scan = False, client.scan
                client.scan = client_is_deaf
                await turn(now + 2.0)
                client.scan = scan
                unit.values[PERMIT] = 0
                assert (await turn(now + 2.0 + silence) == "") is bool(back)
                assert unit.values[PERMIT] == back

    run(main())


async def client_is_deaf():
    """A scan that brings nothing."""
