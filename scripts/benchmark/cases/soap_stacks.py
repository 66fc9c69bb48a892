"""The refused call against other SOAP servers that answer an echo of the same contract, each on the same core.

node `soap` is one process. PHP's SoapServer runs in php-fpm behind nginx, over connections that are kept, with the
WSDL and the compiled script held in memory: PHP's own web server closes each connection.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmark import envelopes
from scripts.benchmark.bench import SQLITE, Bench
from scripts.benchmark.gatehouse import CONNECTIONS
from scripts.benchmark.installing import OTHERS, MissingError, node, node_folder
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Arm, Comparison, Row, compare
from scripts.benchmark.processes import Service, free_port, running_command

TARGET = 1.3

_WSDL = Path(__file__).parents[3] / "wsdl/account.single.wsdl"
_PROGRAMS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"

_FPM = """
[global]
daemonize = no
error_log = {folder}/fpm.log
[bench]
listen = {folder}/php.sock
pm = static
pm.max_children = {connections}
"""

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit; events {{ }} {user}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream php {{ server unix:{folder}/php.sock; keepalive {connections}; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      fastcgi_pass php; fastcgi_keep_conn on;
      fastcgi_param SCRIPT_FILENAME {script}; fastcgi_param WSDL {wsdl};
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param HTTP_SOAPACTION $http_soapaction;
    }}
  }}
}}
"""

_BOTH = """
"$1" -F $2 -y "$3/fpm.conf" & fpm=$!
"$4" -c "$3/nginx.conf" -p "$3" & nginx=$!
trap 'kill $fpm $nginx' TERM
wait; wait
"""


def run(bench: Bench) -> list[Row]:
    """Measure what is here, or say what is missing."""
    server = bench.servers[-1]
    gatehouse = bench.gatehouse(SQLITE, server)
    ours, comparisons = gatehouse.arm(server, gatehouse.refusals()), []
    with contextlib.ExitStack() as stack:
        for name, start in (("node soap", _node), ("PHP SoapServer", _php)):
            try:
                service = stack.enter_context(start(bench))
            except MissingError as error:
                print(f"Without {name}: {error}", file=sys.stderr)
                continue
            comparisons.append(
                Comparison(f"refused, {server}, against {name}", ours, _arm(bench, name, service), TARGET)
            )
        options = bench.options
        return compare(comparisons, options.seconds, options.repeats, warm_up=options.slow_seconds)


def _arm(bench: Bench, name: str, service: Service) -> Arm:
    request = envelopes.request("UpdatePassword", "0" * 36, oldPassword="what it was", newPassword="what it shall be")
    return bench.arm(name, service, [Series(request, b"SessionRequired<")] * CONNECTIONS)


@contextlib.contextmanager
def _node(bench: Bench) -> Iterator[Service]:
    folder, port = node_folder("soap_node", bench.options.cache), free_port()
    command = [node(), folder / "server.js", str(port), _WSDL]
    log = bench.folder / "soap_node.log"
    with running_command(bench.cores.server, command, port, log, folder, NODE_ENV="production") as service:
        yield service


def _has_extensions(fpm: Path) -> bool:
    """Return whether PHP speaks SOAP, and keeps compiled scripts in memory, as it does where it is in earnest use."""
    told = subprocess.run([fpm, "-m"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {"soap", "Zend OPcache"} <= set(told)


@contextlib.contextmanager
def _php(bench: Bench) -> Iterator[Service]:
    nginx = shutil.which("nginx", path=_PROGRAMS)
    fpm = next(iter(sorted(Path("/usr/sbin").glob("php-fpm*"), reverse=True)), None)
    if nginx is None or fpm is None or not _has_extensions(fpm):
        raise MissingError("nginx or php-fpm is not there, or lacks soap (packages nginx-light, php-fpm, php-soap)")
    folder, port, is_root = bench.folder / "soap_php", free_port(), os.geteuid() == 0
    folder.mkdir()
    script = shutil.copy(OTHERS / "soap_php/server.php", folder)
    wsdl = shutil.copy(_WSDL, folder)
    values = {
        "folder": folder,
        "port": port,
        "script": script,
        "wsdl": wsdl,
        "connections": CONNECTIONS,
        # Otherwise they would become users who may not enter the folder.
        "user": "user root;" if is_root else "",
    }
    own = "user = root\ngroup = root\n" if is_root else ""
    (folder / "fpm.conf").write_text(_FPM.format(**values) + own, encoding="utf-8")
    (folder / "nginx.conf").write_text(_NGINX.format(**values), encoding="utf-8")
    command = ["sh", "-c", _BOTH, "sh", fpm, "-R" if is_root else "", folder, nginx]
    with running_command(bench.cores.server, command, port, folder / "log") as service:
        yield service
