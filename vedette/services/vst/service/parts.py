"""What the parts of VST share: one clock, one catalogue, one folder, one outbox."""

from dataclasses import dataclass, field

from vedette.kernel.clock import Clock
from vedette.kernel.database import Database
from vedette.services.vst.adapters.segment_files import SegmentFolder
from vedette.services.vst.service.catalogue import Catalogue
from vedette.services.vst.service.disk import DiskState
from vedette.services.vst.service.events import Outbox
from vedette.services.vst.service.meters import Meters
from vedette.services.vst.settings import VstSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """Handed to each part when it is made."""

    settings: VstSettings
    clock: Clock
    meters: Meters
    outbox: Outbox
    database: Database
    catalogue: Catalogue
    folder: SegmentFolder
    disk: DiskState = field(default_factory=DiskState)
