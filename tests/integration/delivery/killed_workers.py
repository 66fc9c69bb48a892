"""Starts `gatehouse worker` as often as asked: a program that has imported everything and forks for each line it reads.

Without that, two hundred starts of the interpreter would be most of what a test of kills does. What runs in
the fork is the command itself.
"""

import os
import signal
import sys

# Imported before the forks, and not in each of them.
import psycopg  # noqa: F401
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite  # noqa: F401

import gatehouse.cli.worker
import gatehouse.delivery.folders
import gatehouse.delivery.smtp  # noqa: F401
from gatehouse.cli.main import main


def serve() -> None:
    """Fork a worker for each line of the input, and write its process number."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: whoever killed one sees it vanish
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            main(["worker"])
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    serve()
