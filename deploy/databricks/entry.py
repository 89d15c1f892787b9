"""What a Databricks spark_python_task runs: bellhop, with the words of its parameters.

The task's Python belongs to the driver and cannot be replaced, so bellhop and then the program are
its child: what they print is the task's output, and their exit code decides how the task ends.
"""

import os
import signal
import subprocess
import sys


def environment():
    """What Python was started with: it adds LC_CTYPE itself where there is no locale (PEP 538)."""
    with open("/proc/self/environ", "rb") as started:
        has_locale = any(one.startswith(b"LC_CTYPE=") for one in started.read().split(b"\0"))
    return {k: v for k, v in os.environb.items() if has_locale or k != b"LC_CTYPE"}


def main(words):
    child = subprocess.Popen(words, env=environment())
    signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    code = child.wait()
    if code != 0:
        sys.exit(code if code > 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv[1:])
