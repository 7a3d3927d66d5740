"""Modbus Security: TLS 1.2 or newer, both sides with a certificate, the client's role written in its own.

MODBUS/TCP Security Protocol Specification (MB-TCP-Security-v21): port 802, MBAP framing inside, role in the extension
1.3.6.1.4.1.50316.802.1 as an ASN.1 UTF8String.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil.modbus.errors import Refused
from hil.modbus.request import Request
from hil.modbus.transport import TcpTransport
from hil.modbus.turns import Rank
from hil.modbus.wire import Wire

PORT: Final = 802
ROLE_OID: Final = "1.3.6.1.4.1.50316.802.1"
HANDSHAKE: Final = 3.0
"""s, at least, for a connection: certificates are checked on both sides"""
UTF8_STRING: Final = 0x0C

ILLEGAL_FUNCTION: Final = 1
MEANINGS: Final = {
    "CERTIFICATE_REQUIRED": "the device asks for a certificate and got none",
    "HANDSHAKE_FAILURE": "the device asks for a certificate and got none, or knows no common cipher",
    "ALERT_UNKNOWN_CA": "the device does not believe the authority of our certificate",
    "ALERT_CERTIFICATE_EXPIRED": "our certificate has expired",
    "ALERT_BAD_CERTIFICATE": "the device does not accept our certificate",
    "certificate has expired": "the device's certificate has expired",
    "mismatch": "the device's certificate is for another name",
    "CERTIFICATE_VERIFY_FAILED": "we do not believe the authority of the device's certificate",
}
"""parts of what OpenSSL says, in order"""

log = logging.getLogger(__name__)


class _Outspoken(ssl.SSLObject):
    """Lets the alert go out that says why a client is refused; asyncio alone would hang up without a word."""

    _told = False

    def do_handshake(self) -> None:
        """By asyncio. "Wants to read" makes it send what there is to send; then the client hangs up."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if self._told:
                raise
            self._told = True
            log.warning("a client was refused: %s", error)
            raise ssl.SSLWantReadError from error


@dataclass(frozen=True, slots=True)
class Identity:
    """Who one is, and whom one believes: PEM files of certificate and key, and of the authority of the peers."""

    certificate: Path
    key: Path
    authority: Path

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_cert_chain(self.certificate, self.key)
            context.load_verify_locations(self.authority)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(map(str, (self.certificate, self.key, self.authority)))
            raise ValueError(f"certificate, key and authority cannot be used together ({files}): {error}") from None
        return context

    def client(self) -> ssl.SSLContext:
        """A client's context: the server's name and certificate are checked. Raises ValueError for unusable files."""
        return self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def server(self) -> ssl.SSLContext:
        """A server's context: clients without a certificate are refused. Raises ValueError for unusable files."""
        context = self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        context.sslobject_class = _Outspoken
        return context


class TlsTransport(TcpTransport):
    """Modbus TCP inside TLS. ``server_name`` is the name in the device's certificate, by default the host."""

    def __init__(
        self,
        host: str,
        port: int = PORT,
        timeout: float = 0.5,
        *,
        identity: Identity,
        server_name: str | None = None,
        spacing: float = 0.0,
    ) -> None:
        super().__init__(host, port, timeout, spacing=spacing)
        self.connect_timeout = max(timeout, HANDSHAKE)
        self._context, self._server_name = identity.client(), server_name or host

    @staticmethod
    def _why(error: Exception) -> str:
        return in_words(error)

    async def _open(self, wire: Wire) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: wire, self.host, self.port, ssl=self._context, server_hostname=self._server_name
            )
        except ssl.SSLError as error:
            raise OSError(in_words(error)) from None

    async def _ask(self, request: Request, rank: Rank) -> list[int]:
        """By Modbus Security exception 1 is also the answer to who has not the right."""
        try:
            return await super()._ask(request, rank)
        except Refused as error:
            if error.code != ILLEGAL_FUNCTION:
                raise
            raise Refused(error.code, error.what, "the role in our certificate may not, or it has none") from None


def in_words(error: Exception) -> str:
    """What a failed handshake means, before what the library says."""
    text = str(error)
    for part, meaning in MEANINGS.items():
        if part in text:
            return f"{meaning} ({text})"
    return text


def role_of(certificate: bytes) -> str | None:
    """The role in a DER certificate; None if it has none. Raises ValueError if the extension is no UTF8String."""
    from cryptography import x509  # slow to load, and only servers need it

    for extension in x509.load_der_x509_certificate(certificate).extensions:
        if extension.oid.dotted_string == ROLE_OID:
            assert isinstance(extension.value, x509.UnrecognizedExtension)
            value = extension.value.value
            if len(value) < 2 or value[0] != UTF8_STRING or value[1] != len(value) - 2:
                raise ValueError(f"extension {ROLE_OID} is no short UTF8String: {value.hex()}")
            return value[2:].decode("utf-8")
    return None
