"""Fills in the answers of golden messages from a live service: `python -m tests.conformance.record [FILE …]`.

Without files, all those that have none yet. What was recorded is to be read before it is believed.
"""

import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.conformance import golden
from tests.conformance.golden_values import LiveValues
from tests.conformance.service import running_service

_RENDERED = (
    (r"(<a:CredentialsToken>)[^<]+", r"\1{token}"),
    (r'("CredentialsToken":")[^"]+', r"\1{token}"),
    (r"(credentialsToken=)[A-Za-z0-9_-]{43};", r"\1{token};"),
    (r"(<a:EncodedCookie>)[^<]+", r"\1{cookie}"),
    (r'("EncodedCookie":")[^"]+', r"\1{cookie}"),
    (r"(EncodedCookie=)[A-Za-z0-9_-]{40,};", r"\1{cookie};"),
    (r"(<a:LastLogin>)[^<]+", r"\1{date}"),
    (r"(/Date\()\d+", r"\1{milliseconds}"),
    (r"(bytes-SHA256, ).*", r"\1{sha256}"),
)
"""Parts of an answer that are others each time."""


def record(path: Path, port: int, values: LiveValues) -> None:
    """Send the request of a file, and write the answer into it."""
    pair = golden.read(path)
    with values.for_one_pair():
        answer = golden.send(port, golden.encode(pair, values))
        used = values.used
    is_device = re.search(r"Device", pair.request.body + pair.request.line) is not None

    def shown(text: str) -> str:
        for pattern, placeholder in _RENDERED:
            text = re.sub(pattern, placeholder, text)
        for name, value in sorted(used.items(), key=lambda each: -len(each[1])):
            if len(value) > 5 and name != "newPincode":
                text = text.replace(value, f"{{{name}}}")
        if is_device:
            text = re.sub(r'(<a:Number>|"Number":")\d+', r"\1{number}", text)
        return text

    told = tuple((name, shown(value)) for name, value in answer.told)
    recorded = golden.Message(str(answer.status), told, shown(answer.body.decode()))
    golden.write(path, replace(pair, answer=recorded))


def main(names: list[str]) -> None:
    """Run the command."""
    paths = [Path(name) for name in names] or sorted(golden.FOLDER.glob("*.http"))
    missing = [path for path in paths if names or not golden.read(path).answer.line]
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as service:
        values = LiveValues(service)
        for path in missing:
            record(path, service.port, values)


if __name__ == "__main__":
    main(sys.argv[1:])
