"""Before the first write: is every device the one meant, set up as its map demands, and fit to be written?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from hil.binding import BoundDevice
from hil.client import FieldClient
from hil.device_points import DevicePoints, PointLost, agrees
from hil.registers.schema import Identity
from hil.sample import Quality, Sample
from twin.operation.writes import policy_of

Verdict = Literal["ok", "note", "fail"]


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing that was looked at. ``fail`` forbids writing."""

    device: str
    what: str
    verdict: Verdict
    text: str


def failures(findings: Iterable[CheckFinding]) -> list[str]:
    """What forbids writing, one line each."""
    return [f"{f.device}: {f.what}: {f.text}" for f in findings if f.verdict == "fail"]


class Commissioning:
    """The check of all devices behind a client; it reads, and writes nothing."""

    def __init__(self, client: FieldClient) -> None:
        self._client = client

    async def check(self, samples: Mapping[str, Sample]) -> list[CheckFinding]:
        """Every finding, device by device; ``samples`` are those of a scan just made."""
        found: list[CheckFinding] = []
        for name, health in self._client.health.items():
            if not health.ok:
                found.append(CheckFinding(name, "answers", "fail", health.reason))
                continue
            points = DevicePoints(self._client, name)
            bound = points.bound
            found.append(CheckFinding(name, "answers", "ok", bound.device.address))
            found += [await _identity(points, identity) for identity in bound.map.identity]
            for point, wanted in bound.map.required().items():
                found.append(await _holds(points, point, wanted, "setting", "fail"))
            for point, wanted in bound.map.granted().items():
                found.append(await _holds(points, point, wanted, "permission", "note"))
            found += _watchdog(bound)
            found += _values(bound, samples)
        return found


async def _identity(points: DevicePoints, identity: Identity) -> CheckFinding:
    name = points.bound.name
    what = f"identity {identity.point}"
    try:
        value = await points.read(identity.point)
        accepted = [a for a in (identity.equals, *identity.one_of) if a is not None]
        point = points.bound.map[identity.point]
        fits = any(
            value == a if isinstance(value, str) else agrees(point, value, point.quantity(a)) for a in accepted
        ) or (identity.contains is not None and identity.contains in str(value))
    except PointLost as error:
        return CheckFinding(name, what, "fail", str(error))
    if fits:
        return CheckFinding(name, what, "ok", str(value))
    expected = f"a text with {identity.contains!r}" if identity.contains else " or ".join(map(repr, accepted))
    return CheckFinding(name, what, "fail", f"reads {value!r}, expected {expected}: another device answers here")


async def _holds(points: DevicePoints, name: str, wanted: float, kind: str, otherwise: Verdict) -> CheckFinding:
    device, point = points.bound.name, points.bound.map[name]
    what = f"{kind} {name}"
    if not point.readable:
        return CheckFinding(device, what, "note", "cannot be read back: verify it at the device")
    try:
        value = await points.read(name)
    except PointLost as error:
        return CheckFinding(device, what, "fail", str(error))
    if agrees(point, value, wanted):
        return CheckFinding(device, what, "ok", point.show(wanted))
    shown = value if isinstance(value, str) else point.show(value)
    todo = "set it at the device" if kind == "setting" else "the loop sets it before its first set-point"
    return CheckFinding(device, what, otherwise, f"reads {shown}, needs {point.show(wanted)}: {todo}")


def _watchdog(bound: BoundDevice) -> list[CheckFinding]:
    watchdog = bound.map.watchdog
    if watchdog is None:
        text = "none in its map: when this program dies, its set-points stay as they are"
        return [CheckFinding(bound.name, "watchdog", "note", text)] if bound.writable else []
    if not watchdog.always_on and not watchdog.settings:
        text = "off as delivered, and its map does not say how to verify that it is on"
        return [CheckFinding(bound.name, "watchdog", "note", text)]
    return [CheckFinding(bound.name, "watchdog", "ok", f"{watchdog.timeout:g} s, fed by a {watchdog.fed_by}")]


def _values(bound: BoundDevice, samples: Mapping[str, Sample]) -> list[CheckFinding]:
    """What was read is within range; what will be written may be."""
    found = []
    bad = [(n, samples[n]) for n in bound.points if n in samples and samples[n].quality is Quality.BAD]
    found += [CheckFinding(bound.name, f"value {name}", "fail", sample.reason) for name, sample in bad]
    if not bad:
        good = sum(1 for n in bound.points if n in samples)
        found.append(CheckFinding(bound.name, "values", "ok", f"{good} read, all within their ranges"))
    for signal, point in bound.writable.items():
        policy = policy_of(point)
        if policy.refresh_too_dear:
            text = (f"a refresh every {policy.refresh:g} s wears its memory out; it bears a write every "
                    f"{1 / policy.budget:.0f} s")  # fmt: skip
            found.append(CheckFinding(bound.name, f"set-point {signal}", "fail", text))
        present = samples[signal].value if signal in samples else math.nan
        if math.isfinite(present) and not policy.low - policy.deadband <= present <= policy.high + policy.deadband:
            text = f"holds {point.show(present)}, outside what may be written: it will be moved into its range"
            found.append(CheckFinding(bound.name, f"set-point {signal}", "note", text))
        if not point.readable:
            found.append(CheckFinding(bound.name, f"set-point {signal}", "note", "cannot be read back"))
    return found
