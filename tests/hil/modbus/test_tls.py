"""Modbus Security on real sockets: who gets in, who may write, and what the others are told."""

import asyncio
import ssl
from dataclasses import replace

import pytest

from benchmarks.certificates import Authority
from hil.modbus.errors import NotConnected, Refused, TransportError
from hil.modbus.server import DeviceServer
from hil.modbus.tls import TlsTransport, role_of
from hil.modbus.transport import TcpTransport
from hil.registers.schema import Table
from tests.strategies.bus import Memory, within


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


async def served(authority, action, identity, **server_name):
    unit = Memory(1)
    server = DeviceServer("127.0.0.1", 0, [unit], identity=authority.issue("server"))
    await server.start()
    transport = TlsTransport("127.0.0.1", server.port, identity=identity, **server_name)
    try:
        await transport.connect()
        await action(transport)
        return unit
    finally:
        await transport.close()
        await server.stop()


async def read(transport):
    assert await transport.read(1, Table.HOLDING, 100, 2) == [0, 0]


async def write(transport):
    await transport.write(1, Table.HOLDING, 100, [17])


def test_an_operator_writes(authority):
    unit = within(10, served(authority, write, authority.issue("desk", "operator")))
    assert unit.words[0] == 17


def test_a_historian_reads_and_is_refused_to_write_with_exception_1(authority):
    async def both(transport):
        await read(transport)
        with pytest.raises(Refused, match=r"exception 1 \(illegal function: the role in our certificate may not"):
            await write(transport)
        await read(transport)  # and the connection stands

    assert within(10, served(authority, both, authority.issue("archive", "historian"))).words[0] == 0


@pytest.mark.parametrize("role", [None, "visitor"])
def test_who_has_no_known_role_may_nothing(authority, role):
    with pytest.raises(Refused, match="exception 1"):
        within(10, served(authority, read, authority.issue("guest", role)))


def test_a_certificate_of_another_authority_is_refused(authority, tmp_path):
    stranger = Authority(tmp_path, "other").issue("desk", "operator")
    trusting = replace(stranger, authority=authority.path)  # believes the server; the server does not believe it
    with pytest.raises(NotConnected, match=r"(?i)unknown.ca"):
        within(10, served(authority, read, trusting))


def test_an_expired_certificate_is_refused(authority):
    with pytest.raises(NotConnected, match=r"(?i)expired"):
        within(10, served(authority, read, authority.issue("old", "operator", expired=True)))


def test_no_certificate_is_refused(authority):
    class Anonymous(TlsTransport):
        def __init__(self, *args, identity, **kwargs):
            super().__init__(*args, identity=identity, **kwargs)
            self._context = ssl.create_default_context(cafile=str(identity.authority))

    async def main():
        server = DeviceServer("127.0.0.1", 0, [Memory(1)], identity=authority.issue("server"))
        await server.start()
        transport = Anonymous("127.0.0.1", server.port, identity=authority.issue("desk", "operator"))
        await transport.connect()  # with TLS 1.3 the client is through before the server has looked
        with pytest.raises(NotConnected, match=r"(?i)certificate.required"):
            await read(transport)
        await transport.close()
        await server.stop()

    within(10, main())


def test_a_server_of_another_name_or_authority_is_not_believed(authority, tmp_path):
    desk = authority.issue("desk", "operator")
    with pytest.raises(NotConnected, match=r"(?i)host|name|mismatch"):
        within(10, served(authority, read, desk, server_name="cdu.example"))
    other = Authority(tmp_path, "other")
    with pytest.raises(NotConnected, match=r"(?i)certificate verify failed"):
        within(10, served(authority, read, replace(desk, authority=other.path)))


def test_old_tls_and_plain_tcp_are_refused(authority):
    async def main():
        server = DeviceServer("127.0.0.1", 0, [Memory(1)], identity=authority.issue("server"))
        await server.start()
        plain = TcpTransport("127.0.0.1", server.port, 0.3)
        await plain.connect()
        with pytest.raises(TransportError):
            await read(plain)
        await plain.close()
        context = authority.issue("desk", "operator").client()
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
        await server.stop()

    within(10, main())


def test_roles_are_read_from_the_extension(authority):
    def der(identity):
        return ssl.PEM_cert_to_DER_cert(identity.certificate.read_text())

    assert role_of(der(authority.issue("a", "operator"))) == "operator"
    assert role_of(der(authority.issue("b"))) is None


def test_unusable_files_are_named(authority, tmp_path):
    identity = authority.issue("desk", "operator")
    with pytest.raises(ValueError, match="nowhere"):
        replace(identity, key=tmp_path / "nowhere.key").client()
