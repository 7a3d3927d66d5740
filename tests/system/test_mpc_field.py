"""The optimiser on equipment: plant and controller as two programs, `hil serve` and `run`, joined by sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.hil.toy_plant import free_port
from twin.journal import Journal

ROOT = Path(__file__).parents[2]
SPEED = 100.0
SCENARIO = "site: bench_loop\ndays: 1\ncontroller: mpc\n"
HASTY = "controller_settings: {mpc: {time_limit: 1 ms}}\n"


async def program(*arguments: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twin.cli", *map(str, arguments), cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


@asynccontextmanager
async def plant(port: int) -> AsyncIterator[None]:
    """The bench loop behind its devices, until the block ends."""
    process = await program("hil", "serve", "bench_loop", "--port", port, "--speed", SPEED)
    try:
        assert process.stdout is not None
        assert b"Modbus devices" in await asyncio.wait_for(process.stdout.readline(), 30)
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def controlled(port: int, scenario: Path, journal: Path, seconds: float) -> None:
    """`heatloop run` for so many plant seconds."""
    process = await program("run", scenario, "--port", port, "--journal", journal, "--seconds", seconds)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


@pytest.mark.slow
def test_an_optimised_decision_arrives_at_the_equipment_and_a_hasty_one_leaves_it_to_the_sequences(
    tmp_path: Path,
) -> None:
    (tmp_path / "mpc.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "hasty.yaml").write_text(SCENARIO + HASTY, encoding="utf-8")

    async def main() -> None:
        port = free_port()
        async with plant(port):
            for name in ("mpc", "hasty"):
                await controlled(port, tmp_path / f"{name}.yaml", tmp_path / f"{name}.sqlite", 350.0)

    asyncio.run(asyncio.wait_for(main(), 100))

    with Journal(tmp_path / "mpc.sqlite") as journal:
        assert {(source, status) for _, source, status, _, _ in journal.decisions()} == {("mpc", "ok")}
        moved = [w for w in journal.writes("dry_cooler.T_leaving_set") if w.status == "written"]
        assert moved
        assert {w.who for w in moved} == {"mpc"}
        assert moved[0].old == pytest.approx(305.15), "the plant starts as commissioned, at 32 degC"
        assert moved[-1].read_back == pytest.approx(moved[-1].new, abs=0.1), "what the device holds is what was decided"
        assert abs(moved[-1].read_back - moved[0].old) > 1.0
        assert journal.events("alarm") == []

    with Journal(tmp_path / "hasty.sqlite") as journal:
        decisions = journal.decisions()
        assert len(decisions) >= 2
        assert {(source, status) for _, source, status, _, _ in decisions} == {("sequences", "late")}
        setpoints = [w for w in journal.writes() if ":" not in w.signal]  # the others are permissions given
        assert {w.who for w in setpoints if w.status == "written"} == {"sequences"}
        alarms = [e for e in journal.events("alarm") if e.source == "controller.plan"]
        assert len(alarms) == 1
        assert "mpc has no new plan (late: " in alarms[0].message
        assert alarms[0].message.endswith("going on by sequences")
