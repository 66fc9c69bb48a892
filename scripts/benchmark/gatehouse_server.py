"""Serves Gatehouse with demo data for a benchmark. Arguments: the port, and the file that the demo data go to."""

import json
import os
import sys
from pathlib import Path

from gatehouse.config import read_settings
from gatehouse.logs import configure_logging
from gatehouse.operations.core import make_core
from gatehouse.operations.demo import make_demo
from gatehouse.operations.schema import upgrade_schema
from gatehouse.server import Server


def main(port: str, demo_file: str) -> None:
    """Make the database and serve until the process is terminated. All else is as an operator gets it."""
    settings = read_settings(os.environ | {"GATEHOUSE_BIND": f"127.0.0.1:{port}"})
    configure_logging(settings.log_level, settings.log_format)
    core = make_core(settings)
    upgrade_schema(core)
    Path(demo_file).write_text(json.dumps(make_demo(core)), encoding="utf-8")
    core.database.close()
    Server(settings, with_worker=True, when_ready=lambda: None).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
