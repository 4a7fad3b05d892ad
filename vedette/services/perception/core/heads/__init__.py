"""Decoders of network outputs, one a family of detectors; a model card names the one it needs."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from vedette.services.perception.core.heads import nanodet
from vedette.services.perception.model import Detections, Letterbox

type Outputs = Mapping[str, NDArray[np.float32]]
type Head = Callable[[Outputs, Letterbox, float], Detections]

HEADS: dict[str, Head] = {"nanodet": nanodet.decode}
