"""The service on the file of a socket, behind nginx on the same machine, as docs/running.md says."""

import grp
import http.client
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.proxies import adapted, examples, free_port, running_nginx
from tests.conformance.service import SERVERS, Service, running_service
from tests.conformance.soap import PATH, call, envelope, members
from tests.scratch import scratch_folder

NGINX_USER = "www-data"
CALLERS = "127.0.0.9", "127.0.0.8"


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A folder for the socket, which the proxy's group may enter where we are root and so can say which group."""
    with scratch_folder("gatehouse-socket-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, 0, grp.getgrnam(NGINX_USER).gr_gid)
            folder.chmod(0o750)
        yield folder


def post(port: int, source: str, body: str) -> str:
    """Call from this address, through what listens on the port, and return the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    connection.request("POST", PATH, body.encode(), {"Content-Type": "text/xml; charset=utf-8"})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


@pytest.mark.parametrize("spoken_by", SERVERS)
def test_group_of_the_file_may_call_and_nobody_else(socket_folder: Path, tmp_path: Path, spoken_by: str) -> None:
    """The proxy is trusted because it could: each caller behind it has an address, and limits, of its own."""
    path, port = socket_folder / "gatehouse.sock", free_port()
    settings = {"GATEHOUSE_BIND": f"unix:{path}", "GATEHOUSE_SERVER": spoken_by}
    server = adapted(
        examples("nginx")[2],
        {"listen 443 ssl": f"listen 127.0.0.1:{port}", "/run/gatehouse/gatehouse.sock": str(path)},
    )
    user = NGINX_USER if os.geteuid() == 0 else None
    # Only root may say which groups a process is in: here the service is in that of nginx, and not nginx in its own.
    launcher = ["setpriv", f"--regid={NGINX_USER}", "--clear-groups"] if user else []
    with (
        running_service(tmp_path, settings=settings, launcher=launcher) as service,
        running_nginx(tmp_path / "nginx", server, port, user=user),
    ):
        mode = stat.S_IMODE(path.stat().st_mode)
        answers = [post(port, each, _login(service)) for each in CALLERS]
        if user is not None:
            assert pwd.getpwnam(user).pw_uid != path.stat().st_uid
            assert _is_refused_as("nobody", path)
        log = service.log

    assert mode == 0o660
    assert all("<a:Key>Success</a:Key>" in each for each in answers)
    assert all(f'"source": "{each}"' in log or f"source={each}" in log for each in CALLERS), log


def _login(service: Service) -> str:
    account = service.demo["accounts"][0]
    values = {"Email": account["email"], "Password": account["password"], "userrole": account["userrole"]}
    return envelope(call("Login", members(values | {"applicationToken": service.demo["applicationToken"]})))


def _is_refused_as(user: str, path: Path) -> bool:
    """Whether a process of this user, which is in no group of the file, cannot connect."""
    child = os.fork()
    if child == 0:
        found = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(found.pw_gid)
        os.setuid(found.pw_uid)
        try:
            socket.socket(socket.AF_UNIX).connect(str(path))
        except PermissionError:
            os._exit(7)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
