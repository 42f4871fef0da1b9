"""Starts the practice organization over TLS and signs in to it, as any client would."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.parse

import requests
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

PROGRAM = os.environ.get(
    "COMPANION_PROGRAM",
    str(pathlib.Path(__file__).resolve().parents[3] / "target/debug/companion"),
)


class Credential:
    """A token credential of `azure.core`: client credentials at the practice Entra endpoint."""

    def __init__(self, description, client):
        self._description = description
        self._client = client
        self._token = None
        self.scopes = []

    def get_token(self, *scopes, **_options):
        self.scopes.append(scopes)
        if self._token is None:
            tenant = self._description["tenant_id"]
            answer = requests.post(
                f"{self._description['authority_url']}/{tenant}/oauth2/v2.0/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": self._client["client_id"],
                    "client_secret": self._client["client_secret"],
                    "scope": " ".join(scopes),
                },
                timeout=10,
            )
            answer.raise_for_status()
            body = answer.json()
            self._token = AccessToken(body["access_token"], int(time.time()) + int(body["expires_in"]))
        return self._token


class Practice:
    """A running practice organization without business data."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [PROGRAM, "sandbox", "--seed", "empty", "--tls", self._folder.name],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{PROGRAM} ended with {self._process.wait()} before it was ready")
        self.description = json.loads(line)
        # The variable that `requests` documents, and with it every client that is built on it.
        os.environ["REQUESTS_CA_BUNDLE"] = str(pathlib.Path(self._folder.name) / "ca.pem")
        self.url = self.description["organization_url"]
        assert urllib.parse.urlsplit(self.url).scheme == "https"

    def client(self, guide=False):
        """The library, for the administrator or for the integration guide's application user."""
        who = self.description if guide else self.description["administrator"]
        return DataverseClient(self.url, Credential(self.description, who))

    def session(self):
        """A `requests` session that is signed in as the administrator."""
        token = Credential(self.description, self.description["administrator"]).get_token(f"{self.url}/.default")
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token.token}"
        return session

    def stop(self):
        """Ends the process."""
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()
