"""`holdfast worker`: one worker process; run as many as are needed."""

from __future__ import annotations

import os
import sys


def worker() -> None:
    """Run a worker: deadlines, deliveries, relay. Start as many as you need."""
    os.execv(sys.executable, [sys.executable, "-m", "worker"])
