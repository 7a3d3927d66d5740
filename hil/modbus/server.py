"""Real Modbus servers for emulated devices, over TCP, TLS, RTU over TCP or a serial line; several units behind each."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer, ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hil.modbus.handler import ECHOED, Handler, Manners, Right
from hil.modbus.rtu import SerialSettings
from hil.modbus.tls import Identity
from hil.registers.schema import Table

RIGHTS: Final[Mapping[str, Right]] = {"operator": "write", "historian": "read"}
"""of the roles in clients' certificates; whoever has no role, or another one, is refused with exception 1"""

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


class _Answering:
    """Lets a server of pymodbus answer by :class:`Handler`."""

    manners: Manners = Manners()

    def callback_new_connection(self) -> Handler:
        """By pymodbus, for each connection."""
        return Handler(self, self.manners)


class _Tcp(_Answering, ModbusTcpServer):
    pass


class _Tls(_Answering, ModbusTlsServer):
    pass


class _Serial(_Answering, ModbusSerialServer):
    pass


class DeviceServer:
    """A Modbus TCP server at (host, port) with its units.

    With an ``identity`` it speaks TLS and asks clients for a certificate, whose role has ``rights``. With
    ``rtu_frames`` it answers as a gateway that passes RTU frames on.
    """

    def __init__(
        self,
        host: str,
        port: int,
        units: Sequence[Unit],
        *,
        identity: Identity | None = None,
        rights: Mapping[str, Right] = RIGHTS,
        rtu_frames: bool = False,
    ) -> None:
        _check_ids(f"{host}:{port}", units)
        if rtu_frames and identity is not None:
            raise ValueError(f"{host}:{port}: RTU frames over TLS are no Modbus")
        self.host, self.port, self.units = host, port, tuple(units)
        self._context = identity.server() if identity is not None else None
        there = frozenset(unit.unit for unit in units)
        self._manners = Manners(rights if identity is not None else None, rtu_frames, there)
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listens, and returns. With port 0 the system chooses; ``port`` tells. Raises :class:`ServerError`."""
        there: dict[str, Any] = {"address": (self.host, self.port)}
        server: _Tcp | _Tls
        if self._context is not None:  # pymodbus's own TLS frames have no header: answers in two records are lost
            server = _Tls(_answering(self.units), framer=FramerType.SOCKET, sslctx=self._context, **there)
        elif self._manners.serial:
            server = _Tcp([*map(_sim_device, self.units)], framer=FramerType.RTU, **there)
        else:
            server = _Tcp(_answering(self.units), **there)
        server.manners = self._manners
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


class SerialDeviceServer:
    """Units on a serial port. On a pseudo-terminal, whose bytes take no time, answers wait as long as they would take.

    A unit that is not there stays silent.
    """

    def __init__(self, path: str, units: Sequence[Unit], settings: SerialSettings | None = None) -> None:
        _check_ids(path, units)
        self.path, self.units, self.settings = path, tuple(units), settings or SerialSettings()
        self._server: ModbusSerialServer | None = None

    async def start(self) -> None:
        """Opens the port, and returns. Raises :class:`ServerError`."""
        set_ = self.settings
        server = _Serial(
            [*map(_sim_device, self.units)], port=self.path, baudrate=set_.baud, parity=set_.parity,
            stopbits=set_.stop_bits,
        )  # fmt: skip
        pretended = os.path.realpath(self.path).startswith("/dev/pts/")
        there = frozenset(unit.unit for unit in self.units)
        server.manners = Manners(None, True, there, set_.character if pretended else 0.0)
        try:
            await server.serve_forever(background=True)
        except RuntimeError:
            raise ServerError(f"cannot open {self.path}: no such port, no right to it, or in use") from None
        self._server = server

    async def stop(self) -> None:
        """Closes the port."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.shutdown()  # type: ignore[no-untyped-call]


def _check_ids(where: str, units: Sequence[Unit]) -> None:
    ids = [unit.unit for unit in units]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{where}: two units have the same id: {sorted(ids)}")


def _answering(units: Sequence[Unit]) -> list[SimDevice]:
    """The units, and somebody who answers for all others."""
    return [*map(_sim_device, units), _absent()]


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
            if values or function in ECHOED:
                return None  # a write's answer repeats the request: what cannot be read is not read for it
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
