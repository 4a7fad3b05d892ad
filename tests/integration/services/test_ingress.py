"""The one port in front of real accounts: browsers, scripts, other websites, hostile requests and the web app."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest

from tests.support.exchange import Exchange, http_scope, served, websocket_scope
from tests.support.kernel import make_kernel
from vedette.kernel.auth import IDENTITY_HEADER
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.kernel.http import SUBJECT
from vedette.kernel.lifecycle import Receive, Scope, Send
from vedette.kernel.proxy import Proxy
from vedette.kernel.server import RefusableWebSocket, StrictHttp
from vedette.schema.identity import Role
from vedette.services.accounts.app import AccountsService
from vedette.services.accounts.app import build as build_accounts
from vedette.services.accounts.settings import AccountsSettings
from vedette.services.ingress.app import Upstream, build, tls_files
from vedette.services.ingress.service import Ingress
from vedette.services.ingress.settings import IngressSettings

pytestmark = pytest.mark.anyio
HOST = "box.test:30080"
ORIGIN = f"http://{HOST}"
VST_DOCUMENT = {
    "paths": {
        "/vst/api/v1/sensor/list": {"get": {"x-vedette-action": "view"}},
        "/vst/api/v1/sensor/add": {"post": {"x-vedette-action": "configure"}},
        "/vst/api/v1/storage/file": {"post": {"x-vedette-action": "configure", "x-vedette-body": "stream"}},
    }
}


class Vst:
    """A service that tells what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.received = 0
        self.reason: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/readyz":
            body = msgspec.json.encode({"status": self.reason or "ready"})
            await send({"type": "http.response.start", "status": 503 if self.reason else 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
            return
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass
            return
        more = True
        while more:
            message = await receive()
            self.received += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": b"{}"})


@dataclass
class Edge:
    """A started ingress with accounts behind it."""

    ingress: Ingress
    accounts: AccountsService
    vst: Vst

    async def call(
        self, method: str, path: str, *, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; header names with underscores for dashes."""
        content = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        path, _, query = path.partition("?")
        sent = {"host": HOST, "content-type": "application/json", "content-length": str(len(content))}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope = http_scope(method, path, query=query, headers=[item for item in sent.items() if item[1]])
        async with Exchange(self.ingress.app, scope) as call:
            call.body(content)
            return await call.finished()

    async def status(self, method: str, path: str, **headers: Any) -> int:
        return (await self.call(method, path, **headers))[0]

    async def cookie(self) -> str:
        """A signed-in browser's."""
        ticket = {"ticket": await self.accounts.create_ticket()}
        _, headers, _ = await self.call("POST", "/api/v1/accounts/ticket", body=ticket)
        return headers["set-cookie"].partition(";")[0]

    async def bearer(self, role: Role = Role.ADMIN) -> str:
        return f"Bearer {await self.accounts.create_token(name='test', role=role, days=1)}"


@contextlib.asynccontextmanager
async def edge(
    folder: Path, web_dir: Path | None = None, settings: IngressSettings | None = None
) -> AsyncIterator[Edge]:
    accounts = build_accounts(AccountsSettings(), make_kernel("accounts", folder))
    vst = Vst()
    document: Any = accounts.app
    upstreams = {
        "accounts": Upstream(accounts.app, document.openapi()),
        "vst": Upstream(vst, VST_DOCUMENT, ("/vst/api/v1/live/ws",)),
    }
    ingress = build(
        settings or IngressSettings(names=("box.test",)),
        make_kernel("ingress", folder, clock=SystemClock()),
        upstreams=upstreams,
        authenticate=accounts.authenticate,
        web_dir=web_dir,
    )
    async with accounts.life(), ingress.life():
        yield Edge(ingress, accounts, vst)


LIST, ADD = "/vst/api/v1/sensor/list", "/vst/api/v1/sensor/add"


async def test_a_script_with_a_token_needs_no_origin(tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        token = await it.bearer(Role.OPERATOR)
        assert await it.status("GET", LIST) == 401
        assert await it.status("GET", LIST, authorization=token) == 200
        assert await it.status("POST", ADD, authorization=token, body={}) == 200
        assert await it.status("POST", ADD, authorization=token, origin="http://elsewhere.example", body={}) == 200
        assert await it.status("POST", ADD, authorization=await it.bearer(Role.VIEWER), body={}) == 403
        assert await it.status("GET", LIST, authorization="Bearer nonsense", cookie=await it.cookie()) == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": ORIGIN}, 200),
        ({"origin": ORIGIN, "sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://box.test:8080"}, 403),
        ({"origin": ORIGIN, "sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "none"}, 403),
    ],
)
async def test_a_browser_changes_something_only_from_our_own_page(
    headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    async with edge(tmp_path) as it:
        cookie = await it.cookie()
        assert await it.status("POST", ADD, cookie=cookie, body={}, **headers) == status
        assert await it.status("GET", LIST, cookie=cookie, **headers) == 200
        scope = websocket_scope(
            "/vst/api/v1/live/ws",
            headers=[
                ("host", HOST),
                ("cookie", cookie),
                *((name.replace("_", "-"), value) for name, value in headers.items()),
            ],
        )
        async with Exchange(it.ingress.app, scope) as call:
            call.give({"type": "websocket.connect"})
            first = (await call.wait_for(1))[0]
            assert first.get("status", 200) == status
            call.give({"type": "websocket.disconnect", "code": 1000})


async def test_another_website_cannot_sign_a_browser_in(tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        ticket = {"ticket": await it.accounts.create_ticket()}
        foreign = {"origin": "http://evil.example", "sec_fetch_site": "cross-site"}
        assert await it.status("POST", "/api/v1/accounts/ticket", body=ticket, **foreign) == 403
        assert await it.status("POST", "/api/v1/accounts/ticket", body=ticket) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:30080", "127.0.0.1.evil.example", "", "box.test@evil"])
async def test_a_name_that_is_not_ours_is_refused(host: str, tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        token = await it.bearer()
        assert await it.status("GET", LIST, authorization=token, host=host) == 421
        assert await it.status("GET", "/healthz", host=host) == 421
        assert await it.status("GET", LIST, authorization=token, host="[::1]:30080") == 200


async def test_what_only_we_may_say_is_dropped(tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        forged = {
            IDENTITY_HEADER.decode(): "x",
            "user-type": "Admin",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-proto": "https",
            "forwarded": "for=127.0.0.1",
            "x-real-ip": "127.0.0.1",
        }
        assert await it.status("POST", ADD, authorization=await it.bearer(Role.VIEWER), body={}, **forged) == 403
        assert await it.status("GET", LIST, **forged) == 401
        token = await it.bearer()
        await it.call("GET", f"/{LIST}?a=%20b", authorization=token, cookie="a=b", streamid="s1", **forged)
        seen = it.vst.scopes[-1]
        names = {name.decode() for name, _ in seen["headers"]}
        assert not names & {*forged, "cookie", "authorization"}
        assert "streamid" in names
        assert (seen["path"], seen["raw_path"], seen["query_string"]) == (LIST, LIST.encode(), b"a=%20b")
        assert seen[SUBJECT].role is Role.ADMIN


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("//vst///api/v1/sensor/list", 200),
        ("/vst/api/v1/sensor/../sensor/list", 400),
        ("/vst/api/v1/sensor%2flist", 400),
        ("/%2e%2e/vst/api/v1/sensor/list", 400),
        ("/vst/api/v1/sensor/list/", 404),
        ("/vst/api/v1/sensor", 404),
        ("/vst/metrics", 404),
        ("/vst/readyz", 404),
        ("/VST/api/v1/sensor/list", 404),
        ("/metrics/vst", 200),
        ("/metrics/nobody", 404),
    ],
)
async def test_only_a_listed_path_is_open(path: str, status: int, tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        assert await it.status("GET", path, authorization=await it.bearer()) == status


async def test_a_wrong_method_is_told_the_right_ones(tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        for method in ("GET", "PUT", "OPTIONS", "TRACE", "FOO"):
            status, headers, body = await it.call(method, ADD)
            assert (status, headers["allow"]) == (405, "POST")
            assert msgspec.json.decode(body)["error_code"] == "MethodNotAllowedError"
        assert await it.status("GET", "/vst/api/v1/live/ws") == 405
        assert it.vst.scopes == []


async def test_a_body_past_the_limit_is_refused_before_or_while_it_comes(tmp_path: Path) -> None:
    settings = IngressSettings(names=("box.test",), body_limit_bytes=1024)
    async with edge(tmp_path, settings=settings) as it:
        token = await it.bearer()
        assert await it.status("POST", ADD, authorization=token, body=bytes(1024)) == 200
        status, _, body = await it.call("POST", ADD, authorization=token, body=bytes(1025))
        assert status == 413
        assert "1024 bytes" in msgspec.json.decode(body)["error_message"]
        headers = [("host", HOST), ("authorization", token), ("transfer-encoding", "chunked")]
        before = it.vst.received
        async with Exchange(it.ingress.app, http_scope("POST", ADD, headers=headers)) as call:
            for _ in range(100):
                call.body(bytes(500), more=True)
            status, replied, _ = await call.finished()
            assert (status, replied["connection"]) == (413, "close")
        assert it.vst.received - before <= 1024


async def test_files_may_be_larger_where_a_route_takes_them(tmp_path: Path) -> None:
    settings = IngressSettings(names=("box.test",), body_limit_bytes=1024)
    async with edge(tmp_path, settings=settings) as it:
        token = await it.bearer()
        before = it.vst.received
        path = "/vst/api/v1/storage/file"
        assert await it.status("POST", path, authorization=token, body=bytes(300_000)) == 200
        assert it.vst.received - before == 300_000


async def test_readiness_is_that_of_everybody_and_telemetry_needs_a_caller(tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        with anyio.fail_after(10):
            while await it.status("GET", "/readyz") != 200:
                await anyio.sleep(0.02)
        assert await it.status("GET", "/healthz") == 200
        assert await it.status("GET", "/metrics") == 401
        _, _, text = await it.call("GET", "/metrics", authorization=await it.bearer(Role.VIEWER))
        assert b'vedette_ingress_upstream_ready{service="vst"} 1.0' in text
        it.vst.reason = "the disk is missing"
        with anyio.fail_after(10):
            while (await it.call("GET", "/readyz"))[0] == 200:
                await anyio.sleep(0.1)
        _, _, body = await it.call("GET", "/readyz")
        assert msgspec.json.decode(body) == {"status": "vst: the disk is missing"}


def build_web(folder: Path) -> Path:
    web = folder / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>Vedette</title>" + "<p>hello</p>" * 50)
    (web / "assets" / "index-BMJcOCcv.js").write_text("export {};" * 200)
    (web / "mark.svg").write_text("<svg/>")
    (web / "notes.secret").write_text("no")
    (folder / "outside.txt").write_text("no")
    return web


async def test_the_web_app_is_served_and_its_pages_are_strict(tmp_path: Path) -> None:
    async with edge(tmp_path, build_web(tmp_path)) as it:
        status, headers, body = await it.call("GET", "/", accept="text/html,*/*")
        assert status == 200
        assert b"<title>Vedette" in body
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
        assert headers["cache-control"] == "no-cache"
        assert await it.status("GET", "/", accept="text/html", if_none_match=headers["etag"]) == 304
        assert (await it.call("GET", "/cameras/door", accept="text/html"))[2] == body
        assert (await it.call("HEAD", "/", accept="text/html"))[2] == b""
        _, script, packed = await it.call("GET", "/assets/index-BMJcOCcv.js", accept_encoding="gzip, br")
        assert script["cache-control"] == "public, max-age=31536000, immutable"
        assert script["content-type"].startswith("text/javascript")
        assert script["content-encoding"] == "gzip"
        assert packed[:2] == b"\x1f\x8b"
        assert (await it.call("GET", "/mark.svg"))[1]["content-type"] == "image/svg+xml"


async def test_the_web_app_never_answers_for_the_api_or_for_files_that_are_not_its_own(tmp_path: Path) -> None:
    async with edge(tmp_path, build_web(tmp_path)) as it:
        for path in ("/api/v1/nothing", "/vst/x", "/emdx/x", "/perception/x"):
            status, headers, _ = await it.call("GET", path, accept="text/html")
            assert (status, headers["content-type"]) == (404, "application/json"), path
        for path in ("/notes.secret", "/outside.txt", "/cameras/door", "/favicon.ico", "/assets/", "/node.json"):
            assert await it.status("GET", path, accept="*/*") == 404, path
        assert await it.status("POST", "/", body={}, accept="text/html") == 404


async def test_without_a_build_a_page_says_what_to_do_and_the_api_works(tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        status, headers, body = await it.call("GET", "/", accept="text/html")
        assert (status, headers["cache-control"]) == (503, "no-store")
        assert b"make web" in body
        assert await it.status("GET", LIST, authorization=await it.bearer()) == 200


async def test_replies_of_the_api_are_hardened_and_not_kept(tmp_path: Path) -> None:
    async with edge(tmp_path) as it:
        for path, token in ((LIST, await it.bearer()), (LIST, ""), ("/vst/nothing", "")):
            _, headers, _ = await it.call("GET", path, authorization=token)
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "access-control-allow-origin" not in headers


async def test_over_a_real_socket_with_our_own_certificate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with edge(tmp_path) as it:
        settings = IngressSettings(host="127.0.0.1", tls="on", names=("box.test",))
        files = tls_files(settings, make_kernel("ingress", tmp_path, clock=SystemClock()))
        assert files is not None
        trust = ssl.create_default_context(cafile=files[0])
        async with (
            served(
                it.ingress.app, http=StrictHttp, ws=RefusableWebSocket, ssl_certfile=files[0], ssl_keyfile=files[1]
            ) as port,
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trust), cookie_jar=aiohttp.DummyCookieJar()
            ) as browser,
        ):
            base, own = f"https://localhost:{port}", {"origin": f"https://localhost:{port}"}
            ticket = {"ticket": await it.accounts.create_ticket()}
            async with browser.post(f"{base}/api/v1/accounts/ticket", json=ticket, headers=own) as reply:
                kept = reply.headers["set-cookie"]
                assert kept.startswith("__Host-vedette_session=")
            cookie = {"cookie": kept.partition(";")[0]}
            async with browser.get(f"{base}/api/v1/accounts/me", headers=cookie) as reply:
                assert (await reply.json())["name"] == "admin"
            url = f"wss://localhost:{port}//vst/api/v1/live/ws?connectionId=1"
            async with browser.ws_connect(url, headers=cookie | own) as socket:
                await socket.send_str("hello")
            assert it.vst.scopes[-1]["path"] == "/vst/api/v1/live/ws"
            assert it.vst.scopes[-1]["query_string"] == b"connectionId=1"
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await browser.ws_connect(url, headers=cookie)
            assert refused.value.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError) as unknown:
                await browser.ws_connect(url)
            assert unknown.value.status == 401
        assert [record.message for record in caplog.records] == []


async def test_a_service_in_another_process_is_reached_through_its_socket(tmp_path: Path) -> None:
    kernel = make_kernel("ingress", tmp_path, clock=SystemClock())
    vst, path = Vst(), tmp_path / "vst.sock"
    accounts = build_accounts(AccountsSettings(), make_kernel("accounts", tmp_path))
    upstreams = {"vst": Upstream(Proxy(f"unix://{path}", identity=kernel.identity), VST_DOCUMENT)}
    settings = IngressSettings(names=("box.test",))
    ingress = build(settings, kernel, upstreams=upstreams, authenticate=accounts.authenticate, web_dir=None)
    async with accounts.life(), ingress.life():
        it = Edge(ingress, accounts, vst)
        token = await it.bearer()
        status, headers, body = await it.call("GET", LIST, authorization=token)
        assert (status, headers["retry-after"]) == (503, "2")
        assert "not running" in msgspec.json.decode(body)["error_message"]
        async with served(vst, unix=path):
            status, headers, _ = await it.call("GET", LIST, authorization=token)
            assert (status, headers["x-own"]) == (200, "1")
            sent = dict(vst.scopes[-1]["headers"])
            assert kernel.identity.verify(sent[IDENTITY_HEADER].decode()).role is Role.ADMIN


def test_a_service_that_nobody_mounted_is_a_mistake_at_start(tmp_path: Path) -> None:
    async def nobody(*_: object) -> None:
        return None

    kernel = make_kernel("ingress", tmp_path)
    with pytest.raises((KeyError, Fault)):
        build(
            IngressSettings(),
            kernel,
            upstreams={"stranger": Upstream(Vst(), {"paths": {}})},
            authenticate=nobody,
            web_dir=None,
        )
