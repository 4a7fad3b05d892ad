"""Wiring of accounts."""

from functools import partial

from vedette.kernel.context import Kernel
from vedette.kernel.http import create_app
from vedette.services.accounts.api import build_router
from vedette.services.accounts.service import AccountsService
from vedette.services.accounts.settings import AccountsSettings

__all__ = ["AccountsService", "build"]


def build(settings: AccountsSettings, kernel: Kernel) -> AccountsService:
    """The service; its database is opened by its life."""
    service = AccountsService(settings, kernel.clock, partial(kernel.open_database, "accounts"))
    service.serve(
        create_app(
            service.name,
            routers=[build_router(service)],
            telemetry=kernel.telemetry,
            ready=service.ready,
            identity=kernel.identity,
            description="Users, sign-in, sessions, API tokens and the audit log.",
        )
    )
    return service
