"""A mail server and an SMS gateway that take everything at once and count it.

Prints its two ports, then for each line that it reads a JSON object with what came since the beginning.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

from aiosmtpd.smtp import SMTP


class Sinks:
    """Counts messages and forgets them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.taken: Counter[str] = Counter()

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Take a mail."""
        self.taken["mails"] += 1
        return "250 OK"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take an SMS, by HTTP."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            ]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            self.taken["sms"] += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main() -> None:
    """Serve until the input ends."""
    sinks, loop = Sinks(), asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(sinks, hostname="localhost"), "127.0.0.1", 0)
    sms = await asyncio.start_server(sinks.answer, "127.0.0.1", 0)
    print(mail.sockets[0].getsockname()[1], sms.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(sinks.taken), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
