"""From a site's devices block to an open line."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from benchmarks.certificates import Authority
from hil.client import FieldClient, WriteStatus
from hil.clock import LockStepClock
from hil.emulated_device import EmulatedDevice
from hil.emulator import Emulator
from hil.modbus.lines import open_line
from hil.modbus.rtu import RtuOverTcpTransport, RtuTransport
from hil.modbus.server import DeviceServer
from hil.modbus.transport import TcpTransport
from plant_models.devices import DeviceSpec, Line, expand
from tests.hil import toy_plant as toy
from tests.strategies.bus import within

PAGE = Path(__file__).parents[3] / "docs" / "modbus.md"


def devices():
    """Those of the documentation's example."""
    block = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S).group(1)
    specs = [DeviceSpec.model_validate(entry) for entry in yaml.safe_load(block)["devices"]]
    return {d.name: d for d in expand(specs, ["cdu", "dry_cooler", "pump", "chiller"], [])}


def test_the_documentations_example_opens_as_it_says():
    found = devices()
    tcp, serial, gateway = (open_line(found[name], 0.5) for name in ("cdu", "dry_cooler", "pump"))
    assert type(tcp) is TcpTransport
    assert (tcp.host, tcp.port) == ("10.0.0.17", 502)
    assert isinstance(serial, RtuTransport)
    assert (serial.port, serial.settings.baud, serial.settings.parity) == ("/dev/ttyUSB0", 19200, "E")
    assert (serial.settings.lateness, serial.settings.paced) == (1.0, True)
    assert isinstance(gateway, RtuOverTcpTransport)
    assert (gateway.port, gateway.settings.baud, gateway.settings.paced) == (4001, 9600, False)
    assert gateway.cost.request > serial.cost.request > tcp.cost.request
    with pytest.raises(ValueError, match=r"desk\.pem"):
        open_line(found["chiller"], 0.5)


def test_tls_without_certificates_is_a_mistake():
    with pytest.raises(ValidationError, match="transport tls needs certificate, key, authority under line:"):
        DeviceSpec(name="x", map="cdu", transport="tls")


def test_serial_devices_of_a_site_are_not_emulated():
    bound = [replace(b, device=replace(b.device, transport="rtu")) for b in toy.devices(1)]
    with pytest.raises(ValueError, match="device pump: a site's plant is emulated on tcp or tls, not on rtu"):
        Emulator(toy.ToyLoop(), bound, LockStepClock(), step=1.0)


def test_a_site_over_tls(tmp_path):
    async def main():
        authority = Authority(tmp_path)
        plant, units = toy.ToyLoop(), [EmulatedDevice(bound, lambda: 1000.0) for bound in toy.devices(1)]
        for unit in units:
            unit.publish({signal: plant.get(signal) for signal in unit.bound.points})
        server = DeviceServer("127.0.0.1", 0, units, identity=authority.issue("server"))
        await server.start()
        statuses = []
        for role in ("operator", "historian"):
            me = authority.issue(role, role)
            files = {"certificate": str(me.certificate), "key": str(me.key), "authority": str(me.authority)}
            bound = [
                replace(b, device=replace(b.device, port=server.port, transport="tls", line=Line(**files)))
                for b in toy.devices(1)
            ]
            client = FieldClient(bound, LockStepClock(1000.0))
            await client.start()
            samples = await client.scan()
            assert all(sample.good for sample in samples.values())
            (written,) = await client.write({"pump.y": 0.5 if role == "operator" else 0.7})
            statuses.append(
                (
                    written.status,
                    "exception 1 (illegal function: the role in our certificate may not" in written.message,
                )
            )
            await client.stop()
        await server.stop()
        assert statuses == [(WriteStatus.WRITTEN, False), (WriteStatus.FAILED, True)]
        assert units[0].take_setpoints() == {"pump.y": pytest.approx(0.5)}

    within(20, main())
