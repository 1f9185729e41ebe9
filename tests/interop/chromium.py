"""Opens the page of an echo server in Chromium, and checks echoes from there: chromium.py ws://HOST:PORT HOME, or wss://

HOME is a directory for what the browser keeps, which is removed first.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    # A server may have made its certificate itself.
    "--ignore-certificate-errors",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SCRIPT = """
const done = arguments[arguments.length - 1];
checkEchoes(new WebSocket(location.href.replace(/^http/, "ws"))).then(done, (error) => done(`failed: ${error}`));
"""

# No proxy stands between this program and the driver.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method, url, body=None):
    """A command of WebDriver, and the value of its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with opener.open(request, timeout=90) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {url}: {error}: {json.load(error)['value']['message']}")


def started(driver):
    """The URL at which the driver takes commands."""
    for line in driver.stdout:
        if found := re.search(r"started successfully on port (\d+)", line):
            return f"http://127.0.0.1:{found[1]}/session"
    raise SystemExit("chromedriver has not started")


@contextlib.contextmanager
def browser(home):
    """A browser that keeps its things in a directory, which is removed first: the URL of its session."""
    # The session is ended, then, when the time for it is over.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home)
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], env={**os.environ, "HOME": home}, stdout=subprocess.PIPE, text=True
    )
    try:
        sessions = started(driver)
        options = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={home}/profile"]}
        wanted = {"goog:chromeOptions": options, "timeouts": {"pageLoad": 30_000, "script": 60_000}}
        session = f"{sessions}/{call('POST', sessions, {'capabilities': {'alwaysMatch': wanted}})['sessionId']}"
        try:
            yield session
        finally:
            call("DELETE", session)
    finally:
        driver.terminate()
        driver.wait(30)


def main(url, home):
    with browser(home) as session:
        call("POST", f"{session}/url", {"url": url.replace("ws", "http", 1) + "/"})
        script = pathlib.Path(__file__).with_name("echoes.js").read_text() + SCRIPT
        report = call("POST", f"{session}/execute/async", {"script": script, "args": []})
    if report.startswith("failed"):
        raise SystemExit(report)
    print(report)


if __name__ == "__main__":
    main(*sys.argv[1:])
