"""The options that every verb shares which starts or opens a node, and how they become settings."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vedette.kernel.settings import merge_environment, read_yaml
from vedette.node import NodeSettings

type Sections = dict[str, dict[str, Any]]


def add(parser: argparse.ArgumentParser) -> None:
    """`--config`, `--data-dir`, `--bus`, `--host`, `--port`."""
    parser.add_argument("--config", type=Path, help="configuration file; see vedette.yaml for every key")
    parser.add_argument("--data-dir", type=Path, help="folder for recordings, databases and keys")
    parser.add_argument("--bus", help="message bus: embedded: or a redis:// URL")
    parser.add_argument("--host", help="address to listen on; anything but loopback is served by HTTPS")
    parser.add_argument("--port", type=int, help="the one port; 0 takes a free one")


def sections_of(chosen: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Sections:
    """File, then environment, then options: the later one wins."""
    sections = merge_environment(read_yaml(chosen.config) if chosen.config else {}, environment)
    given = {
        "node": {"data_dir": chosen.data_dir and str(chosen.data_dir), "bus": chosen.bus},
        "ingress": {"host": getattr(chosen, "host", None), "port": getattr(chosen, "port", None)},
    }
    for section, values in given.items():
        for key, value in values.items():
            if value is not None:
                sections.setdefault(section, {})[key] = value
    return sections


def node_settings(sections: Mapping[str, Mapping[str, Any]]) -> NodeSettings:
    """The validated node section."""
    return NodeSettings.parse("node", sections.get("node", {}))
