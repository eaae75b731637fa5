"""A certificate authority of the simulators' own, for clients that insist on https.

Owns its files: the authority outlives the server's certificate, so that whoever trusts its file
once trusts every later start. Must not be used for anything that others can reach: its private
key lies beside it.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = "tls"
NAMES = ("localhost", "127.0.0.1", "::1")
AUTHORITY_DAYS = 3650
# Clients refuse certificates of servers that are valid for longer than 398 days.
SERVER_DAYS = 397
RENEW_DAYS = 30
# A client's clock may be behind ours.
SKEW = timedelta(days=1)

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """Files in PEM: the authority to trust, and the server's certificate with its private key."""

    ca_file: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: Key


def identity(data_dir: Path, now: datetime, names: Iterable[str] = ()) -> Identity:
    """The files of a data directory, made or renewed where they are missing, unreadable, about to
    expire, or without one of the names. Raises OSError.

    A new authority comes only when the old one cannot sign the server's certificate any more.
    """
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = Identity(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    wanted = tuple(dict.fromkeys((*NAMES, *names)))
    with _alone(folder):
        authority = _read(files.ca_file, folder / "ca.key")
        if authority is None or not _lasts(authority.certificate, now, SERVER_DAYS):
            authority = _new_authority(now)
            _write(files.ca_file, folder / "ca.key", authority)
        server = _read(files.certificate, files.key)
        if server is None or not _serves(server.certificate, authority, now, wanted):
            _write(files.certificate, files.key, _new_server(authority, now, wanted))
    return files


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two servers may start at once from one data directory."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(certificate: Path, key: Path) -> _Pair | None:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        return None
    if found.public_key() != secret.public_key():
        return None
    key.chmod(0o600)
    return _Pair(found, secret)


def _lasts(certificate: x509.Certificate, now: datetime, days: int) -> bool:
    begun = certificate.not_valid_before_utc <= now
    return begun and certificate.not_valid_after_utc >= now + timedelta(days=days)


def _serves(
    certificate: x509.Certificate, authority: _Pair, now: datetime, wanted: tuple[str, ...]
) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    known = all(_general(name) in names for name in wanted)
    return known and _lasts(certificate, now, RENEW_DAYS)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _new_authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("Demandlink sandbox CA")
    built = _begun(name, name, key, now, AUTHORITY_DAYS).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return _Pair(_finished(built, key, key, signs=True), key)


def _new_server(authority: _Pair, now: datetime, names: tuple[str, ...]) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject
    built = (
        _begun(_named("Demandlink sandbox"), issuer, key, now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return _Pair(_finished(built, key, authority.key, signs=False), key)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _finished(
    built: x509.CertificateBuilder, key: Key, signer: Key, *, signs: bool
) -> x509.Certificate:
    """With what strict clients look for: key usage, and the identifiers of both keys."""
    usage = x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        built.add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer, critical=False)
        .sign(signer, hashes.SHA256())
    )


def _write(certificate: Path, key: Path, pair: _Pair) -> None:
    """The key first: a certificate without its key is made again at the next start."""
    secret = pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _replace(key, secret, 0o600)
    _replace(certificate, pair.certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """A new file at once, with its rights from the first moment."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    fresh.replace(path)
