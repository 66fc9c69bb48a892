"""Serves Gatehouse with demo data for a benchmark. Arguments: the port, and the file that the demo data go to.

The service is then `gatehouse serve`, as an operator runs it.
"""

import json
import os
import sys
from pathlib import Path

from gatehouse.config import read_settings
from gatehouse.operations.core import make_core
from gatehouse.operations.demo import make_demo
from gatehouse.operations.schema import upgrade_schema


def main(port: str, demo_file: str) -> None:
    """Make the database and become the service, which serves until the process is terminated."""
    os.environ["GATEHOUSE_BIND"] = f"127.0.0.1:{port}"
    core = make_core(read_settings(os.environ))
    upgrade_schema(core)
    Path(demo_file).write_text(json.dumps(make_demo(core)), encoding="utf-8")
    core.database.close()
    os.execv(sys.executable, [sys.executable, "-m", "gatehouse", "serve"])  # noqa: S606 - our own program


if __name__ == "__main__":
    main(*sys.argv[1:])
