"""The guard against inner networks: which addresses are public, and that nothing else is ever connected to."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmv.errors import InputError, ServiceError
from qmv.objects.web import Web
from qmv.objects.web_guard import Guard, inner_name, is_public
from tests.fakes.serving import lines, started
from tests.machine import program

REFUSED = "song (there): the host has no public address, and only public ones are asked here; give the address of a "
BODY = b"\xff\xfb song" * 1000


def fetched(url: str, part: Path, guard: Guard) -> bytes:
    web = Web(
        where="song (there)", allow=lambda source, target: None, accept=lambda *about: None, guard=guard,
        patience_s=30.0, knocks_s=0.2, first_wait_s=0.01,
    )  # fmt: skip
    web.fetch(url, part, 10_000_000)
    return part.read_bytes()


class Door:
    """A port of this machine that counts who comes in."""

    def __init__(self) -> None:
        self.came = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.came += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def door() -> Iterator[Door]:
    opened = Door()
    yield opened
    opened.close()


# -- which addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200",
        "169.254.169.254", "192.0.0.192", "192.88.99.1", "198.18.0.1", "168.63.129.16", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fec0::1", "ff02::1", "2001::1",
        "2001:db8::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:a00:1", "2002:7f00:1::", "2002:c0a8:101::1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "name", "",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_others_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "0x7f.0x0.0x0.0x1",
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "169.254.169.254", "localhost", "LOCALHOST.", "a.localhost",
        "printer.local", "metadata.google.internal", "intranet", "db.corp", "x.home.arpa", "127.0.0.1.",
        "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "\uff4cocalhost", "\u2460\u2461\u2466.0.0.1",
        "1.2.3.4.5", "",
    ],
)  # fmt: skip
def test_inner_names_are_known_by_their_words(host: str) -> None:
    assert inner_name(f"https://{host}/a.mp3") is not None


def test_public_names_and_addresses_are_taken() -> None:
    hosts = (
        "example.com",
        "example.com.",
        "example.com:443",
        "8.8.8.8",
        "[2606:4700::1]",
        "3d.example.com",
        "münchen.de",
    )
    assert [inner_name(f"https://{host}/a.mp3") for host in hosts] == [None] * len(hosts)


@pytest.mark.parametrize("port", [22, 80, 8443, 6379])
def test_other_ports_are_not_asked(port: int) -> None:
    assert inner_name(f"https://example.com:{port}/a.mp3") == f"port {port} is not asked, only 443"


# -- connections -----------------------------------------------------------------------------------------------------


def test_nothing_of_this_machine_is_asked(tmp_path: Path, door: Door) -> None:
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1"):
        with pytest.raises(InputError) as told:
            fetched(f"http://{host}:{door.port}/x.mp3", tmp_path / "part", Guard())
        assert str(told.value).startswith(REFUSED)
    assert door.came == 0


def test_what_is_inside_is_not_told(tmp_path: Path, door: Door) -> None:
    """An open port, a closed one, and a name that nobody has: the same words."""
    unused = socket.create_server(("127.0.0.1", 0))
    closed = unused.getsockname()[1]
    unused.close()
    sentences = set()
    for place in (f"127.0.0.1:{door.port}", f"127.0.0.1:{closed}", "no-such-host.invalid"):
        with pytest.raises(InputError) as told:
            fetched(f"http://{place}/x.mp3", tmp_path / "part", Guard(look_up=lookup))
        sentences.add(str(told.value))
    assert len(sentences) == 1


def lookup(host: str, port: int) -> list[str]:
    """As without a network: no name is known."""
    if host[0].isdigit():
        return [host]
    raise socket.gaierror(socket.EAI_NONAME, "not known")


def test_a_name_with_one_inner_address_is_refused(tmp_path: Path, door: Door) -> None:
    guard = Guard(look_up=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(InputError, match="no public address"):
        fetched(f"http://both.example:{door.port}/x.mp3", tmp_path / "part", guard)
    assert door.came == 0


def test_a_name_that_changes_its_mind_never_leads_inside(tmp_path: Path, door: Door) -> None:
    """The first answer is public, and nobody is there; each later one is this machine."""
    answers = iter([["192.0.2.1"]])
    guard = Guard(
        look_up=lambda host, port: next(answers, ["127.0.0.1"]), allows=lambda address: address == "192.0.2.1"
    )
    with pytest.raises((InputError, ServiceError)):
        fetched(f"http://rebound.example:{door.port}/x.mp3", tmp_path / "part", guard)
    assert door.came == 0


def test_proxies_of_the_environment_are_not_asked(tmp_path: Path, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{door.port}")
    with pytest.raises(InputError, match="no public address"):
        fetched("http://127.0.0.1:9/x.mp3", tmp_path / "part", Guard())
    assert door.came == 0


# -- what is allowed still works -------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[[dict[str, object]], tuple[int, Path]]]:
    """A server on 127.0.0.1 with /x.mp3: (port, folder)."""
    folder = tmp_path / "site"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "x.mp3").write_bytes(BODY)
    running = []

    def start(steps: dict[str, object]) -> tuple[int, Path]:
        running.append(started("tests.fakes.song_server", folder, {"steps": steps}))
        return running[-1].__enter__().port, folder

    yield start
    for process in running:
        process.__exit__(None, None, None)


HERE = Guard(look_up=lambda host, port: ["127.0.0.1"], allows=lambda address: address == "127.0.0.1")


def test_the_host_that_is_asked_for_is_named(tmp_path: Path, site: Callable[..., tuple[int, Path]]) -> None:
    port, folder = site({})
    assert fetched(f"http://songs.example:{port}/x.mp3", tmp_path / "part", HERE) == BODY
    assert [asked["headers"]["Host"] for asked in lines(folder / "requests.jsonl")] == [f"songs.example:{port}"]


def test_the_next_address_is_tried_where_one_does_not_answer(
    tmp_path: Path, site: Callable[..., tuple[int, Path]]
) -> None:
    port, _ = site({})
    guard = Guard(look_up=lambda host, port: ["127.0.0.2", "127.0.0.1"], allows=lambda address: True)
    assert fetched(f"http://songs.example:{port}/x.mp3", tmp_path / "part", guard) == BODY


def test_a_redirect_inside_is_refused(tmp_path: Path, site: Callable[..., tuple[int, Path]], door: Door) -> None:
    port, folder = site({"/x.mp3": [{"redirect": f"http://127.0.0.3:{door.port}/secret"}]})
    guard = Guard(
        look_up=lambda host, port: ["127.0.0.1"] if host == "songs.example" else [host],
        allows=lambda address: address == "127.0.0.1",
    )
    with pytest.raises(InputError) as told:
        fetched(f"http://songs.example:{port}/x.mp3", tmp_path / "part", guard)
    assert str(told.value).startswith(REFUSED)
    assert (len(lines(folder / "requests.jsonl")), door.came) == (1, 0)


@pytest.mark.parametrize(("host", "good"), [("songs.example", True), ("other.example", False)])
def test_the_certificate_is_the_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, good: bool) -> None:
    """The connection goes to an address, but the certificate has to be the one of the name that was asked for."""
    files = {name: tmp_path / name for name in ("key.pem", "cert.pem")}
    subprocess.run(
        [program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", files["key.pem"], "-out", files["cert.pem"], "-subj", "/CN=songs.example",
         "-addext", "subjectAltName=DNS:songs.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(files["cert.pem"]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["cert.pem"], files["key.pem"])
    named: list[str | None] = []
    context.sni_callback = lambda connection, name, _: named.append(name)
    server = socket.create_server(("127.0.0.1", 0))
    answering = threading.Thread(target=answer_once, args=(server, context), daemon=True)
    answering.start()
    url = f"https://{host}:{server.getsockname()[1]}/x.mp3"
    if good:
        assert fetched(url, tmp_path / "part", HERE) == BODY
    else:
        with pytest.raises(ServiceError, match="no secure connection"):
            fetched(url, tmp_path / "part", HERE)
    answering.join(5)
    server.close()
    assert named == [host]


def answer_once(server: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = server.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
    except OSError:
        connection.close()
