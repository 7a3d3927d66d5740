"""What an operator may tell a device, by its register map; nothing goes out that is not plain."""

import asyncio

import pytest

from hil.registers.schema import RegisterMap
from tests.twin.operation.test_commissioning import RESET, device_map, fan
from twin.operation.commands import CommandError, Commands


def with_reset(**reset):
    spec = device_map().model_dump(exclude_none=True, exclude={"points", "watchdog", "identity", "permissions"})
    points = {
        "y": {"address": 7, "table": "holding", "type": "uint16", "unit": "percent", "scale": 0.01, "access": "rw",
              "range": [0, 1], "safe": 0.5, "refresh": "10 s"},
        "reset": {"address": RESET, "table": "holding", "type": "uint16", "access": "rw", "kind": "command", **reset},
    }  # fmt: skip
    return RegisterMap.model_validate({**spec, "points": points}, context={"require_units": True})


async def given(map_, *asked):
    async with fan(map_=map_) as (unit, client, _):
        entries = []
        commands = Commands(client, entries.append)
        try:
            for words in asked:
                commands.take("fan", *words, "anna", "because")
            assert unit.written == []  # they go out with the loop's turn
            await commands.turn(5.0)
        except CommandError as error:
            return str(error)
        await commands.turn(6.0)
        assert [(e.signal, e.who, e.why, e.status) for e in entries] == [
            ("fan:reset", "anna", "because", "written")
        ] * len(asked)
        return unit.written


MANY = {"enum": {0: "none", 1: "adaption", 4: "reset"}}
BITS = {"flags": {2: "no_coast", 7: "reset"}}


@pytest.mark.parametrize(
    ("reset", "words", "outcome"),
    [
        ({}, ("reset", ""), [(RESET, 1)]),
        ({"enum": {0: "none", 4: "reset"}}, ("reset", ""), [(RESET, 4)]),
        (MANY, ("reset", ""), "reset has several values, say which: none, adaption, reset"),
        (MANY, ("reset", "adaption"), [(RESET, 1)]),
        (MANY, ("reset", "later"), "'later' is none of none, adaption, reset"),
        (BITS, ("reset", ""), "reset has several values, say which: no_coast, reset"),
        (BITS, ("reset", "no_coast, reset"), [(RESET, 0x84)]),
        ({}, ("y", ""), "fan has no command 'y'; it has reset"),
        ({}, ("", ""), "fan has no command ''; it has reset"),
    ],
)
def test_a_command_goes_out_once_and_only_if_it_is_plain(reset, words, outcome):
    found = asyncio.run(asyncio.wait_for(given(with_reset(**reset), words), 10))
    assert found == outcome
