"""Opens the line that a site's device is behind."""

from __future__ import annotations

from pathlib import Path

from hil.modbus.rtu import RtuOverTcpTransport, RtuTransport, SerialSettings
from hil.modbus.tls import Identity, TlsTransport
from hil.modbus.transport import Line, TcpTransport
from plant_models.devices import Device


def open_line(device: Device, timeout: float, spacing: float = 0.0) -> Line:
    """A line, not connected yet; both times in s. Raises ValueError for certificates that cannot be used."""
    set_ = device.line
    if device.transport == "tcp":
        return TcpTransport(device.host, device.port, timeout, spacing=spacing)
    if device.transport == "tls":
        files = [set_.certificate, set_.key, set_.authority]
        if None in files:
            raise ValueError(f"device {device.name}: TLS needs certificate, key and authority")
        identity = Identity(*(Path(str(file)) for file in files))
        return TlsTransport(
            device.host, device.port, timeout, identity=identity, server_name=set_.server_name, spacing=spacing
        )
    paced = device.transport == "rtu" and not _pretended(device)
    settings = SerialSettings(set_.baud, set_.parity, set_.stop_bits, set_.lateness, paced=paced)
    if device.transport == "rtu":
        return RtuTransport(device.host, timeout, settings=settings, spacing=spacing)
    return RtuOverTcpTransport(device.host, device.port, timeout, settings=settings, spacing=spacing)


def _pretended(device: Device) -> bool:
    """Whether the port is a pseudo-terminal, whose bytes take no time."""
    return str(Path(device.host).resolve()).startswith("/dev/pts/")
