"""Every lie of a peer at every kind of request on every kind of line; each value says which request it answers."""

import shutil

import pytest

from benchmarks.bus_faults import FAULTS, KINDS, LINES, bare, ours, run

RIGHT_AND_MORE = {"garbage after", "duplicate", "duplicate a little later"}
HARMLESS = {fault.name for fault in FAULTS if fault.harmless}


@pytest.mark.parametrize("line", LINES)
def test_no_wrong_value_is_taken_and_the_line_recovers(line):
    if line == "rtu" and shutil.which("socat") is None:
        pytest.skip("socat makes the serial line; on Debian: apt install socat")
    outcomes = run(ours, [line])
    faults = [fault for fault in FAULTS if line in fault.lines]
    assert len(outcomes) == sum(len(KINDS) if f.reads else 3 for f in faults)
    assert [o for o in outcomes if o.wrong] == []
    assert [o for o in outcomes if not o.recovered] == []
    assert [o for o in outcomes if o.fault in HARMLESS and not o.believed] == []
    believed = {o.fault for o in outcomes if o.believed}
    assert believed <= HARMLESS | RIGHT_AND_MORE


def test_the_matrix_sees_who_believes():
    outcomes = run(bare, ["tcp"])
    believed = {o.fault for o in outcomes if o.wrong}
    assert {"short", "long", "wrong function", "wrong address echo", "wrong value echo"} <= believed
    assert not {o.fault for o in outcomes if o.wrong} & {"none", "split", "silence"}
