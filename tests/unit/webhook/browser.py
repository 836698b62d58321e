"""browser.py - looks at pages in headless Chromium, by its debugging pipe: no extension, no driver, no network but the page.

Usage: browser.py CHROMIUM FOLDER < requests > results
An empty line ends it. A request is a line of JSON: {"name", "url", "width", "height", "scheme": "dark"|"light", "authorization"}. A result is one, too:
{"name", "status", "title", "wide": pixels beyond the width, "texts": [faults of contrast], "console": [messages], "shot": file}.
FOLDER gets the profile, and with SHOTS=DIR in the environment, DIR gets a picture of each page, NAME.png.
"""
import base64
import json
import os
import select
import subprocess
import sys

ARGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--mute-audio",
        "--disable-dev-shm-usage", "--remote-debugging-pipe", "--hide-scrollbars", "about:blank"]
# Contrast of each text with its ground, after WCAG 2.2: what is below 4.5 is named.
CONTRAST = r"""
(() => {
  const rgb = (s) => { const m = s.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : m; };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
                         return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c) return c; }
                          return [255, 255, 255]; };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode() && bad.length < 10) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.getClientRects().length) continue;
    const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(ratio.toFixed(2) + " " + walk.currentNode.data.trim().slice(0, 40));
  }
  return bad;
})()
"""
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Browser:
    def __init__(self, program, folder):
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()

        def wire():
            # 3 and 4 are where Chromium looks; via high numbers, since either may be in the way of the other
            high = [os.dup2(to_browser, 100), os.dup2(from_browser, 101)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        env = dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder)
        self.process = subprocess.Popen([program, "--user-data-dir=" + folder + "/profile"] + ARGS, preexec_fn=wire, close_fds=False,
                                        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.number = 0
        self.events = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(domain + ".enable")

    def read(self):
        while b"\0" not in self.buffer:
            if not select.select([self.back], [], [], 60)[0]:
                raise TimeoutError("Chromium does not answer")
            got = os.read(self.back, 1 << 20)
            if not got:
                raise EOFError("Chromium has ended")
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(line)

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            got = self.read()
            if got.get("id") == self.number:
                if "error" in got:
                    raise RuntimeError(method + ": " + got["error"]["message"])
                return got["result"]
            if "method" in got:
                self.events.append(got)

    def wait(self, method):
        while not any(e["method"] == method for e in self.events):
            got = self.read()
            if "method" in got:
                self.events.append(got)

    def evaluate(self, script):
        return self.ask("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def look(self, r):
        self.events = []
        self.ask("Network.setExtraHTTPHeaders", headers={"Authorization": r["authorization"]} if r.get("authorization") else {})
        self.ask("Emulation.setDeviceMetricsOverride", width=r["width"], height=r.get("height", 900), deviceScaleFactor=1,
                 mobile=r["width"] < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": r["scheme"]}])
        self.ask("Page.navigate", url=r["url"])
        self.wait("Page.loadEventFired")
        out = {"name": r["name"], "title": self.evaluate("document.title"), "wide": self.evaluate(WIDE),
               "texts": self.evaluate(CONTRAST), "console": [], "status": 0}
        for e in self.events:
            p = e["params"]
            if e["method"] == "Network.responseReceived" and p["type"] == "Document":
                out["status"] = p["response"]["status"]
            elif e["method"] == "Log.entryAdded":
                out["console"].append(p["entry"]["text"])
            elif e["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                out["console"].append(json.dumps(p)[:200])
        if os.environ.get("SHOTS"):
            shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
            with open(os.path.join(os.environ["SHOTS"], r["name"] + ".png"), "wb") as f:
                f.write(base64.b64decode(shot["data"]))
        return out

    def close(self):
        try:
            self.session = None
            self.ask("Browser.close")
        except (EOFError, OSError):
            pass
        self.process.wait(30)


def main():
    browser = Browser(sys.argv[1], sys.argv[2])
    try:
        for line in sys.stdin:
            if line == "\n":
                break
            print(json.dumps(browser.look(json.loads(line))), flush=True)
    finally:
        browser.close()


main()
