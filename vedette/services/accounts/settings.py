"""Settings of the accounts service."""

from pydantic import Field

from vedette.kernel.settings import Settings


class AccountsSettings(Settings):
    """How long proofs of identity last."""

    session_hours: float = Field(168.0, gt=0, le=8760, description="Hours until a browser has to sign in again.")
    ticket_minutes: float = Field(15.0, gt=0, le=60, description="Minutes in which a one-time sign-in works.")
    token_days_max: float = Field(3650.0, gt=0, description="Longest life, in days, that an API token may be given.")
    audit_kept: int = Field(100_000, ge=100, description="Newest entries of the audit log that are kept.")
