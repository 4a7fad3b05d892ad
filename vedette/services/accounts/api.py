"""Routes of accounts. The session's secret travels in a cookie that no script can read."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from vedette.kernel.clock import to_iso
from vedette.kernel.http import requires
from vedette.schema.identity import Action, Role, Subject
from vedette.services.accounts.model import (
    AuditLine,
    AuditLog,
    PasswordRequest,
    People,
    Person,
    RoleName,
    SetupRequest,
    SignedIn,
    SignInRequest,
    Status,
    TicketRequest,
    TokenBody,
    TokenMade,
    TokenRequest,
    Tokens,
    User,
    UserRequest,
)
from vedette.services.accounts.service import AccountsService

_COOKIE = "vedette_session"
_PREFIX = "__Host-"  # a browser keeps such a cookie only from HTTPS, for this host alone
_ROLE_NAMES: dict[Role, RoleName] = {Role.VIEWER: "viewer", Role.OPERATOR: "operator", Role.ADMIN: "admin"}

type Caller = Annotated[Subject, requires(Action.SELF)]
type Admin = Annotated[Subject, requires(Action.ADMINISTER)]


def build_router(service: AccountsService) -> APIRouter:
    """All routes of accounts."""
    router = APIRouter(prefix="/api/v1/accounts")
    _add_ways_in(router, service)
    _add_own(router, service)
    _add_tokens(router, service)
    _add_users(router, service)
    return router


def _add_ways_in(router: APIRouter, service: AccountsService) -> None:
    public = [requires(Action.PUBLIC)]

    @router.get("/status", tags=["session"], dependencies=public)
    async def status() -> Status:
        """Whether the first admin is still to be made."""
        return Status(setup_required=await service.is_setup_required())

    @router.post("/setup", tags=["session"], status_code=201, dependencies=public)
    async def setup(body: SetupRequest, request: Request, response: Response) -> Person:
        """Make the first admin with the code that the console shows, and sign in. 409 once there is an admin."""
        signed_in = await service.sign_in.set_up(
            code=body.code, name=body.name, password=body.password, address=_address(request)
        )
        return _welcome(signed_in, request, response)

    @router.post("/session", tags=["session"], dependencies=public)
    async def sign_in(body: SignInRequest, request: Request, response: Response) -> Person:
        """Sign in by name and password. 429 after 20 wrong guesses in an hour."""
        signed_in = await service.sign_in.with_password(
            name=body.name, password=body.password, address=_address(request)
        )
        return _welcome(signed_in, request, response)

    @router.post("/ticket", tags=["session"], dependencies=public)
    async def redeem(body: TicketRequest, request: Request, response: Response) -> Person:
        """Sign in by a ticket, which works once."""
        signed_in = await service.sign_in.with_ticket(ticket=body.ticket, address=_address(request))
        return _welcome(signed_in, request, response)


def _add_own(router: APIRouter, service: AccountsService) -> None:
    @router.get("/me", tags=["session"])
    async def me(caller: Caller) -> Person:
        """Who is signed in."""
        return Person(id=caller.id, name=caller.name, role=_ROLE_NAMES[caller.role], sensors=caller.sensors)

    @router.delete("/session", tags=["session"], status_code=204)
    async def sign_out(caller: Caller, request: Request, response: Response) -> None:
        """End this session."""
        await service.sign_in.sign_out(caller, request.cookies, _address(request))
        for name, secure in ((_COOKIE, False), (_PREFIX + _COOKIE, True)):
            response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")

    @router.post("/password", tags=["session"])
    async def change_password(body: PasswordRequest, caller: Caller, request: Request, response: Response) -> Person:
        """Set one's password. Every other session of the user ends."""
        signed_in = await service.sign_in.change_password(
            caller, current=body.current, password=body.password, address=_address(request)
        )
        return _welcome(signed_in, request, response)


def _add_tokens(router: APIRouter, service: AccountsService) -> None:
    @router.get("/tokens", tags=["tokens"])
    async def list_tokens(caller: Caller) -> Tokens:
        """One's own tokens; an admin sees all."""
        found = await service.directory.list_tokens(caller)
        return Tokens(
            tokens=[
                TokenBody(
                    id=item.id,
                    name=item.name,
                    role=_ROLE_NAMES[item.role],
                    owner=item.owner,
                    created_at=item.created_at,
                    expires_at=item.expires_at,
                )
                for item in found
            ]
        )

    @router.post("/tokens", tags=["tokens"], status_code=201)
    async def create_token(body: TokenRequest, caller: Caller) -> TokenMade:
        """A new bearer token, shown this once; it can do no more than its owner."""
        token_id, text = await service.directory.create_token(
            caller, name=body.name, role=Role[body.role.upper()], days=body.days
        )
        return TokenMade(id=token_id, token=text)

    @router.delete("/tokens/{tokenId}", tags=["tokens"], status_code=204)
    async def revoke_token(token_id: Annotated[str, Path(alias="tokenId")], caller: Caller) -> None:
        """End a token at once."""
        await service.directory.revoke_token(caller, token_id)


def _add_users(router: APIRouter, service: AccountsService) -> None:
    @router.get("/users", tags=["users"])
    async def list_users(_caller: Admin) -> People:
        """All users."""
        return People(users=[_person(user) for user in await service.directory.list_users()])

    @router.post("/users", tags=["users"], status_code=201)
    async def add_user(body: UserRequest, caller: Admin) -> Person:
        """A new user; `sensors` limits them to those."""
        role = Role[body.role.upper()]
        user = await service.directory.add_user(
            caller, name=body.name, password=body.password, role=role, sensors=body.sensors
        )
        return _person(user)

    @router.delete("/users/{userId}", tags=["users"], status_code=204)
    async def delete_user(user_id: Annotated[str, Path(alias="userId")], caller: Admin) -> None:
        """Delete a user with sessions and tokens. 409 for the last admin."""
        await service.directory.delete_user(caller, user_id)

    @router.get("/audit", tags=["users"])
    async def audit(_caller: Admin, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> AuditLog:
        """What was changed or tried, newest first."""
        found = await service.directory.list_audit(limit)
        lines = [
            AuditLine(
                at=to_iso(item.at_us),
                subject=item.subject,
                action=item.action,
                resource=item.resource,
                outcome=item.outcome,
                source=item.source,
            )
            for item in found
        ]
        return AuditLog(entries=lines)


def _welcome(signed_in: SignedIn, request: Request, response: Response) -> Person:
    secure = request.url.scheme == "https"
    response.set_cookie(
        _PREFIX + _COOKIE if secure else _COOKIE,
        signed_in.session,
        max_age=signed_in.life_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return _person(signed_in.user)


def _person(user: User) -> Person:
    return Person(id=user.user_id, name=user.name, role=_ROLE_NAMES[user.role], sensors=list(user.sensors))


def _address(request: Request) -> str | None:
    return request.client.host if request.client is not None else None
