#!/usr/bin/env python3
"""`cube-update fleet status --html` on a real etcd, in a real browser: what the page says, that nothing of the store becomes part
of it, and that it can be read light and dark, on a phone and on paper. And `--watch`.

Usage: fleet_page_test.py CUBE_UPDATE [TEST...]     (CUBE_PICTURES=FOLDER keeps pictures of the pages)
"""
import http.server
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

from headless_browser import Browser

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fleet"))
import real_etcd  # noqa: E402

PROGRAM = sys.argv.pop(1)
PREFIX = real_etcd.PREFIX + "c1/"
OLD, NEW = "CUBE_3.0.0_20260901-0000_aaaa1111", "CUBE_3.1.0_20261120-0000_bbbb2222"
HOSTILE = "</style></title></td><script>alert(1)</script><img src=http://192.0.2.1/x onerror=alert(2)>\"'&amp;&#60;b>\x1b[31m\u202e\u00e9"

# What is laid out too wide, and what is too pale: the colours that count, seen through everything that has no background.
JUDGE = r"""(() => {
  const parse = text => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                       return .2126 * r + .7152 * g + .0722 * b; };
  const behind = element => element === null ? [255, 255, 255] :
    (c => c[3] === 1 ? c.slice(0, 3) : over(c, behind(element.parentElement)))(parse(getComputedStyle(element).backgroundColor));
  const pale = [], wide = [];
  let texts = 0, lowest = 99;
  for (const element of document.querySelectorAll('body, body *')) {
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (box.width === 0) continue;
    const room = (element.closest('section') ?? document.body).getBoundingClientRect();
    if (box.right > Math.min(room.right, innerWidth) + .5 || box.left < Math.max(room.left, 0) - .5) wide.push(element.outerHTML.slice(0, 120));
    if (![...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const ink = element.namespaceURI.endsWith('svg') ? style.fill : style.color, under = behind(element);
    const [a, b] = [light(over(parse(ink), under)), light(under)].sort((x, y) => y - x), contrast = (a + .05) / (b + .05);
    ++texts, lowest = Math.min(lowest, contrast);
    if (contrast < 4.5) pale.push(contrast.toFixed(2) + ' ' + element.outerHTML.slice(0, 120));
  }
  return {pale, wide, texts, lowest, scroll: document.documentElement.scrollWidth, width: innerWidth,
          page: getComputedStyle(document.body).backgroundColor};
})()"""
TAGS = r"[...new Set([...document.querySelectorAll('*')].map(e => e.localName))].sort()"
ATTRIBUTES = r"[...new Set([...document.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => a.name)))].sort()"
OURS = set("html head meta title style body header h1 h2 h3 p time main section div dl dt dd table thead tbody tfoot tr th td ul li span small em b "
           "article svg line text path circle rect footer".split())


class OneFolder(http.server.SimpleHTTPRequestHandler):
    asked = []

    def log_message(self, *_):
        self.asked.append(self.path)


class FleetPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="cube-page-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.served = cls.scratch / "served"
        cls.served.mkdir()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: OneFolder(*a, directory=str(cls.served)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        cls.address = f"http://127.0.0.1:{server.server_address[1]}/"

    def setUp(self):
        self.etcd = real_etcd.Etcd(str(self.scratch / "etcd"))
        self.etcd.start()
        self.addCleanup(shutil.rmtree, self.scratch / "etcd")
        self.addCleanup(self.etcd.kill)
        self.folder = self.scratch / "machine"
        (self.folder / "etc/cube-update/config.d").mkdir(parents=True)
        self.addCleanup(shutil.rmtree, self.folder)
        for path, text in (("cmdline", "cube.slot=a"), ("sys/kernel/random/boot_id", "7d1c8f0e-0000-4000-8000-000000000001")):
            (self.folder / "proc" / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "proc" / path).write_text(text + "\n")
        (self.folder / "etc/hostname").write_text("n1\n")
        self.configure()
        self.now = int(time.time())

    def configure(self, more=""):
        (self.folder / "etc/cube-update/config.d/60-fleet.toml").write_text(
            f'[fleet]\ncluster = "c1"\nallow-http = true\nendpoints = ["{self.etcd.url}"]\n{more}')

    def put(self, key, value):
        value = value if isinstance(value, str) else json.dumps(value)
        self.etcd.ask("/v3/kv/put", {"key": real_etcd.base64_of(PREFIX + key), "value": real_etcd.base64_of(value)})

    def node(self, name, domain="rack1", phase="idle", release=OLD, target="", says=""):
        self.put(f"node/{name}", {"release": release, "phase": phase, "target": target, "says": says, "domain": domain, "roles": [],
                                  "hardware": "", "at": self.now - 240})

    def holds(self, name, domain="rack1", since=300, rollout="fw-3.1.0-a"):
        self.put(f"gate/holder/{name}", {"rollout": rollout, "domain": domain, "roles": [], "nonce": "a1", "since": self.now - since})

    def failed(self, name, why="panic", stage="drivers-missing", hardware="PowerEdge-R740-1f3a9c02", canary=False):
        self.put(f"gate/fail/fw-3.1.0-a/{name}", {"release": NEW, "why": why, "stage": stage, "hardware": hardware, "canary": canary})

    def noted(self, ago, act, reason, by="root on n1"):
        self.put(f"audit/{self.now - ago}-1", {"at": self.now - ago, "act": act, "reason": reason, "by": by})

    def plan(self):
        """Believed by this machine; a day and a half into its ramp."""
        def at(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now + seconds))
        day = 86400
        limits = {"max_unavailable": 2, "one_domain": True, "fail_count": 2, "fail_percent": 5, "fail_min_sample": 20, "by_hardware": False,
                  "hold_deadline": "PT90M"}
        steps = [{"after": "PT0S", "ppm": 10000}, {"after": "P1D", "ppm": 100000}, {"after": "P3D", "ppm": 500000}, {"after": "P5D", "ppm": 1000000}]
        plan = {"schema": 1, "channel": "stable", "serial": 412, "issued": at(-3 * day), "expires": at(80 * day),
                "releases": [{"name": OLD}, {"name": NEW}],
                "blocked": [{"name": "CUBE_3.0.4_20261001-0000_cccc3333", "reason": "loses the bond on reboot"}],
                "rollouts": [{"id": "fw-3.1.0-a", "release": NEW, "salt": "fw-3.1.0-a", "start": at(-3 * day // 2), "ramp": steps, "interpolate": "step",
                              "soak": "PT24H", "deadline": "P21D", "limits": limits, "canary": {"labels": ["canary=true"], "after": "PT0S"}},
                             {"id": "fw-3.0.0", "release": OLD, "salt": "x", "start": at(-60 * day), "interpolate": "linear", "limits": limits,
                              "ramp": [{"after": "PT0S", "ppm": 0}, {"after": "P9D", "ppm": 1000000}]}]}
        folder = self.folder / "var/lib/cube-update/fleet"
        folder.mkdir(parents=True)
        (folder / "plan.json").write_text(json.dumps(plan))
        self.configure('plan = true\n')

    def run_it(self, *words, code=0, says=""):
        done = subprocess.run([PROGRAM, "fleet", "status", *map(str, words), "--root", str(self.folder)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stdout + done.stderr)
        return done.stdout

    def look(self, name, width, scheme, code=0, on_paper=False):
        """The page of the store as it is now, judged."""
        self.run_it("--html", self.served / f"{name}.html", code=code)
        OneFolder.asked.clear()
        self.browser.look_as(width, scheme, on_paper)
        self.browser.open(self.address + f"{name}.html")
        seen = self.browser.evaluate(JUDGE)
        what = f"{name} {width} {scheme}{' paper' if on_paper else ''}"
        if folder := os.environ.get("CUBE_PICTURES"):
            self.browser.picture(f"{folder}/{what.replace(' ', '-')}.png")
        self.assertEqual(seen["pale"], [], what)
        self.assertEqual(seen["wide"], [], what)
        self.assertLessEqual(seen["scroll"], seen["width"], what)
        self.assertGreater(seen["texts"], 20)
        self.assertEqual(self.browser.requests, [self.address + f"{name}.html"], what)
        self.assertEqual(OneFolder.asked, [f"/{name}.html"], what)
        self.assertEqual(self.browser.complaints, [], what)
        self.assertEqual(set(self.browser.evaluate(TAGS)) - OURS, set(), what)
        return seen

    def text(self):
        return self.browser.evaluate("document.body.innerText")

    def each_way(self, name, code=0):
        pages = {scheme: [self.look(name, width, scheme, code)["page"] for width in (360, 1280)] for scheme in ("light", "dark")}
        self.assertNotEqual(pages["light"], pages["dark"], "the schemes differ")
        self.look(name, 800, "light", code, on_paper=True)

    def small_cluster(self):
        self.plan()
        for number, (domain, phase, release, says) in enumerate([
                ("rack1", "idle", NEW, f"{NEW} committed"), ("rack1", "idle", NEW, f"{NEW} committed"),
                ("rack1", "idle", OLD, f"{NEW} rolled-back (panic)"), ("rack2", "trying", NEW, ""),
                ("rack2", "staged", OLD, "busy: n4 holds a place since 2026-11-28T10:55:00Z"), ("rack2", "fetching", OLD, ""),
                ("rack3", "idle", OLD, ""), ("rack3", "idle", OLD, ""), ("", "asleep", OLD, "")], 1):
            self.node(f"n{number}", domain, phase, release, NEW if phase != "idle" else "", says)
        self.holds("n4", "rack2", since=7300)
        self.put("gate-queue/fw-3.1.0-a/n5", "{}")
        self.failed("n3")
        self.put("gate/plan", {"serial": 412, "sha256": "0" * 64})
        self.put("gate/blocked/CUBE_3.0.9_20261010-0000_dddd4444", {"reason": "fans stop", "by": "root on n2", "at": self.now})
        self.noted(90000, "pause", "audit")
        self.noted(80000, "resume", "audit is over", "mia on n2")
        self.noted(7000, "set max-unavailable=1", "one at a time until the spare has come")

    def test_a_small_cluster(self):
        self.small_cluster()
        self.each_way("small")
        for words in ("Nothing stands still", "n4", "2 h 1 min, too long", "drivers-missing", "PowerEdge-R740-1f3a9c02", "fans stop", "By the signed plan, serial 412",
                      "10 %", "loses the bond on reboot", "busy: n4", "one at a time until the spare has come", "as n1 saw it at"):
            self.assertIn(words, self.text())
        log = self.text().split("Log, the newest first")[1]
        self.assertLess(log.index("one at a time"), log.index("audit is over"))

    def test_halted_paused_and_without_anything(self):
        self.each_way("empty")
        self.assertIn("No machine shows itself yet", self.text())
        self.put("gate/halt", {"reason": "2 machines failed, n3 as the first by name: panic", "by": "n7", "at": self.now})
        self.put("gate/pause", {"reason": "audit", "by": "root on n1", "at": self.now})
        self.put("gate/tomorrow", "{}")
        self.each_way("halted", code=6)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('.notice').length"), 3)
        self.assertEqual(self.browser.evaluate("document.title"), "Cluster c1: halted")
        self.assertIn("2 machines failed, n3 as the first by name: panic", self.text())

    def test_three_hundred_machines(self):
        self.plan()
        for number in range(1, 301):
            rack = (number - 1) // 24 + 1
            new = number % 3 == 0
            self.node(f"cc{number}", f"rack{rack}", "staged" if number % 29 == 0 else "idle", NEW if new else OLD, NEW if number % 29 == 0 else "",
                      "busy: cc77 holds a place since 2026-11-28T10:55:00Z" if number % 29 == 0 else "")
        for name in ("cc77", "cc78"):
            self.holds(name, "rack4")
        for number in (50, 100, 150):
            self.failed(f"cc{number}", hardware="PowerEdge-R740-1f3a9c02" if number < 150 else "")
        for number in range(60):
            self.noted(100 * number, f"unlock cc{number}", "it is gone")
        self.each_way("large")
        self.assertIn("and 40 older entries", self.text())
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('.nodes li').length"), 300)
        self.assertEqual([self.browser.evaluate(f"document.querySelectorAll('.nodes li')[{n}].innerText.slice(1)") for n in (0, 1, 9)], ["cc1", "cc2", "cc10"])
        self.assertLess((self.served / "large.html").stat().st_size, 120_000)

    def test_hostile_text_stays_text(self):
        self.plan()
        self.node("n1", HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
        self.node("n2", "r" * 900, "idle", "x" * 900, "", "w" * 1500)
        self.put("node/n3", "[" * 5000)
        self.put("node/<b>", "{}")
        plain = HOSTILE.encode("ascii", "replace").decode().replace("\x1b", "?")
        self.failed("n4", why=plain[:200])
        self.put("gate/halt", {"reason": plain, "by": plain, "at": 253402300799})
        self.put("gate/pause", {"reason": plain, "by": plain, "at": self.now})
        self.put("gate/" + HOSTILE, HOSTILE)
        self.put("gate/holder/" + "n" * 128, {"rollout": "r" * 128, "domain": "d" * 128, "roles": [], "nonce": "a", "since": 253402300799})
        self.noted(5, HOSTILE, HOSTILE, HOSTILE)
        self.noted(9, "y" * 100_000, "z", "z")
        # And a thousand racks, more than are shown.
        for number in range(1000):
            self.node(f"m{number}", f"rack{number}")
        self.each_way("hostile", code=6)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('script, img, b:not(td b), [onerror], [style]').length"), 0)
        self.assertEqual(set(self.browser.evaluate(ATTRIBUTES)) & {"onerror", "src", "href", "style", "onload"}, set())
        self.assertIn("<script>alert(1)</script>", self.text(), "it is shown as what it is")
        self.assertIn("940 more", self.text())
        self.assertTrue((self.served / "hostile.html").read_bytes().isascii())
        self.assertLess((self.served / "hostile.html").stat().st_size, 300_000)

    def test_the_file_is_whole_or_the_old_one(self):
        file = self.served / "whole.html"
        self.run_it("--html", file)
        before = file.read_text()
        self.assertTrue(before.startswith("<!doctype html>") and before.endswith("</html>\n"))
        self.assertEqual(self.run_it("--html", "-").count("</html>"), 1)
        self.node("n1")
        with file.open() as reading:
            self.run_it("--html", file)
            self.assertEqual(reading.read(), before, "a reader keeps what it opened")
        after = file.read_text()
        self.assertNotEqual(after, before)
        self.etcd.kill()
        self.run_it("--html", file, code=9)
        self.assertEqual(file.read_text(), after)
        self.assertEqual(list(self.served.glob(".*")), [])
        self.run_it("--html", self.served / "none/x.html", code=9)
        self.etcd.start()
        self.run_it("--html", self.served / "none/x.html", code=2, says="make the folder")
        self.run_it("--html", file, "--json", code=2)
        self.run_it("--html", file, "--watch", code=2)


class Watch(FleetPage):
    """The same surroundings, no browser needed."""

    def watching(self, *words, **how):
        process = subprocess.Popen([PROGRAM, "fleet", "status", "--watch", *words, "--root", str(self.folder)], stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, **{"stdout": subprocess.PIPE, "text": True, **how})
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout and process.stdout.close(), process.stderr.close()))
        return process

    def questions(self):
        """How many etcd has answered."""
        with urllib.request.urlopen(self.etcd.url + "/metrics") as answer:
            return int(float(re.search(r'^grpc_server_handled_total\{grpc_code="OK",grpc_method="Range".*\} (\S+)$', answer.read().decode(), flags=re.M)[1]))

    def test_a_line_of_json_for_each_change(self):
        for end in (signal.SIGINT, signal.SIGTERM):
            process = self.watching("1", "--json")
            first = json.loads(process.stdout.readline())
            self.assertEqual((first["event"], first["cluster"]), ("result", "c1"))
            time.sleep(3)
            self.node("n1", says=str(end))
            self.assertEqual([(one["node"], one["says"], one["state"]) for one in json.loads(process.stdout.readline())["nodes"]], [("n1", str(end), "idle")])
            self.etcd.kill()
            lost = json.loads(process.stdout.readline())
            self.assertEqual((lost["event"], lost["exit_code"]), ("error", 9))
            time.sleep(2)
            self.etcd.start()
            self.assertEqual(len(json.loads(process.stdout.readline())["nodes"]), 1)
            process.send_signal(end)
            self.assertEqual(process.wait(5), 0)
            self.assertEqual(process.stdout.read() + process.stderr.read(), "")

    def test_a_block_of_text_for_each_change_and_few_questions(self):
        process = self.watching("1")
        self.assertIn("cluster   c1, 0 machines", process.stdout.readline())
        self.put("gate/pause", {"reason": "audit", "by": "root on n1", "at": self.now})
        self.assertIn("cluster   c1", process.stdout.readline())
        self.assertIn("audit", process.stdout.readline())
        before = self.questions()
        time.sleep(4)
        self.assertLessEqual(self.questions() - before, 10, "two for each look")
        self.etcd.kill()
        self.assertRegex(process.stdout.readline(), "UNKNOWN .*tried again every 1 s")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        for wrong in ("0", "3601", "x"):
            self.run_it("--watch", wrong, code=2)

    def test_it_ends_at_once_while_the_store_hangs(self):
        process = self.watching("1", "--json")
        process.stdout.readline()
        self.etcd.process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 0)
        self.assertLess(time.monotonic() - begun, 3)

    def test_it_ends_when_nobody_reads(self):
        process = self.watching("1")
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        self.node("n1")
        self.assertEqual(process.wait(30), 0)

    def test_a_terminal_is_painted_anew(self):
        main, side = pty.openpty()
        process = self.watching("1", stdout=side, text=False)
        os.close(side)
        for number in range(40):
            self.node(f"n{number}", says="s" * 300)
        shown, end = b"", time.monotonic() + 30
        while b"40 machines" not in shown and time.monotonic() < end:
            shown += os.read(main, 65536)
        time.sleep(1.5)
        shown += os.read(main, 1 << 20)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 0)
        os.close(main)
        last = [one for one in shown.decode().split("\x1b[H") if "40 machines" in one][-1]
        self.assertIn("... more than there is room for", last)
        self.assertLessEqual(last.count("\n"), 23)
        self.assertLessEqual(max(len(line) for line in last.replace("\x1b[K", "").splitlines()), 80)


# A class that derives from another one repeats its tests.
for name in [one for one in vars(FleetPage) if one.startswith("test_")]:
    setattr(Watch, name, None)

if __name__ == "__main__":
    unittest.main(verbosity=2)
