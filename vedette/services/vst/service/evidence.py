"""Signed manifests: what the coverage ledger says of a stretch of footage, for those who must prove it."""

from pathlib import Path

import anyio.to_thread

from vedette.kernel.clock import Clock, Instant
from vedette.kernel.database import Database, Transaction
from vedette.kernel.errors import invalid, not_found
from vedette.services.vst.adapters.signing import Signer
from vedette.services.vst.core import coverage, manifest
from vedette.services.vst.core.ledger import ORIGIN
from vedette.services.vst.core.manifest import Account, Document
from vedette.services.vst.model import Entry, EntryKind, Segment
from vedette.services.vst.store import CoverageStore, Store

KEY_FILE = "evidence.key"
_MOST_LINES = 20_000


class Evidence:
    """Reads the ledger and signs what it says."""

    def __init__(self, database: Database, clock: Clock, key_path: Path) -> None:
        self._database, self._clock, self._key_path = database, clock, key_path

    @property
    def public_key(self) -> str:
        """The device's public key; makes the key when there is none. Blocking."""
        return Signer(self._key_path).public_key

    async def manifest(self, stream_id: str, name: str, start_us: Instant, end_us: Instant) -> Document:
        """The signed manifest of a range. Faults: 400 for a range that is none or too long, 404 without the stream."""
        account = await self._database.read(
            lambda connection: account_of(connection, stream_id, name, start_us, end_us, now_us=self._clock.now())
        )
        return await anyio.to_thread.run_sync(self.signed, account, {})

    def signed(self, account: Account, files: dict[str, str]) -> Document:
        """The signed manifest of an account, with the hashes of the files beside it. Blocking."""
        signer = Signer(self._key_path)
        document = manifest.document(account, public_key=signer.public_key, files=files)
        return manifest.signed(document, signer.sign(manifest.canonical(document)))


def account_of(
    connection: Transaction, stream_id: str, name: str, start_us: Instant, end_us: Instant, *, now_us: Instant
) -> Account:
    """What the ledger says of a range; faults as for a manifest."""
    if end_us <= start_us:
        raise invalid("endTime must be later than startTime.")
    store = CoverageStore(connection)
    head = store.get_head(stream_id)
    if head is None:
        raise not_found(f"There is no stream '{stream_id[:100]}'.", "CameraNotFoundError")
    reaching = store.list_entries(stream_id, start_us, end_us)
    entries: list[Entry] = []
    if reaching:
        # Lines between them may concern other times, such as a later deletion of something older: the chain needs them.
        entries = store.list_chain(stream_id, reaching[0].seq, reaching[-1].seq)
    if len(entries) > _MOST_LINES:
        raise invalid("The range has too many lines for one manifest. Ask for a shorter one.")
    before = store.get_entry_before(stream_id, entries[0].seq) if entries else None
    spans = coverage.resolve(reaching, head, growing=None, now_us=now_us, start_us=start_us, end_us=end_us)
    return Account(
        stream_id=stream_id,
        name=name,
        start_us=start_us,
        end_us=end_us,
        spans=spans,
        entries=entries,
        segments=_segments(connection, entries),
        before=ORIGIN if before is None else before.hash,
        seq=head.seq,
        hash=head.hash,
        made_us=now_us,
    )


def _segments(connection: Transaction, entries: list[Entry]) -> list[Segment]:
    recorded = [entry for entry in entries if entry.kind is EntryKind.RECORDED]
    found = []
    for entry in recorded:
        found += Store(connection).list_segments(entry.stream_id, entry.start_us, entry.end_us)
    return found
