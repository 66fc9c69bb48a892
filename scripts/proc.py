"""What Linux tells of a process or a thread."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stat:
    """The part of /proc/PID/stat that is used here. Source: proc_pid_stat(5)."""

    state: str
    """R while it runs, S while it waits, T when it is stopped, Z when nobody has fetched its exit status yet."""
    parent: int
    group: int
    cpu_ticks: int

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.state not in ("Z", "X")


def stat(process: int | Path) -> Stat:
    """Return that of a process by its number, or of a process or thread by its folder; OSError when it is gone."""
    folder = process if isinstance(process, Path) else Path(f"/proc/{process}")
    # The name of the command stands before, in brackets, and may hold some itself.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return Stat(fields[0], int(fields[1]), int(fields[2]), int(fields[11]) + int(fields[12]))
