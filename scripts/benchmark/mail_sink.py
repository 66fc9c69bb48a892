"""A mail server that takes every mail at once, and tells when it took the first and the last.

Prints its port, then for each line that it reads a JSON object: how many mails came since the line before, and
how many seconds lay between the first and the last of them.
"""

import asyncio
import json
import sys
import time
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    """Counts mails and forgets them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.moments: list[float] = []

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Take a mail."""
        self.moments.append(time.perf_counter())
        return "250 OK"


async def main() -> None:
    """Serve until the input ends."""
    sink, loop = Sink(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, hostname="localhost"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        moments, sink.moments = sink.moments, []
        print(json.dumps({"mails": len(moments), "seconds": moments[-1] - moments[0] if moments else 0.0}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
