"""Accounts on a real database: every way in, its limits, and what ends it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from tests.support.exchange import Exchange, http_scope
from tests.support.kernel import make_kernel
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.kernel.http import SUBJECT
from vedette.schema.identity import Role, Subject
from vedette.services.accounts.app import AccountsService, build
from vedette.services.accounts.settings import AccountsSettings

pytestmark = pytest.mark.anyio
BASE = "/api/v1/accounts"
GOOD = "correct horse battery"
HOME = "192.168.1.20"


@dataclass
class Box:
    """A running service and what a client needs."""

    service: AccountsService
    clock: FakeClock

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        cookie: str = "",
        address: str = HOME,
        scheme: str = "http",
        bearer: str = "",
    ) -> tuple[int, dict[str, str], Any]:
        """One request as ingress passes it on: the caller is looked up from cookie or bearer."""
        content = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        headers = [("content-type", "application/json"), ("content-length", str(len(content)))]
        cookies = dict([cookie.partition("=")[::2]]) if cookie else {}
        headers += [("cookie", cookie)] if cookie else []
        asked = {"authorization": f"Bearer {bearer}"} if bearer else {}
        caller = await self.service.authenticate(asked, cookies)
        scope = http_scope(method, BASE + path, headers=headers, client=address, scheme=scheme)
        scope[SUBJECT] = caller
        async with Exchange(self.service.app, scope) as exchange:
            exchange.body(content)
            status, replied, text = await exchange.finished()
        return status, replied, msgspec.json.decode(text) if text else None

    async def set_up(self) -> str:
        """Makes the first admin, Ada; returns her cookie."""
        code = self.service.setup_code()
        status, headers, _ = await self.call("POST", "/setup", {"code": code, "name": "Ada", "password": GOOD})
        assert status == 201
        return cookie_of(headers)

    async def sign_in(self, name: str, password: str, address: str = HOME) -> tuple[int, str]:
        status, headers, _ = await self.call("POST", "/session", {"name": name, "password": password}, address=address)
        return status, cookie_of(headers)


def cookie_of(headers: dict[str, str]) -> str:
    return headers.get("set-cookie", "").partition(";")[0]


@contextlib.asynccontextmanager
async def box(folder: Path, clock: FakeClock | None = None) -> AsyncIterator[Box]:
    ticking = clock or FakeClock()
    service = build(AccountsSettings(), make_kernel("accounts", folder, clock=ticking))
    async with service.life():
        yield Box(service, ticking)


async def test_the_first_admin_is_made_once_and_by_code_only(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        assert (await it.call("GET", "/status"))[2] == {"setupRequired": True}
        code = it.service.setup_code()
        assert code is not None
        wrong = {"code": "AAAA-AAAA", "name": "Ada", "password": GOOD}
        assert (await it.call("POST", "/setup", wrong))[0] == 403
        right = {**wrong, "code": code.lower().replace("-", "")}
        assert (await it.call("POST", "/setup", right, address="8.8.8.8"))[0] == 403
        assert (await it.call("POST", "/setup", {**right, "password": "short"}))[0] == 400
        status, headers, person = await it.call("POST", "/setup", right)
        assert status == 201
        assert (person["name"], person["role"]) == ("Ada", "admin")
        assert (await it.call("GET", "/me", cookie=cookie_of(headers)))[2] == person
        assert (await it.call("GET", "/status"))[2] == {"setupRequired": False}
        assert it.service.setup_code() is None
        assert (await it.call("POST", "/setup", right))[0] == 409


async def test_a_code_works_for_its_quarter_of_an_hour_and_the_next(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        old = it.service.setup_code()
        it.clock.advance(2000)
        assert it.service.setup_code() != old
        body = {"code": old, "name": "Ada", "password": GOOD}
        assert (await it.call("POST", "/setup", body))[0] == 403
        recent = it.service.setup_code()
        it.clock.advance(900)
        assert (await it.call("POST", "/setup", {**body, "code": recent}))[0] == 201


async def test_two_who_set_up_at_once_make_one_admin(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        code = it.service.setup_code()
        statuses: list[int] = []

        async def attempt(name: str) -> None:
            statuses.append((await it.call("POST", "/setup", {"code": code, "name": name, "password": GOOD}))[0])

        async with anyio.create_task_group() as tasks:
            for name in ("Ada", "Bob", "Cy"):
                tasks.start_soon(attempt, name)
        assert sorted(statuses) == [201, 409, 409]
        assert len(await it.service.directory.list_users()) == 1


async def test_a_session_lives_in_a_strict_cookie_and_ends(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        await it.set_up()
        status, headers, _ = await it.call("POST", "/session", {"name": "ADA", "password": GOOD})
        assert status == 200
        kept = headers["set-cookie"].lower()
        assert all(part in kept for part in ("httponly", "samesite=strict", "path=/", "max-age=604800"))
        assert "secure" not in kept
        cookie = cookie_of(headers)
        assert (await it.call("GET", "/me", cookie=cookie))[0] == 200
        assert (await it.call("DELETE", "/session", cookie=cookie))[0] == 204
        assert (await it.call("GET", "/me", cookie=cookie))[0] == 401
        _, again = await it.sign_in("Ada", GOOD)
        it.clock.advance(168 * 3600 + 1)
        assert (await it.call("GET", "/me", cookie=again))[0] == 401


async def test_over_https_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        await it.set_up()
        body = {"name": "Ada", "password": GOOD}
        _, headers, _ = await it.call("POST", "/session", body, scheme="https")
        assert headers["set-cookie"].startswith("__Host-vedette_session=")
        assert "secure" in headers["set-cookie"].lower()
        assert (await it.call("GET", "/me", cookie=cookie_of(headers)))[0] == 200


async def test_a_session_cannot_be_made_up(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        cookie = await it.set_up()
        for value in ("", "x", cookie.partition("=")[2][:-1], cookie.partition("=")[2].upper(), "%00", "a" * 5000):
            assert await it.service.authenticate({}, {"vedette_session": value}) is None


async def test_guesses_at_an_account_stop_after_twenty_and_stay_stopped_over_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    async with box(tmp_path, clock) as it:
        await it.set_up()
        statuses = [(await it.sign_in("Ada", f"wrong {i}", f"203.0.113.{i}"))[0] for i in range(25)]
        assert statuses == [401] * 20 + [429] * 5
    async with box(tmp_path, clock) as it:
        assert (await it.sign_in("Ada", GOOD, "203.0.113.200"))[0] == 429
        assert (await it.sign_in("Ada", GOOD, HOME))[0] == 200  # where Ada has been before, she is not locked out
        clock.advance(3601)
        assert (await it.sign_in("Ada", GOOD, "203.0.113.200"))[0] == 200


async def test_guesses_from_a_source_stop_whatever_the_names(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        await it.set_up()
        statuses = [(await it.sign_in(f"name{i}", "wrong", "203.0.113.5"))[0] for i in range(21)]
        assert statuses == [401] * 20 + [429]
        status, headers, _ = await it.call("POST", "/session", {"name": "Ada", "password": GOOD}, address="203.0.113.5")
        assert status == 429
        assert 0 < int(headers["retry-after"]) <= 3600
        assert (await it.sign_in("Ada", GOOD))[0] == 200


async def test_guesses_at_once_are_counted_before_they_are_looked_at(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        await it.set_up()
        statuses: list[int] = []

        async def guess(number: int) -> None:
            statuses.append((await it.sign_in("Ada", f"wrong {number}", "203.0.113.5"))[0])

        for batch in range(3):
            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(guess, batch * 10 + number)
        assert statuses.count(401) <= 20
        assert statuses.count(429) == 10


async def test_right_passwords_do_not_use_guesses_up(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        await it.set_up()
        assert {(await it.sign_in("Ada", GOOD))[0] for _ in range(25)} == {200}


async def test_a_ticket_works_once_and_for_a_quarter_of_an_hour(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        ticket = await it.service.create_ticket()  # on a fresh box this makes the admin
        assert it.service.setup_code() is None
        status, headers, person = await it.call("POST", "/ticket", {"ticket": ticket})
        assert (status, person["name"], person["role"]) == (200, "admin", "admin")
        assert (await it.call("GET", "/me", cookie=cookie_of(headers)))[0] == 200
        assert (await it.call("POST", "/ticket", {"ticket": ticket}))[0] == 401
        late = await it.service.create_ticket()
        it.clock.advance(901)
        assert (await it.call("POST", "/ticket", {"ticket": late}))[0] == 401
        assert len(await it.service.directory.list_users()) == 1


async def test_who_has_no_password_cannot_sign_in_by_one_until_they_set_it(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        _, headers, _ = await it.call("POST", "/ticket", {"ticket": await it.service.create_ticket()})
        cookie = cookie_of(headers)
        for password in ("x", "admin", GOOD):
            assert (await it.sign_in("admin", password))[0] == 401
        assert (await it.call("POST", "/password", {"password": "admin1234567"}, cookie=cookie))[0] == 400
        status, changed, _ = await it.call("POST", "/password", {"password": GOOD}, cookie=cookie)
        assert status == 200
        assert (await it.call("GET", "/me", cookie=cookie))[0] == 401  # all older sessions have ended
        assert (await it.call("GET", "/me", cookie=cookie_of(changed)))[0] == 200
        assert (await it.sign_in("admin", GOOD))[0] == 200
        wrong = {"current": "not it", "password": "another horse battery"}
        assert (await it.call("POST", "/password", wrong, cookie=cookie_of(changed)))[0] == 403


async def test_tokens_are_shown_once_scoped_revocable_and_end(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        cookie = await it.set_up()
        _, _, made = await it.call("POST", "/tokens", {"name": "script", "role": "operator", "days": 1}, cookie=cookie)
        assert made["token"].startswith(f"vedette_{made['id']}_")
        caller = await it.service.authenticate({"authorization": f"Bearer {made['token']}"}, {})
        assert caller == Subject(id=f"token:{made['id']}", name="script", role=Role.OPERATOR)
        _, _, listed = await it.call("GET", "/tokens", cookie=cookie)
        assert [(item["id"], item["role"], item["owner"]) for item in listed["tokens"]] == [
            (made["id"], "operator", "Ada")
        ]
        assert made["token"].rpartition("_")[2] not in str(listed)
        assert (await it.call("POST", "/tokens", {"name": "more"}, bearer=made["token"]))[0] == 403
        assert (await it.call("GET", "/users", bearer=made["token"]))[0] == 403
        assert (await it.call("DELETE", f"/tokens/{made['id']}", cookie=cookie))[0] == 204
        assert (await it.call("GET", "/me", bearer=made["token"]))[0] == 401
        assert (await it.call("DELETE", f"/tokens/{made['id']}", cookie=cookie))[0] == 404
        brief = await it.service.create_token(name="brief", role=Role.VIEWER, days=1)
        it.clock.advance(86_399)
        assert (await it.call("GET", "/me", bearer=brief))[0] == 200
        it.clock.advance(2)
        assert (await it.call("GET", "/me", bearer=brief))[0] == 401


async def test_a_token_with_one_wrong_character_is_nobody(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        text = await it.service.create_token(name="x", role=Role.ADMIN)
        for place in (12, 30, len(text) - 1):
            broken = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
            assert await it.service.authenticate({"authorization": f"Bearer {broken}"}, {}) is None


async def test_a_bearer_that_is_wrong_is_not_saved_by_a_cookie(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        cookie = await it.set_up()
        name, _, value = cookie.partition("=")
        assert await it.service.authenticate({"authorization": "Bearer x"}, {name: value}) is None


async def test_users_are_added_limited_and_deleted_with_all_they_hold(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        admin = await it.set_up()
        body = {"name": "Bob", "password": "another horse battery", "role": "operator", "sensors": ["door"]}
        status, _, bob = await it.call("POST", "/users", body, cookie=admin)
        assert (status, bob["sensors"]) == (201, ["door"])
        assert (await it.call("POST", "/users", {**body, "name": "bob"}, cookie=admin))[0] == 409
        assert (await it.call("POST", "/users", {**body, "name": "Eve", "role": "admin"}, cookie=admin))[0] == 400
        _, cookie = await it.sign_in("Bob", body["password"])  # type: ignore[arg-type]
        assert (await it.call("GET", "/users", cookie=cookie))[0] == 403
        assert (await it.call("POST", "/tokens", {"name": "up", "role": "admin"}, cookie=cookie))[0] == 403
        _, _, made = await it.call("POST", "/tokens", {"name": "mine"}, cookie=cookie)
        caller = await it.service.authenticate({"authorization": f"Bearer {made['token']}"}, {})
        assert caller is not None
        assert (caller.role, caller.sensors) == (Role.VIEWER, ["door"])
        assert (await it.call("DELETE", f"/users/{bob['id']}", cookie=admin))[0] == 204
        assert (await it.call("GET", "/me", cookie=cookie))[0] == 401
        assert (await it.call("GET", "/me", bearer=made["token"]))[0] == 401
        assert (await it.call("DELETE", f"/users/{bob['id']}", cookie=admin))[0] == 404
        _, _, people = await it.call("GET", "/users", cookie=admin)
        assert [item["name"] for item in people["users"]] == ["Ada"]
        assert (await it.call("DELETE", f"/users/{people['users'][0]['id']}", cookie=admin))[0] == 409


async def test_every_change_and_refusal_is_audited_without_secrets(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        cookie = await it.set_up()
        await it.sign_in(GOOD, "a password typed as a name", "203.0.113.5")
        _, _, made = await it.call("POST", "/tokens", {"name": "script"}, cookie=cookie)
        await it.call("DELETE", f"/tokens/{made['id']}", cookie=cookie)
        _, _, log = await it.call("GET", "/audit", cookie=cookie)
        actions = [(item["action"], item["outcome"]) for item in reversed(log["entries"])]
        assert actions == [
            ("set_up", "done"),
            ("sign_in", "done"),
            ("sign_in", "refused"),
            ("create_token", "done"),
            ("revoke_token", "done"),
        ]
        assert log["entries"][2]["source"] == "203.0.113.5"
        assert GOOD not in str(log)
        assert made["token"] not in str(log)


BAD = [
    ("POST", "/session", b"{"),
    ("POST", "/session", b"\xff\xfe"),
    ("POST", "/session", b"[" * 50_000),
    ("POST", "/session", b'{"name": 1, "password": []}'),
    ("POST", "/session", b'{"name": "\\ud800", "password": "x"}'),
    ("POST", "/session", {"name": "a", "password": "x" * 257}),
    ("POST", "/session", {"name": "", "password": "x"}),
    ("POST", "/session", {"name": "a"}),
    ("POST", "/session", {"name": "a", "password": "b", "admin": True}),
    ("POST", "/ticket", {"ticket": None}),
    ("POST", "/setup", {"code": "x", "name": "<script>", "password": GOOD}),
    ("POST", "/tokens", {"name": "x", "role": "root"}),
    ("POST", "/tokens", {"name": "x", "days": -1}),
    ("POST", "/tokens", {"name": "x", "days": 1e300}),
    ("POST", "/tokens", b'{"name": "x", "days": NaN}'),
    ("POST", "/users", {"name": "x", "password": GOOD, "sensors": ["../x"]}),
    ("POST", "/users", {"name": "x\ny", "password": GOOD}),
]


async def test_bad_input_is_told_what_is_wrong_and_never_breaks(tmp_path: Path) -> None:
    async with box(tmp_path) as it:
        cookie = await it.set_up()
        for method, path, body in BAD:
            status, _, reply = await it.call(method, path, body, cookie=cookie)
            assert status in {400, 409} and reply["error_message"], (path, body, status)  # noqa: PT018
            assert GOOD not in str(reply), (path, body)
        for path in ("/tokens/nobody", "/tokens/%27%20OR%201", "/users/nobody"):
            assert (await it.call("DELETE", path, cookie=cookie))[0] == 404


async def test_before_its_life_it_is_not_ready(tmp_path: Path) -> None:
    service = build(AccountsSettings(), make_kernel("accounts", tmp_path))
    assert service.ready() is not None
    with pytest.raises(Fault, match="starting"):
        await service.authenticate({}, {"vedette_session": "x"})
    async with service.life():
        assert service.ready() is None
    assert service.ready() is not None
