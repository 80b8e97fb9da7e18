"""A whole Pinion cluster with gateways in one real process, to be killed and started again.

The program is $PINION_BIN/pinion, else build/bin/pinion. Data is in a temporary folder (TMPDIR),
which goes away with the cluster unless a test failed with PINION_KEEP set.
"""

from __future__ import annotations

import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import List, Optional, Protocol, Sequence

from support import ROOT


def free_ports(count: int) -> List[int]:
    """Ports that nobody uses now. They are all held until the last one is chosen."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def program(name: str) -> str:
    path = pathlib.Path(os.environ.get("PINION_BIN", ROOT / "build/bin")) / name
    if not path.exists():
        raise AssertionError(f"{path} is not there: build first, or set PINION_BIN")
    return str(path)


class Cluster:
    def __init__(self, gateways: int = 2, nodes: int = 2) -> None:
        self.folder = tempfile.mkdtemp(prefix="pinion-python-")
        self.kills = 0
        self._nodes = nodes
        self._port, *self._http = free_ports(1 + gateways)
        self.broker = f"tcp://127.0.0.1:{self._port}"
        self.gateways = [f"127.0.0.1:{port}" for port in self._http]
        self._process: Optional["subprocess.Popen[bytes]"] = None

    def start(self, seconds: float = 30.0) -> None:
        """Returns when the cluster says that it is ready."""
        assert self._process is None
        command = [program("pinion"), "up", "--data", os.path.join(self.folder, "data")]
        command += ["--nodes", str(self._nodes), "--port", str(self._port)]
        for port in self._http:
            command += ["--http", str(port)]
        errors = open(os.path.join(self.folder, "stderr"), "ab")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        errors.close()
        assert self._process.stdout is not None
        output = b""
        until = time.monotonic() + seconds
        while b"ready" not in output:
            left = until - time.monotonic()
            readable = left > 0 and select.select([self._process.stdout], [], [], left)[0]
            data = os.read(self._process.stdout.fileno(), 65_536) if readable else b""
            if not data:
                status = self._process.poll()
                self.kill()
                raise AssertionError(f"not ready within {seconds} s ({status}): {self.said()}")
            output += data

    def kill(self) -> None:
        """As a power cut to the processes: SIGKILL, in the middle of whatever they do."""
        self._end(signal.SIGKILL)
        self.kills += 1

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def close(self) -> None:
        if self._process is not None:
            self._end(signal.SIGKILL)
        if not os.environ.get("PINION_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def said(self) -> str:
        return pathlib.Path(self.folder, "stderr").read_text("utf-8", "replace")[-2000:]

    def _end(self, how: int) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(how)
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


class GatewayProcess:
    """pinion-gateway, by itself, in front of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        self._config = os.path.join(cluster.folder, f"gateway-{port}.toml")
        pathlib.Path(self._config).write_text(
            f'broker = "{cluster.broker}"\nbinds = ["{self.address}"]\naccess_log = "none"\n',
            "utf-8",
        )
        self._errors = os.path.join(cluster.folder, "stderr")
        self._process: Optional["subprocess.Popen[bytes]"] = None

    def start(self, seconds: float = 10.0) -> None:
        """Returns when it takes connections."""
        with open(self._errors, "ab") as errors:
            self._process = subprocess.Popen(
                [program("pinion-gateway"), self._config], stdout=errors, stderr=errors
            )
        await_listener(self._process, self.address, seconds)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        self._process = None

    def close(self) -> None:
        if self._process is not None:
            self.kill()


class Addressed(Protocol):
    address: str


class Nginx:
    """configs/nginx.conf in front of two gateways, with the ports of this test in it."""

    def __init__(self, cluster: Cluster, gateways: Sequence[Addressed]) -> None:
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        self._folder = os.path.join(cluster.folder, "nginx")
        os.mkdir(self._folder)
        text = (ROOT / "configs/nginx.conf").read_text("utf-8")
        ours = [self.address, *(gateway.address for gateway in gateways)]
        for shipped, own in zip(("127.0.0.1:8088", "127.0.0.1:8080", "127.0.0.1:8081"), ours):
            assert shipped in text, shipped
            text = text.replace(shipped, own)
        self._config = os.path.join(self._folder, "nginx.conf")
        pathlib.Path(self._config).write_text(text, "utf-8")
        self._process: Optional["subprocess.Popen[bytes]"] = None

    def start(self) -> None:
        found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if found is None:
            raise AssertionError("missing: apt-get install nginx")
        # As root, its workers would be somebody who cannot enter our folder.
        told = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        with open(os.path.join(self._folder, "stderr"), "ab") as errors:
            self._process = subprocess.Popen(
                [found, "-p", self._folder, "-c", self._config, "-g", told],
                stdout=errors,
                stderr=errors,
            )
        await_listener(self._process, self.address, 10.0)

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


def await_listener(process: "subprocess.Popen[bytes]", address: str, seconds: float) -> None:
    host, _, port = address.partition(":")
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, int(port)), 1.0).close()
            return
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise AssertionError(f"nobody listens at {address}") from None
            time.sleep(0.01)
