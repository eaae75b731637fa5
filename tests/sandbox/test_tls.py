"""The simulator over https: its certificate authority, and what clients see of it."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from sandbox.kit.tls import AUTHORITY_DAYS, RENEW_DAYS, SERVER_DAYS, identity
from sandbox.server import SandboxServer

NOW = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def strict(ca_file: Path) -> ssl.SSLContext:
    """As Python 3.13 and browsers check, whatever Python this is."""
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


async def test_https_serves_everything_that_http_does(tmp_path: Path) -> None:
    async with SandboxServer(tls=True, data_dir=tmp_path) as sandbox:
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(
            headers=sandbox.headers, verify=strict(sandbox.ca_file), trust_env=False
        ) as client:
            record = (await client.get(f"{sandbox.base_url}/sales/opportunities/88")).json()
            for place in ("localhost", "127.0.0.1"):
                found = await client.get(
                    f"https://{place}:{sandbox.url.rpartition(':')[2]}/login/companyinfo/training",
                    headers={"authorization": "", "clientId": ""},
                )
                assert found.json()["Codebase"] == "v4_6_release/"
            # Whatever address the simulator itself gives is one that can be followed.
            href = record["company"]["_info"]["company_href"]
            assert (await client.get(href)).json()["identifier"] == "Contoso"
            key_url = sandbox.app.api.key_url("no such key")
            assert key_url.startswith("https://127.0.0.1:")
            assert (await client.get(key_url)).json()["code"] == "NotFound"


async def test_who_does_not_trust_the_authority_gets_nothing(tmp_path: Path) -> None:
    stranger = identity(tmp_path, NOW).ca_file
    async with SandboxServer(tls=True) as sandbox:
        async with httpx.AsyncClient(verify=strict(stranger), trust_env=False) as client:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(sandbox.url)
        lasting = sandbox.ca_file
    assert not lasting.exists()


async def test_a_dropped_connection_is_dropped_under_tls_too(tmp_path: Path) -> None:
    async with (
        SandboxServer(tls=True, data_dir=tmp_path) as sandbox,
        httpx.AsyncClient(
            headers=sandbox.headers, verify=strict(sandbox.ca_file), trust_env=False
        ) as client,
    ):
        fault = {"kind": "lose_reply", "method": "POST", "path": "/sales"}
        await client.post(f"{sandbox.control_url}/faults", json=[fault])
        body = {"company": {"id": 250}, "status": {"id": 1}, "salesRep": {"id": 141}}
        with pytest.raises(httpx.TransportError):
            await client.post(f"{sandbox.base_url}/sales/orders", json=body)
        count = await client.get(f"{sandbox.base_url}/sales/orders/count")
        assert count.json() == {"count": 1}


def test_the_command_serves_https_and_prints_what_to_trust(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "sandbox", "--tls", "--json", "--port", "0"]
    command += ["--commerce-port", "0", "--quickbooks-port", "0", "--xero-port", "0"]
    with subprocess.Popen([*command, "--data-dir", tmp_path], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["ca_file"] == str(tmp_path / "tls" / "ca.pem")
            transport = httpx.HTTPTransport(verify=strict(Path(told["ca_file"])), retries=10)
            with httpx.Client(headers=told["connectwise_headers"], transport=transport) as client:
                answer = client.get(f"{told['connectwise']}/system/info")
            assert (answer.url.scheme, answer.status_code) == ("https", 200)
        finally:
            process.terminate()


def test_private_keys_are_their_owner_s_alone(tmp_path: Path) -> None:
    files = identity(tmp_path, NOW)
    keys = sorted((tmp_path / "tls").glob("*.key"))
    assert [key.name for key in keys] == ["ca.key", "server.key"]
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    files.key.chmod(0o644)
    identity(tmp_path, NOW)
    assert files.key.stat().st_mode & 0o777 == 0o600


def test_a_trusted_authority_stays_and_the_server_s_certificate_is_renewed_in_time(
    tmp_path: Path,
) -> None:
    first = identity(tmp_path, NOW)
    trusted, served = first.ca_file.read_bytes(), certificate(first.certificate)
    last_day = NOW + timedelta(days=SERVER_DAYS - RENEW_DAYS)
    identity(tmp_path, last_day)
    assert certificate(first.certificate) == served
    renewal = last_day + timedelta(seconds=1)
    identity(tmp_path, renewal)
    fresh = certificate(first.certificate)
    assert fresh != served
    assert fresh.not_valid_after_utc > renewal + timedelta(days=RENEW_DAYS)
    assert first.ca_file.read_bytes() == trusted
    fresh.verify_directly_issued_by(certificate(first.ca_file))


def test_an_authority_about_to_end_is_followed_by_another_and_never_outlived(
    tmp_path: Path,
) -> None:
    first = identity(tmp_path, NOW)
    trusted = first.ca_file.read_bytes()
    identity(tmp_path, NOW + timedelta(days=AUTHORITY_DAYS - SERVER_DAYS, seconds=1))
    assert first.ca_file.read_bytes() != trusted
    authority, server = certificate(first.ca_file), certificate(first.certificate)
    server.verify_directly_issued_by(authority)
    assert server.not_valid_after_utc < authority.not_valid_after_utc


@pytest.mark.parametrize("damaged", ["ca.pem", "ca.key", "server.pem", "server.key"])
def test_a_damaged_or_missing_file_is_made_again(tmp_path: Path, damaged: str) -> None:
    files = identity(tmp_path, NOW)
    trusted = files.ca_file.read_bytes()
    for content in (None, b"not PEM"):
        path = tmp_path / "tls" / damaged
        path.unlink() if content is None else path.write_bytes(content)
        identity(tmp_path, NOW)
        certificate(files.certificate).verify_directly_issued_by(certificate(files.ca_file))
        assert (files.ca_file.read_bytes() == trusted) is damaged.startswith("server")


def test_a_further_name_makes_a_new_certificate_of_the_same_authority(tmp_path: Path) -> None:
    files = identity(tmp_path, NOW)
    trusted = files.ca_file.read_bytes()
    identity(tmp_path, NOW, ("sandbox.test", "127.0.0.1", "10.1.2.3"))
    extension = certificate(files.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert extension.value.get_values_for_type(x509.DNSName) == ["localhost", "sandbox.test"]
    addresses = [str(each) for each in extension.value.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1", "10.1.2.3"]
    assert files.ca_file.read_bytes() == trusted
