"""Real Modbus TCP servers for emulated devices: one listener per host and port, several units behind it."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
from collections.abc import Sequence
from typing import Protocol

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hil.registers.schema import Table

TABLES = (Table.COIL, Table.DISCRETE, Table.HOLDING, Table.INPUT)
"""in the order of pymodbus's four blocks"""
TABLE_OF_FUNCTION = {
    1: Table.COIL, 5: Table.COIL, 15: Table.COIL, 2: Table.DISCRETE, 4: Table.INPUT,
    3: Table.HOLDING, 6: Table.HOLDING, 16: Table.HOLDING, 22: Table.HOLDING, 23: Table.HOLDING,
}  # fmt: skip

logging.getLogger("pymodbus").addHandler(logging.NullHandler())  # errors reach the caller as exceptions


class Refusal(Exception):
    """Raised by a unit to answer with a Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Unit(Protocol):
    """What answers behind one unit id."""

    @property
    def unit(self) -> int:
        """Its unit id, 1..247."""
        ...

    def extent(self, table: Table) -> tuple[int, int] | None:
        """First and last address of a table, or None if it has none."""
        ...

    def read(self, table: Table, address: int, count: int) -> Sequence[int]:
        """Words or bits. Raises :class:`Refusal`."""
        ...

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        """Takes words or bits. Raises :class:`Refusal`."""
        ...


class ServerError(RuntimeError):
    """A server that could not start, with the reason."""


class DeviceServer:
    """A Modbus TCP server at (host, port) with its units."""

    def __init__(self, host: str, port: int, units: Sequence[Unit]) -> None:
        ids = [unit.unit for unit in units]
        if len(set(ids)) != len(ids):
            raise ValueError(f"{host}:{port}: two units have the same id: {sorted(ids)}")
        self.host, self.port, self.units = host, port, tuple(units)
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listens, and returns. With port 0 the system chooses; ``port`` tells. Raises :class:`ServerError`."""
        units = [*map(_sim_device, self.units), _absent()]
        server = ModbusTcpServer(units, address=(self.host, self.port))
        try:
            await server.serve_forever(background=True)
        except RuntimeError:
            raise ServerError(_why_not(self.host, self.port)) from None
        self._server = server
        self.port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # a listener, not a line

    async def stop(self) -> None:
        """Closes the listener and every connection."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.shutdown()  # type: ignore[no-untyped-call]


def _why_not(host: str, port: int) -> str:
    """One sentence on why (host, port) cannot be listened at."""
    reason = "the operating system refused it"
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            reason = {
                errno.EADDRINUSE: "another program listens there already; stop it, or give the site's devices "
                "another port",
                errno.EACCES: "ports below 1024 need rights that this user lacks; use a higher port",
                errno.EADDRNOTAVAIL: "this machine has no such address",
            }.get(error.errno or 0, str(error))
    return f"cannot listen at {host}:{port}: {reason}"


def _sim_device(unit: Unit) -> SimDevice:
    """pymodbus's device whose registers are the unit's, asked at every access."""

    async def action(
        function: int, start: int, address: int, count: int, registers: list[int], values: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        table = TABLE_OF_FUNCTION[function]
        try:
            if values:
                unit.write(table, address, [int(v) for v in values])
            extent = unit.extent(table)
            if extent is None:
                return ExcCodes.ILLEGAL_ADDRESS
            if not table.is_bits:
                registers[address - start : address - start + count] = unit.read(table, address, count)
                return None
            # pymodbus keeps bits in words from ``start`` on and tells the number of words, not of bits
            first, last = max(extent[0], address), min(extent[1], 16 * (address // 16 + count) - 1)
            for i, bit in enumerate(unit.read(table, first, last - first + 1)):
                word, position = divmod(first + i - 16 * start, 16)
                registers[word] = registers[word] & ~(1 << position) | bit << position
        except Refusal as refusal:
            return ExcCodes(refusal.code)
        return None

    return SimDevice(unit.unit, tuple(_block(unit, table) for table in TABLES), action=action)  # type: ignore[arg-type]


def _block(unit: Unit, table: Table) -> list[SimData]:
    first, last = unit.extent(table) or (0, 0)
    count = last - first + 1
    if table.is_bits:
        first, count = 16 * (first // 16), 16 * ((last // 16) - first // 16 + 1)
        return [SimData(first, values=[False] * count, datatype=DataType.BITS)]
    return [SimData(first, count=count, values=0, datatype=DataType.REGISTERS)]


def _absent() -> SimDevice:
    """Answers for all other unit ids, as a gateway does whose target is silent."""

    async def action(*_: object) -> ExcCodes | None:
        return ExcCodes.GATEWAY_NO_RESPONSE

    return SimDevice(0, SimData(0, count=65536, values=0, datatype=DataType.REGISTERS), action=action)
