"""The installation's own proxies never carry what this machine says to itself."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.machine import loopback, processes

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
ASK = """
import sys, urllib.request, httpx
from prefect.client.orchestration import SyncPrefectClient
for url in sys.argv[1:]:
    assert httpx.get(url, timeout=5).status_code == 200, url
    assert urllib.request.urlopen(url, timeout=5).status == 200, url
"""


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def server(answer: int) -> http.server.ThreadingHTTPServer:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.asked, made.answer = [], answer
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made


@pytest.fixture
def page() -> Iterator[http.server.ThreadingHTTPServer]:
    made = server(200)
    yield made
    made.shutdown()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    """Every kind of proxy of this environment, which answers 502 and remembers what it was asked for."""
    made = server(502)
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{made.server_address[1]}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.shutdown()


def test_a_child_and_its_own_children_ask_this_machine_without_a_proxy(tmp_path: Path, page, proxy) -> None:
    port = page.server_address[1]
    urls = [f"http://{host}:{port}/" for host in ("127.0.0.1", "localhost")]
    assert httpx.get(urls[0]).status_code == 502, "else this test shows nothing"
    grandchild = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {ASK!r}, *sys.argv[1:]]))"
    with processes.family(tmp_path) as family:
        child = family.start("child", sys.executable, "-c", grandchild, *urls, env={})
        assert child.process.wait(60) == 0, child.last_words(20)
        family.wait_until_answers(family.start("sleeper", "sleep", "60", env={}), urls[0], 5)
    assert len(page.asked) == 5
    assert proxy.asked == ["http://127.0.0.1:%d/" % port]  # noqa: UP031


def test_what_goes_elsewhere_keeps_its_proxy(proxy) -> None:
    made = loopback.environment({"no_proxy": "intranet.example, .kota.example"})
    assert made["NO_PROXY"] == made["no_proxy"] == "intranet.example,.kota.example,localhost,127.0.0.1,::1"
    assert made["HTTP_PROXY"] == f"http://127.0.0.1:{proxy.server_address[1]}"
    assert loopback.environment({"NO_PROXY": "*"})["no_proxy"] == "*"


def test_a_proxy_that_nothing_here_can_speak_to_stops_no_child(tmp_path: Path, page, monkeypatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    url = f"http://127.0.0.1:{page.server_address[1]}/"
    with processes.family(tmp_path) as family:
        child = family.start("child", sys.executable, "-c", ASK, url, env={})
        assert child.process.wait(60) == 0, child.last_words(20)


def test_every_command_spares_this_machine() -> None:
    code = "import sys, os, json; sys.argv = ['appraisal', '--help']\n"
    code += "from cli.main import main\ntry: main()\nfinally: print(json.dumps(os.environ.get('NO_PROXY')))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(said.splitlines()[-1]).endswith("localhost,127.0.0.1,::1")
