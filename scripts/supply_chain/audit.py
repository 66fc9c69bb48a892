"""Compares every locked package with the known vulnerabilities. Options are those of pip-audit.

The exit status is 1 when a package has one. A service that cannot be asked is told of and is no failure, because a
change must not wait for somebody else's service; the next run asks again.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from locked import ROOT

FILES = sorted((ROOT / "scripts").glob("requirements*.txt"))


def main(options: list[str]) -> int:
    """Audit each file, and return the exit status."""
    return max(_audit(path, options) for path in FILES)


def _audit(path: Path, options: list[str]) -> int:
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner=off"]
    command += ["--format=json", f"--requirement={path}", *(options or ["--vulnerability-service=pypi"])]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"audit: {path.name} could not be compared: {reason}", file=sys.stderr)
        return 0
    skipped = sorted(each["name"] for each in found if "skip_reason" in each)
    vulnerable = [each for each in found if each.get("vulns")]
    for each in vulnerable:
        for vulnerability in each["vulns"]:
            fixed = ", ".join(vulnerability.get("fix_versions", [])) or "none yet"
            print(f"audit: {each['name']} {each['version']}: {vulnerability['id']}; fixed in: {fixed}", file=sys.stderr)
    if skipped:
        print(f"audit: {path.name}: the service does not know {', '.join(skipped)}", file=sys.stderr)
    compared = len(found) - len(skipped)
    print(f"audit: {path.name}: {compared} packages compared, {len(vulnerable)} vulnerable", file=sys.stderr)
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
