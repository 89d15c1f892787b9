"""A training program as teams have it: it reads variables and files, and sends StatsD to localhost.

Nothing here knows what platform it runs on, or of bellhop.
"""

import argparse
import hashlib
import json
import os
import pathlib
import socket
import sys
import urllib.request

SECRETS = (pathlib.Path("/etc/secrets/partners"), pathlib.Path("/etc/secrets/storage"))
HYPERPARAMETERS = pathlib.Path("/etc/train/hyperparameters")


def digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def read(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in sorted(folder.glob("[!.]*"))}


def tables() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for one in sorted(HYPERPARAMETERS.glob("*.json")):
        found.update(json.loads(one.read_text()))
    return found


def train(epochs: int, weights: dict[str, list[float]]) -> float:
    statsd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    prefix, steps = os.environ["STATSD_PREFIX"], int(os.environ["STEPS"])
    loss = sum(abs(one) for row in weights.values() for one in row)
    for _ in range(epochs):
        for _ in range(steps):
            loss *= 0.999
            statsd.sendto(f"{prefix}.step:1|c".encode(), ("localhost", 8125))
        statsd.sendto(f"{prefix}.loss:{loss:.3f}|g".encode(), ("localhost", 8125))
    return loss


def report(run: str, loss: float, count: int) -> None:
    """What this run saw, by digests: the tracker tells two runs apart by it."""
    seen = {
        "run": run,
        "loss": loss,
        "hyperparameters": count,
        "argv": sys.argv[1:],
        "variables": {name: digest(os.fsencode(value)) for name, value in os.environ.items()},
        "files": {
            name: digest(value)
            for folder in (*SECRETS, HYPERPARAMETERS)
            for name, value in read(folder).items()
        },
    }
    request = urllib.request.Request(
        os.environ["TRACKER_URL"],
        json.dumps(seen).encode(),
        {"authorization": f"Bearer {os.environ['TRACKER_TOKEN']}"},
    )
    urllib.request.urlopen(request, timeout=60).read()


def main() -> None:
    flags = argparse.ArgumentParser()
    flags.add_argument("--run", required=True)
    flags.add_argument("--epochs", type=int, required=True)
    given = flags.parse_args()
    weights = tables()
    loss = train(given.epochs, weights)
    report(given.run, loss, len(weights))
    print(f"{given.run}: {len(weights)} tables, loss {loss:.3f}")


if __name__ == "__main__":
    main()
