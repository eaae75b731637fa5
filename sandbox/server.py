"""Each simulator as a server on a port of its own, inside this process.

Owns what a test needs to reach one: addresses and credentials. The command line runs the same
applications in the foreground.
"""

from __future__ import annotations

from pathlib import Path

from sandbox.commerce.app import API_KEY, CommerceApplication
from sandbox.commerce.app import create_app as create_commerce
from sandbox.connectwise.app import ConnectWiseApplication, create_app
from sandbox.connectwise.http.api import Credentials
from sandbox.kit.serving import Running
from sandbox.quickbooks.app import QuickBooksApplication
from sandbox.quickbooks.app import create_app as create_quickbooks
from sandbox.quickbooks.http.oauth import Registration
from sandbox.xero.app import XeroApplication
from sandbox.xero.app import create_app as create_xero
from sandbox.xero.http.tokens import Credentials as XeroCredentials


class SandboxServer(Running[ConnectWiseApplication]):
    """A running ConnectWise simulator: `async with SandboxServer() as sandbox: ...`.

    `base_url` reaches up to `/apis/3.0`, `headers` authenticate.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: Credentials | None = None,
        tls: bool = False,
        data_dir: Path | None = None,
    ) -> None:
        self.credentials = credentials or Credentials()
        app = create_app(credentials=self.credentials)
        super().__init__(app, host=host, port=port, tls=tls, data_dir=data_dir)

    @property
    def base_url(self) -> str:
        return self.app.psa.base_url

    @property
    def headers(self) -> dict[str, str]:
        return self.credentials.headers


class CommerceServer(Running[CommerceApplication]):
    """A running Commerce simulator. Below `url` stand `/v1` and `/_sandbox`."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = API_KEY,
        tls: bool = False,
        data_dir: Path | None = None,
    ) -> None:
        self.api_key = api_key
        app = create_commerce(api_key=api_key)
        super().__init__(app, host=host, port=port, tls=tls, data_dir=data_dir)


class QuickBooksServer(Running[QuickBooksApplication]):
    """A running QuickBooks simulator. `url` stands for each of the vendor's hosts; `headers`
    authenticate with a token that never ends, for those who are not here to sign in."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        registration: Registration | None = None,
        tls: bool = False,
        data_dir: Path | None = None,
    ) -> None:
        self.registration = registration or Registration()
        app = create_quickbooks(registration=self.registration)
        super().__init__(app, host=host, port=port, tls=tls, data_dir=data_dir)

    @property
    def realm(self) -> str:
        return self.registration.realm

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.registration.lasting_token}"}


class XeroServer(Running[XeroApplication]):
    """A running Xero simulator. `url` stands for each of the vendor's hosts, `base_url` reaches up
    to the accounting API's root, `headers` authenticate with a token that never ends."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: XeroCredentials | None = None,
        tls: bool = False,
        data_dir: Path | None = None,
    ) -> None:
        self.credentials = credentials or XeroCredentials()
        app = create_xero(credentials=self.credentials)
        super().__init__(app, host=host, port=port, tls=tls, data_dir=data_dir)

    @property
    def base_url(self) -> str:
        return self.app.base_url

    @property
    def headers(self) -> dict[str, str]:
        return self.credentials.headers
