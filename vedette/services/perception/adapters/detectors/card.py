"""Model cards: a small TOML file beside the weights that says what they are and how to feed and read them."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

import vedette
from vedette.kernel.errors import Fault

SHIPPED = Path(vedette.__file__).parent / "data" / "models" / "nanodet_g_person.toml"


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of weights: its sum, and what it finds in the self-test picture (score, left, top, right, bottom)."""

    file: str
    precision: str
    sha256: str
    expected: tuple[tuple[float, float, float, float, float], ...] = ()


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model is: its head, classes, input sizes (width, height), colour order, scale, thresholds and licence."""

    name: str
    head: str
    classes: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    licence: str
    source: str
    weights: tuple[Weights, ...]
    colour_order: str = "bgr"
    scale: float = 1.0
    low: float = 0.10
    self_test: str = ""
    self_test_score: float = 0.05
    self_test_iou: float = 0.85


@dataclass(frozen=True, slots=True)
class Model:
    """A card and the folder that its files lie in."""

    card: ModelCard
    folder: Path

    def read(self, weights: Weights) -> bytes:
        """The bytes of the weights. Fault when they are missing or are not the ones that the card describes."""
        path = self.folder / weights.file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _broken(f"Cannot read the weights {path}: {error.strerror}.") from error
        found = hashlib.sha256(content).hexdigest()
        if found != weights.sha256:
            raise _broken(f"{path} is not the file of its model card: sha256 {found}, expected {weights.sha256}.")
        return content

    def self_test_picture(self) -> NDArray[np.uint8] | None:
        """The picture that `expected` speaks of, BGR of shape (height, width, 3); None when the card names none."""
        if not self.card.self_test:
            return None
        with np.load(self.folder / self.card.self_test, allow_pickle=False) as content:
            picture: NDArray[np.uint8] = content["picture"]
        return picture


def load_card(path: Path | None = None) -> Model:
    """The model of a card; the shipped one by default. Fault that says what is wrong with it otherwise."""
    path = path or SHIPPED
    try:
        card = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ModelCard)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _broken(f"Cannot read the model card {path}: {error}.") from error
    if not card.weights or not card.sizes:
        raise _broken(f"The model card {path} names no weights or no input size.")
    return Model(card, path.parent)


def _broken(message: str) -> Fault:
    return Fault("ConfigurationError", 500, message)
