"""What a Databricks spark_python_task runs: bellhop, with the words of its parameters.

The task's Python belongs to the driver and cannot be replaced, so bellhop and then the program are
its child: what they print is the task's output, and their exit code decides how the task ends.
"""

import signal
import subprocess
import sys


def main(words):
    child = subprocess.Popen(words)
    signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    code = child.wait()
    if code != 0:
        sys.exit(code if code > 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv[1:])
