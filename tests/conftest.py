"""A headless browser for tests of pages, spoken to by the DevTools protocol; they are skipped where there is none."""

import base64
import itertools
import json
import re
import shutil
import subprocess
import time

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page. `problems` are errors of scripts, policies and loading; `requests` what was asked of any network."""

    def __init__(self, socket):
        self._socket = socket
        self._ids = itertools.count(1)
        self.problems, self.requests = [], []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """Send a command; its result."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._event(message)

    def _event(self, message):
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.problems.append(json.dumps(params["exceptionDetails"])[:500])
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.problems.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning"):
                self.problems.append(json.dumps(params["args"])[:500])
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"][:200])

    def open(self, url):
        """Go there and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")
        return self

    def run(self, script):
        """The value of a script in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, script, tries=2400):
        """Wait until a script is true; its value."""
        for _ in range(tries):
            if value := self.run(script):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never became true: {script}")

    def look(self, path, width=1200, height=900, dark=False):
        """A screenshot (png)."""
        self.size(width, height, dark)
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def size(self, width, height=900, dark=False):
        """Another window, in light or dark."""
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])


@pytest.fixture
def browser(tmp_path):
    """A page of its own in headless Chromium."""
    if CHROMIUM is None:
        pytest.skip("no chromium here")
    connect = pytest.importorskip("websockets.sync.client").connect
    import httpx

    profile = tmp_path / "chromium"
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
               "--disable-background-networking", "--no-first-run", f"--user-data-dir={profile}",
               "--remote-debugging-port=0", "about:blank"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stderr
            port = next(m[1] for line in process.stderr if (m := re.search(r"ws://127\.0\.0\.1:(\d+)/", line)))
            pages = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
            address = next(p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page")
            with connect(address, max_size=None, proxy=None) as socket:
                yield Browser(socket)
        finally:
            process.kill()
