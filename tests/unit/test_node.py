"""The composition root: folders, locks, ports, and what children are told."""

import socket
from pathlib import Path

import pytest

from vedette.kernel.bus import MemoryBus
from vedette.kernel.clock import FakeClock
from vedette.kernel.errors import Fault
from vedette.node import EMBEDDED_BUS, HEAVY, LIGHT, SERVICES, SETS, Node, NodeSettings, bind, folder_lock


def described(tmp_path: Path, **settings: object) -> Node:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    given = NodeSettings.parse("node", {"data_dir": str(tmp_path / "data"), **settings})
    return Node.create(given, run_dir, {"vst": {"segment_s": 5}})


def test_a_child_reads_what_the_supervisor_described(tmp_path: Path) -> None:
    node = described(tmp_path)
    assert Node.load(tmp_path / "run") == node
    assert node.has_embedded_bus
    assert (tmp_path / "run" / "node.json").stat().st_mode & 0o077 == 0


def test_services_of_one_node_trust_one_another_and_nobody_else(tmp_path: Path) -> None:
    node, clock, bus = described(tmp_path), FakeClock(), MemoryBus()
    vst, perception = node.kernel_of("vst", bus, clock), node.kernel_of("perception", bus, clock)
    assert vst.relay_secret == perception.relay_secret != ""
    assert vst.data_dir != perception.data_dir
    from vedette.kernel.auth import service_subject

    assert vst.identity.verify(perception.identity.sign(service_subject("perception"))).internal


def test_every_set_names_known_services() -> None:
    assert {name for names in SETS.values() for name in names} == set(SERVICES) == {*LIGHT, *HEAVY}


def test_one_node_a_data_folder(tmp_path: Path) -> None:
    with folder_lock(tmp_path), pytest.raises(Fault, match="Another Vedette"), folder_lock(tmp_path):
        pass
    with folder_lock(tmp_path):
        pass


def test_a_port_in_use_is_named() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Fault, match=rf"Port {port} .*--port"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Fault, match=r"203\.0\.113\.9"):
        bind("203.0.113.9", 0)


def test_ipv6_loopback_works_where_there_is_one() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 on this machine")
    with bind("::1", 0) as listener:
        assert listener.family == socket.AF_INET6


def test_a_data_folder_below_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(Fault, match="data folder"):
        described(tmp_path)


@pytest.mark.parametrize("url", [EMBEDDED_BUS, "redis://127.0.0.1:1/0", "memory:"])
def test_the_bus_is_a_url(tmp_path: Path, url: str) -> None:
    node = described(tmp_path, bus=url)
    assert node.has_embedded_bus is (url == EMBEDDED_BUS)
    assert isinstance(node.open_bus(), MemoryBus) is (url == "memory:")
