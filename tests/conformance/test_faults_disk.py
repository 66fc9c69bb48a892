"""A full disk, and a folder in which nobody may write: told to the caller, and over when there is room again."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.killing.client import Client
from scripts.killing.running import faults_of_file
from tests.conformance.load import MAILS_WITHIN, SETTINGS, Load
from tests.conformance.outages import UNAVAILABLE, ask_every_front, assert_tells_nothing, processes, wait_until
from tests.conformance.service import Service, running_service

DISK_BYTES = 80 * 1024 * 1024
"""More than twice the 32 MB that the database's log may have: what is freed has to be room for it, and for the file."""

SHORT_OF_ANYTHING = 256
"""Bytes: less than a mail, and than a page in the database's log, whether that goes on or begins anew."""

PIPING = ["bash", "-c", 'exec "$@" 2> >(exec cat >&2)', "bash"]
"""What runs the service so that its log is none of its files."""

PRIVILEGES = "-dac_override,-dac_read_search"
"""What lets root write where it may not."""

pytestmark = pytest.mark.timeout(240)
"""A mail whose worker lost its database in the middle comes a minute later."""


class SmallDisk:
    """A disk of its own for a folder."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that it is mounted on."""
        self._filler = folder / "filler"

    def fill(self, _service: Service) -> None:
        """Leave no room."""
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def free(self, _service: Service) -> None:
        """Give the room back."""
        self._filler.unlink()


class LimitedFiles:
    """What stands for a full disk, also where nobody may mount one: what is too long for a file fails with EFBIG."""

    def fill(self, service: Service) -> None:
        """Let nothing be written whole."""
        self._limit(service, SHORT_OF_ANYTHING)

    def free(self, service: Service) -> None:
        """Take the limit away."""
        self._limit(service, resource.RLIM_INFINITY)

    def _limit(self, service: Service, size: int) -> None:
        for each in processes(service):
            _, most = resource.prlimit(each, resource.RLIMIT_FSIZE)
            resource.prlimit(each, resource.RLIMIT_FSIZE, (size, most))


def _may_mount() -> bool:
    """Whether this machine lets us mount anything. Most containers do not, also not root."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


FULL = ["limit", "disk"] if _may_mount() else ["limit"]
"""What becomes full. The limit can be had everywhere, so that nothing goes untested; a disk is the real thing."""


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[SmallDisk]:
    """Mount a small disk on a folder."""
    options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "none", str(folder)]
    subprocess.run(["mount", *options], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    """The folder that becomes full."""
    folder = tmp_path / "small"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(params=FULL)
def disk(request: pytest.FixtureRequest, small_folder: Path) -> Iterator[SmallDisk | LimitedFiles]:
    """What can be filled and freed."""
    if request.param == "limit":
        yield LimitedFiles()
        return
    with mounted(small_folder) as small:
        yield small


def test_database_on_a_full_disk(disk: SmallDisk | LimitedFiles, small_folder: Path, tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, and the file is whole."""
    path = small_folder / "gatehouse.db"
    with running_service(tmp_path, f"sqlite:///{path}", SETTINGS, PIPING) as service:
        before = processes(service)
        with Load(service) as load:
            load.wait_for_answers()
            disk.fill(service)
            load.wait_for_refusals()
            answers = ask_every_front(service)
            disk.free(service)
            load.wait_for_answers()

        assert answers.outcomes["SOAP"] == (200, "ServiceUnavailable")
        assert answers.outcomes["healthz"] == (200, "alive")
        assert_tells_nothing(*answers.texts, service.log, besides=tmp_path)
        load.assert_right()
        assert processes(service) == before
        load.assert_mails_come()
    assert faults_of_file(path) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_mails_wait_while_their_disk_is_full(
    disk: SmallDisk | LimitedFiles, small_folder: Path, tmp_path: Path, database_url: str
) -> None:
    """The call is answered as always; its mail comes when there is room, and never in part.

    Mails are all that the service writes to files here: the database is a server's, and the log goes through a pipe.
    """
    settings = SETTINGS | {"GATEHOUSE_MAIL_URL": f"file:{small_folder / 'mail'}"}
    with running_service(tmp_path, database_url, settings, PIPING) as service:
        _assert_mails_wait(service, small_folder / "mail", lambda: disk.fill(service), lambda: disk.free(service))


@pytest.fixture
def launcher() -> list[str]:
    """What runs the service so that rights of files count for it, also where it is root's."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "setpriv is missing; install Debian's package util-linux"
    return [setpriv, f"--bounding-set={PRIVILEGES}", f"--inh-caps={PRIVILEGES}"]


def test_mails_wait_while_nobody_may_write_to_their_folder(
    small_folder: Path, tmp_path: Path, launcher: list[str]
) -> None:
    """As on a disk that became read-only."""
    settings = SETTINGS | {"GATEHOUSE_MAIL_URL": f"file:{small_folder}"}
    with running_service(tmp_path, settings=settings, launcher=launcher) as service:
        _assert_mails_wait(service, small_folder, lambda: small_folder.chmod(0o500), lambda: small_folder.chmod(0o700))


def _assert_mails_wait(service: Service, folder: Path, close: Callable[[], None], reopen: Callable[[], None]) -> None:
    account = service.demo["accounts"][0]
    with contextlib.closing(Client(service.port, service.demo["applicationToken"])) as client:
        close()
        for _ in range(3):
            assert client.call("ResetPassword", {"Email": account["email"]}).key == "Success"
        wait_until(lambda: service.log.count("the folder cannot be written") >= 3, 60, lambda: "no mail was tried")
        assert list(folder.glob("*.eml")) == []

        reopen()
        wait_until(lambda: len(list(folder.glob("*.eml"))) == 3, MAILS_WITHIN, lambda: "the mails do not come")
    assert all("temporary password" in each.read_text(encoding="utf-8") for each in folder.glob("*.eml"))
    assert [each.name for each in folder.iterdir() if each.name.startswith(".")] == []
    assert_tells_nothing(service.log, besides=service.folder)


def test_database_in_a_folder_where_nobody_may_write(small_folder: Path, tmp_path: Path, launcher: list[str]) -> None:
    """Also for a process that begins meanwhile, which opens the file for reading: it writes again without a restart."""
    path = small_folder / "gatehouse.db"
    with running_service(tmp_path, f"sqlite:///{path}", SETTINGS, launcher) as service:
        with Load(service) as load:
            load.wait_for_answers()
            files = list(small_folder.iterdir())
            for each in files:
                each.chmod(0o400)
            small_folder.chmod(0o500)
            # What is open stays open; only a new process has to open the file again.
            before = set(processes(service))
            for each in before:
                os.kill(each, signal.SIGTERM)
            wait_until(lambda: not before & set(processes(service)), 60, lambda: "the processes are not replaced")
            load.wait_for_refusals()
            answers = ask_every_front(service)
            begun = processes(service)
            small_folder.chmod(0o700)
            for each in files:
                each.chmod(0o600)
            load.wait_for_answers()

        assert answers.outcomes == UNAVAILABLE
        assert_tells_nothing(*answers.texts, service.log, besides=tmp_path)
        assert processes(service) == begun
        load.assert_right()
        load.assert_mails_come()
    assert faults_of_file(path) == []
