# SPDX-License-Identifier: Apache-2.0
"""The surroundings of the crash test: a simulator with a frozen clock, the tool that runs the store, and
the clock file between them. Nothing here judges."""
import http.client
import json
import os
import ssl
import struct
import subprocess
import tempfile
import time

BEGIN_S = 1795600800  # 2026-11-25T10:00:00Z


class World:
    """One simulator and one tool, for one thread of experiments."""

    def __init__(self, top):
        self.dir = tempfile.mkdtemp(prefix="world-", dir=top)
        self.sandbox = self.tool = None
        self.now_ms = self.boot_ms = 0
        self.clock = os.path.join(self.dir, "clock")
        self.orders = 1000
        self._start_sandbox()
        tool = os.path.join(os.environ["DCS_BUILD_ROOT"], "tests/crash/crash-tool")
        self.tool = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                     stderr=open(os.path.join(self.dir, "tool.err"), "w"))
        self.reset_clock()

    def _start_sandbox(self):
        ready = os.path.join(self.dir, "ready")
        with open(os.path.join(self.dir, "sandbox.log"), "w") as log:
            self.sandbox = subprocess.Popen(
                [os.environ["DIGICERT_SANDBOX"], "--dir", os.path.join(self.dir, "sandbox"), "--ready-file",
                 ready, "--no-rate-limit", "--seed-orders", "none"], stdout=log, stderr=log)
        for _ in range(600):
            if os.path.exists(ready) and os.path.getsize(ready):
                break
            time.sleep(0.05)
        with open(ready) as file:
            self.at = dict(line.strip().split("=", 1) for line in file if "=" in line)
        self.host = self.at["url"].split("/")[2]
        self.trust = ssl.create_default_context(cafile=self.at["ca"])
        self.http = http.client.HTTPSConnection(self.host, context=self.trust, timeout=60)

    def close(self):
        for process in (self.tool, self.sandbox):
            if process:
                process.terminate()
                process.wait()

    def control(self, method, path, body=None):
        self.http.request(method, "/_sandbox" + path, None if body is None else json.dumps(body))
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text.strip() else None

    def api(self, path):
        """A GET of the Services API, as text."""
        self.http.request("GET", "/services/v2" + path, headers={"X-DC-DEVKEY": self.at["key"]})
        return self.http.getresponse().read().decode()

    def key_of(self, order):
        """The private key that the simulator made last for the order, PEM."""
        self.http.request("GET", f"/_sandbox/orders/{order}/key")
        return self.http.getresponse().read()

    # ---- time ----

    def reset_clock(self):
        """Every experiment begins on the same day: what policy says of it does not depend on today."""
        if os.path.exists(self.clock):
            os.unlink(self.clock)
        self.now_ms, self.boot_ms = BEGIN_S * 1000, 10_000_000
        self.advance(0)

    def advance(self, seconds, reboot=False):
        """For everybody; what a run slept through is taken over first."""
        self._read_clock()
        self.now_ms += seconds * 1000
        self.boot_ms = 60_000 if reboot else self.boot_ms + seconds * 1000
        with open(self.clock, "wb") as file:
            file.write(struct.pack("=qqq", self.now_ms, self.boot_ms, self.boot_ms))
        self.control("POST", "/clock", {"now": self.now_ms // 1000, "freeze": True})

    def _read_clock(self):
        if os.path.exists(self.clock):
            with open(self.clock, "rb") as file:
                self.now_ms, _, self.boot_ms = struct.unpack("=qqq", file.read(24))

    # ---- the tool ----

    def ask(self, *words):
        self.tool.stdin.write("\t".join(str(word) for word in words) + "\n")
        self.tool.stdin.flush()
        answer = self.tool.stdout.readline()
        if not answer:
            raise RuntimeError("crash-tool ended by itself")
        return answer.rstrip("\n").lower() if words[0] == "hash" else answer.rstrip("\n")

    def run(self, verb, config, order, plan=("never", 0, 0, 0), log=""):
        status, calls, code, text = (self.ask("run", verb, config, self.clock, f"digicert://order/{order}",
                                              *plan, log) + "\t\t\t").split("\t")[:4]
        return Run(int(status), int(calls), code, text)


class Run:
    def __init__(self, status, calls, code, text):
        self.status, self.calls, self.code, self.text = status, calls, code, text

    def __str__(self):
        return f"status {self.status}, {self.calls} calls, {self.code}: {self.text}"
