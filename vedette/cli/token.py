"""`vedette token create | list | revoke`: bearer tokens, made by whoever can open the data folder."""

import argparse
from pathlib import Path

import anyio

from vedette.cli import node_options
from vedette.kernel.clock import SystemClock
from vedette.schema.identity import Role
from vedette.supervisor import open_accounts


def options(parser: argparse.ArgumentParser) -> None:
    """The three commands."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make a token; it is shown once")
    create.add_argument("--name", default="command line", help="what it is for")
    create.add_argument("--role", choices=[role.name.lower() for role in Role], default="viewer", help="what it may do")
    create.add_argument("--days", type=float, default=90.0, help="days until it expires")
    commands.add_parser("list", help="show names, roles and expiry; never the secrets")
    revoke = commands.add_parser("revoke", help="end a token at once")
    revoke.add_argument("id", help="its id, as `list` shows it")
    for command in commands.choices.values():
        command.add_argument("--config", type=Path, help="configuration file")
        command.add_argument("--data-dir", type=Path, help="folder of the node")


def run(chosen: argparse.Namespace) -> int:
    """Prints the token, the list, or nothing."""
    chosen.bus = None
    anyio.run(_run, chosen)
    return 0


async def _run(chosen: argparse.Namespace) -> None:
    sections = node_options.sections_of(chosen)
    async with open_accounts(node_options.node_settings(sections), sections, SystemClock()) as accounts:
        if chosen.command == "create":
            role = Role[chosen.role.upper()]
            print(await accounts.create_token(name=chosen.name, role=role, days=chosen.days))
        elif chosen.command == "revoke":
            await accounts.revoke_token(chosen.id)
        else:
            for token in await accounts.list_tokens():
                print(f"{token.id}\t{token.role.name.lower()}\t{token.expires_at}\t{token.name}")
