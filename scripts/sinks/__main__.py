"""Serves mails and SMS. Prints its two ports, then for each line that it reads a JSON object with what came so far."""

import asyncio
import json
import sys
import time
from typing import Any

from aiosmtpd.smtp import SMTP


class Counts:
    """Counts messages and forgets them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.mails = self.sms = 0
        self.first_mail = self.last_mail = 0.0

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Take a mail."""
        self.last_mail = time.perf_counter()
        self.first_mail = self.first_mail or self.last_mail
        self.mails += 1
        return "250 OK"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take an SMS, by HTTP."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            ]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            self.sms += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def told(self) -> str:
        """Return what came so far, as `Taken` has it."""
        return json.dumps({"mails": self.mails, "sms": self.sms, "mail_seconds": self.last_mail - self.first_mail})


async def main() -> None:
    """Serve until the input ends."""
    counts, loop = Counts(), asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(counts, hostname="localhost"), "127.0.0.1", 0)
    sms = await asyncio.start_server(counts.answer, "127.0.0.1", 0)
    print(mail.sockets[0].getsockname()[1], sms.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(counts.told(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
