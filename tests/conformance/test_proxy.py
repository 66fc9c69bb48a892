"""The service behind real proxies with TLS, in the configurations of docs/running.md."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.certificates import NAME, Authority
from tests.conformance.proxies import adapted, examples, free_port, running_haproxy, running_nginx
from tests.conformance.service import Service, running_service
from tests.conformance.soap import PATH, call, envelope, members

CALLER, OUTER, INNER = "127.0.0.9", "127.0.0.2", "127.0.0.3"
"""Addresses of this machine from which caller and proxies connect; the service trusts the latter two."""

ADDRESSES = re.compile(r'(?:location|schemaLocation|href)="(https?://[^"?]*)')


@dataclass(frozen=True)
class Entrance:
    """Where callers come in, and what is behind it."""

    port: int
    authority: Authority
    service: Service

    @property
    def url(self) -> str:
        """Scheme, host and port as callers write them."""
        return f"https://{NAME}:{self.port}"

    def curl(self, path: str, *options: str) -> str:
        """Return what curl prints, head of the answer included."""
        resolve = f"{NAME}:{self.port}:127.0.0.1"
        command = ["curl", "-sSi", "--max-time", "20", "--interface", CALLER, "--resolve", resolve]
        command += ["--cacert", str(self.authority.certificate), *options, self.url + path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log_in(self, *options: str) -> str:
        """Log in with curl and return the answer."""
        return self.curl(PATH, "-H", "Content-Type: text/xml; charset=utf-8", "-d", login(self.service), *options)


def login(service: Service) -> str:
    """Return the envelope of a login that asks for every cookie."""
    account = service.demo["accounts"][0]
    values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}
    values |= {"applicationToken": service.demo["applicationToken"], "setCookie": "true"}
    return envelope(call("Login", members(values)))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the proxies' certificate."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def trusting_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that trusts both proxies, and has no public URL."""
    settings = {"GATEHOUSE_TRUSTED_PROXIES": f"{OUTER},{INNER}"}
    with running_service(tmp_path_factory.mktemp("trusting"), settings=settings) as service:
        yield service


def outer_nginx(authority: Authority, port: int, behind: str, extra: dict[str, str] | None = None) -> str:
    """Return the first nginx example, for this machine."""
    certificate, key = authority.sign("nginx")
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/login.example.com.pem": str(certificate),
        "/etc/ssl/login.example.com.key": str(key),
        "http://127.0.0.1:8080": behind,
    }
    return adapted(examples("nginx")[0], (extra or {}) | changes)


@pytest.fixture(scope="module")
def one_nginx(authority: Authority, trusting_service: Service, tmp_path_factory) -> Iterator[Entrance]:
    """Through nginx alone."""
    port = free_port()
    config = outer_nginx(authority, port, trusting_service.url)
    with running_nginx(tmp_path_factory.mktemp("nginx") / "one", config, port, OUTER):
        yield Entrance(port, authority, trusting_service)


@pytest.fixture(scope="module")
def two_nginx(authority: Authority, trusting_service: Service, tmp_path_factory) -> Iterator[Entrance]:
    """Through nginx behind nginx."""
    port, inner_port = free_port(), free_port()
    changes = {"listen 8081": f"listen 127.0.0.1:{inner_port}", "http://127.0.0.1:8080": trusting_service.url}
    inner = adapted(examples("nginx")[1], changes)
    outer = outer_nginx(authority, port, f"http://127.0.0.1:{inner_port}")
    folder = tmp_path_factory.mktemp("nginx")
    with (
        running_nginx(folder / "inner", inner, inner_port, INNER),
        running_nginx(folder / "outer", outer, port, OUTER),
    ):
        yield Entrance(port, authority, trusting_service)


@pytest.fixture(scope="module")
def haproxy(authority: Authority, trusting_service: Service, tmp_path_factory) -> Iterator[Entrance]:
    """Through HAProxy."""
    port = free_port()
    certificate, key = authority.sign("haproxy")
    both = certificate.with_name("haproxy.both.pem")
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    changes = {
        "bind :443": f"bind 127.0.0.1:{port}",
        "/etc/ssl/login.example.com.both.pem": str(both),
        "127.0.0.1:8080 check": f"127.0.0.1:{trusting_service.port} check source {OUTER}",
    }
    config = adapted(examples("haproxy")[0], changes)
    with running_haproxy(tmp_path_factory.mktemp("haproxy") / "one", config, port):
        yield Entrance(port, authority, trusting_service)


@pytest.fixture(params=["one_nginx", "two_nginx", "haproxy"])
def entrance(request: pytest.FixtureRequest) -> Entrance:
    """Each way in."""
    found: Entrance = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("query", ["?wsdl", "?singleWsdl", "?wsdl&binding=soap12", ""])
def test_addresses_are_those_of_the_outside(entrance: Entrance, query: str) -> None:
    """With the scheme and port that the caller sees: in the documents, in what they import, and on the help page."""
    answer = entrance.curl(PATH + query)

    found = set(ADDRESSES.findall(answer))
    assert found == {entrance.url + PATH}
    assert f":{entrance.service.port}" not in answer
    for imported in set(re.findall(r"\?xsd=xsd\d", answer)):
        assert "<xs:schema" in entrance.curl(PATH + imported)


def test_caller_is_the_one_before_the_proxies(entrance: Entrance) -> None:
    """What a caller makes up of addresses before it is not believed, and its cookies are secure."""
    before = len(entrance.service.log)

    answer = entrance.log_in("-H", "X-Forwarded-For: 203.0.113.7", "-H", "X-Forwarded-Proto: http")

    assert "<Key>Success</Key>" in answer.replace("b:", "").replace("a:", "")
    cookies = re.findall(r"^set-cookie: (.*?)\r?$", answer, re.IGNORECASE | re.MULTILINE)
    assert len(cookies) == 2
    assert all(each.endswith("Secure") for each in cookies)
    logged = entrance.service.log[before:]
    assert CALLER in logged
    assert "203.0.113.7" not in logged


def test_made_up_headers_of_a_caller_change_nothing(entrance: Entrance) -> None:
    """The outermost proxy writes its own over them."""
    made_up = ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "Forwarded: host=evil.example;proto=http"]

    answer = entrance.curl(f"{PATH}?singleWsdl", *(part for each in made_up for part in ("-H", each)))

    assert set(ADDRESSES.findall(answer)) == {entrance.url + PATH}
    assert "evil" not in answer


def test_headers_that_come_past_the_proxies_change_nothing(one_nginx: Entrance) -> None:
    """Who reaches the service directly is nobody that it trusts."""
    service = one_nginx.service
    headers = ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.7"]
    options = [part for each in headers for part in ("-H", each)]
    before = len(service.log)

    described = direct(service, f"{PATH}?singleWsdl", *options)
    answer = direct(service, PATH, *options, "-H", "Content-Type: text/xml", "-d", login(service))

    assert set(ADDRESSES.findall(described)) == {service.url + PATH}
    assert "Set-Cookie: credentialsToken=" in answer
    assert "Secure" not in answer
    assert "203.0.113.7" not in service.log[before:]


def direct(service: Service, path: str, *options: str) -> str:
    """Return what curl prints of the service without a proxy."""
    command = ["curl", "-sSi", "--max-time", "20", *options, service.url + path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def public_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a public URL that has a path, and that trusts the outer proxy."""
    settings = {"GATEHOUSE_PUBLIC_URL": f"https://{NAME}/login", "GATEHOUSE_TRUSTED_PROXIES": OUTER}
    with running_service(tmp_path_factory.mktemp("public"), settings=settings) as service:
        yield service


@pytest.mark.parametrize("query", ["?wsdl", "?singleWsdl", ""])
def test_public_url_goes_before_every_request(public_service: Service, query: str) -> None:
    """Whatever host the request names, and whatever headers it has."""
    headers = ["Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"]
    options = [part for each in headers for part in ("-H", each)]

    for trusted in ([], ["--interface", OUTER]):
        answer = direct(public_service, PATH + query, *options, *trusted)

        assert set(ADDRESSES.findall(answer)) == {f"https://{NAME}/login{PATH}"}
        assert "evil" not in answer


def test_service_under_a_path(authority: Authority, public_service: Service, tmp_path: Path) -> None:
    """The proxy takes the path away; calls, pages and links go through it."""
    port = free_port()
    config = outer_nginx(authority, port, f"{public_service.url}/", {"location / {": "location /login/ {"})
    with running_nginx(tmp_path / "nginx", config, port, OUTER):
        entrance = Entrance(port, authority, public_service)

        answer = entrance.curl(f"/login{PATH}", "-H", "Content-Type: text/xml", "-d", login(public_service))
        page = entrance.curl("/login/reset?code=none")
        sheet = next(each for each in re.findall(r'href="([^"]*\.css)"', page) if "static" in each)

        assert "Secure" in answer
        assert "CredentialsToken>" in answer
        assert "200 OK" in entrance.curl(f"/login/{sheet}").splitlines()[0]


def test_php_logs_in(entrance: Entrance, tmp_path: Path) -> None:
    """The description comes by https, and the address in it is called by https: nothing is set on the client."""
    php = shutil.which("php")
    assert php, "There is no php. Install the packages php-cli and php-soap."
    account = entrance.service.demo["accounts"][0]
    given = {
        "url": f"https://localhost:{entrance.port}{PATH}?wsdl",
        "authority": str(entrance.authority.certificate),
        "login": {
            "Email": account["email"],
            "Password": account["password"],
            "userrole": account["userrole"],
            "applicationToken": entrance.service.demo["applicationToken"],
        },
    }
    script = tmp_path / "login.php"
    script.write_text(
        """<?php
        $given = json_decode(stream_get_contents(STDIN), true);
        $tls = ['cafile' => $given['authority'], 'verify_peer' => true, 'verify_peer_name' => true];
        $context = stream_context_create(['ssl' => $tls]);
        $client = new SoapClient($given['url'], ['stream_context' => $context, 'cache_wsdl' => WSDL_CACHE_NONE]);
        $result = $client->Login($given['login'])->LoginResult;
        echo json_encode([$result->Key, strlen($result->CredentialsToken) > 20]);
        """,
        encoding="utf-8",
    )

    done = subprocess.run([php, script], input=json.dumps(given), capture_output=True, text=True, timeout=60)

    assert done.stdout == '["Success",true]', done.stdout + done.stderr
