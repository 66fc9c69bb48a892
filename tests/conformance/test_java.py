"""Clients of Java, generated from the live description: by wsimport (JAX-WS) and by WSDL2Java of Axis 1."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.service import Service
from tests.conformance.soap import PATH

STORIES = Path(__file__).parent / "java"
LIBRARIES = Path("/usr/share/java")

JAX_WS = [
    *("jaxws-tools", "jaxws-rt", "jaxws-ri-runtime", "wscompile", "jaxws-api", "jws-api", "saaj", "saaj-impl"),
    *("jaxb-xjc", "jaxb-jxc", "jaxb-runtime", "jaxb-impl", "jaxb-core", "jaxb-api", "codemodel", "xsom", "rngom"),
    *("relaxngDatatype", "dtd-parser", "istack-commons-runtime", "istack-commons-tools", "txw2", "javax.activation"),
    *("stax-ex", "stax2-api", "woodstox-core", "streambuffer", "mimepull", "metro-policy", "xml-resolver"),
    *("gmbal", "glassfish-management-api", "glassfish-pfl-basic", "glassfish-pfl-tf", "FastInfoset", "asm"),
    "geronimo-annotation-1.3-spec",
]
"""What the package libjaxws-java brings. wsimport was part of the JDK until Java 10."""

AXIS = [
    *("axis", "axis-jaxrpc", "axis-saaj", "jaxrpc", "commons-logging", "commons-discovery", "commons-httpclient"),
    *("wsdl4j", "javax.mail", "javax.activation"),
]
"""What the package libaxis-java brings."""

PROGRAM_SECONDS = 120

pytestmark = pytest.mark.timeout(4 * PROGRAM_SECONDS)


def java(program: str, folder: Path, libraries: list[str], *arguments: str) -> str:
    """Run `java` or `javac` with these libraries and return what it prints."""
    found = shutil.which(program)
    missing = [each for each in libraries if not (LIBRARIES / f"{each}.jar").exists()]
    if found is None or missing:
        names = "default-jdk-headless, libjaxws-java and libaxis-java"
        pytest.fail(f"Java or {missing} is missing. Install the packages {names}.", pytrace=False)
    path = ":".join([str(folder), *(str(LIBRARIES / f"{each}.jar") for each in libraries)])
    done = subprocess.run(
        [found, "-cp", path, *arguments], cwd=folder, capture_output=True, text=True, timeout=PROGRAM_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compile_and_run(folder: Path, libraries: list[str], story: str, service: Service, address: str) -> list[str]:
    """Compile the generated client and the story, run it, and return its checks."""
    shutil.copy(STORIES / f"{story}.java", folder)
    sources = [str(each.relative_to(folder)) for each in folder.rglob("*.java")]
    java("javac", folder, libraries, "-nowarn", "-encoding", "UTF-8", *sources)
    account = service.demo["accounts"][2]
    values = [account["email"], account["password"], account["userrole"], service.demo["applicationToken"]]
    return java("java", folder, libraries, story, address, *values).splitlines()


def assert_all_passed(checks: list[str], least: int) -> None:
    """A story that broke off early must not pass."""
    assert [each for each in checks if not each.startswith("ok ")] == []
    assert len(checks) >= least, checks


@pytest.mark.parametrize("query", ["?wsdl", "?singleWsdl", "?wsdl&binding=soap12"])
def test_client_of_wsimport(sqlite_service: Service, tmp_path: Path, query: str) -> None:
    """In both versions of SOAP, and from one file as well as from several."""
    address = f"{sqlite_service.url}{PATH}{query}"
    # SOAP 1.2 is an extension to it.
    options = ["-quiet", "-extension", "-Xnocompile", "-s", ".", "-p", "gatehouse.client", "-encoding", "UTF-8"]
    java("java", tmp_path, JAX_WS, "com.sun.tools.ws.WsImport", *options, address)

    assert_all_passed(compile_and_run(tmp_path, JAX_WS, "JaxWsClient", sqlite_service, address), 19)


def test_client_of_axis(sqlite_service: Service, tmp_path: Path) -> None:
    """Of 2006, and still at work in many a company."""
    address = f"{sqlite_service.url}{PATH}?wsdl"
    java("java", tmp_path, AXIS, "org.apache.axis.wsdl.WSDL2Java", "-o", ".", "-p", "gatehouse.client", address)

    assert_all_passed(compile_and_run(tmp_path, AXIS, "AxisClient", sqlite_service, address), 11)
