"""What the load generator itself can do: against nginx, which answers every call with the same few bytes."""

import shutil
import statistics

from scripts.benchmark import envelopes, load
from scripts.benchmark.bench import Bench
from scripts.benchmark.gatehouse import CONNECTIONS
from scripts.benchmark.load import Series
from scripts.benchmark.measuring import Row, rate
from scripts.benchmark.processes import free_port, pinned, running_command

_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit; events {{ }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type text/xml; return 200 "{reply}"; }} }}
}}
"""

_REPLY_BYTES = 700
"""Of a ServiceResult in its envelope."""


def run(bench: Bench) -> list[Row]:
    """Measure calls a second; nothing where there is no nginx."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        return []
    folder, port = bench.folder / "nginx", free_port()
    folder.mkdir()
    configuration = folder / "nginx.conf"
    reply = "x" * _REPLY_BYTES
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, reply=reply), encoding="utf-8")
    request = envelopes.request("UpdatePassword", "-" * 36, oldPassword="-" * 12, newPassword="-" * 16)
    arguments = [nginx, "-c", configuration, "-p", folder]
    with running_command(bench.cores.server, arguments, port, folder / "log") as service, pinned(bench.cores.load):
        found = [
            load.run(port, [Series(request, b"xxx")] * CONNECTIONS, bench.options.seconds, service.cpu_seconds)
            for _ in range(bench.options.repeats)
        ]
    busy = statistics.median(each.busy for each in found)
    return [
        Row(
            "load generator", "nginx, fixed body", [rate(each) for each in found], unit="/s", details={"loadBusy": busy}
        )
    ]
