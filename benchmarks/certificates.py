"""Certificates for an afternoon: an authority, a server on 127.0.0.1, clients with a role."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hil.modbus.tls import ROLE_OID, UTF8_STRING, Identity

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Authority:
    """Signs certificates and keeps their files in ``folder``."""

    def __init__(self, folder: Path, name: str = "plant") -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} authority")])
        builder = self._builder(self.subject, self.key.public_key(), NOW + DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.path = folder / f"{name}_authority.pem"
        self.path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, role: str | None = None, *, expired: bool = False, host: str = "127.0.0.1") -> Identity:
        """A certificate with its key; ``role`` as Modbus Security wants it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key.public_key(), NOW - DAY / 24 if expired else NOW + DAY)
        names = [x509.IPAddress(ipaddress.ip_address(host)), x509.DNSName("localhost")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if role is not None:
            text = role.encode()
            value = x509.UnrecognizedExtension(x509.ObjectIdentifier(ROLE_OID), bytes([UTF8_STRING, len(text)]) + text)
            builder = builder.add_extension(value, critical=False)
        certificate, private = self.folder / f"{self.name}_{name}.pem", self.folder / f"{self.name}_{name}.key"
        signed = builder.sign(self.key, hashes.SHA256())
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return Identity(certificate, private, self.path)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, end: dt.datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 2 * DAY)
            .not_valid_after(end)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
