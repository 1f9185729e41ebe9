"""Opens the page of an echo server in Chromium, and checks echoes from there: chromium.py ws://HOST:PORT HOME, or wss://

HOME is a directory for what the browser keeps, which is removed first.
"""

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


def check(driver, profile, page):
    for line in driver.stdout:
        started = re.search(r"started successfully on port (\d+)", line)
        if started:
            break
    else:
        raise SystemExit("chromedriver has not started")
    options = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={profile}"]}
    wanted = {"goog:chromeOptions": options, "timeouts": {"pageLoad": 30_000, "script": 60_000}}
    sessions = f"http://127.0.0.1:{started[1]}/session"
    session = f"{sessions}/{call('POST', sessions, {'capabilities': {'alwaysMatch': wanted}})['sessionId']}"
    try:
        call("POST", f"{session}/url", {"url": page})
        script = pathlib.Path(__file__).with_name("echoes.js").read_text() + SCRIPT
        return call("POST", f"{session}/execute/async", {"script": script, "args": []})
    finally:
        call("DELETE", session)


def main(url, home):
    # The session is ended, then, when the time for it is over.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home)
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], env={**os.environ, "HOME": home}, stdout=subprocess.PIPE, text=True
    )
    try:
        report = check(driver, f"{home}/profile", url.replace("ws", "http", 1) + "/")
    finally:
        driver.terminate()
        driver.wait(30)
    if report.startswith("failed"):
        raise SystemExit(report)
    print(report)


if __name__ == "__main__":
    main(*sys.argv[1:])
