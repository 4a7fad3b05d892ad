"""The command line: what wins over what, and errors that a person can act on."""

import argparse
from pathlib import Path

import pytest

from vedette.cli import demo, demo_scenes, node_options
from vedette.cli.main import VERBS, first_fault, main
from vedette.kernel.errors import Fault


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    node_options.add(parser)
    return parser.parse_args(arguments)


def test_options_win_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "vedette.yaml"
    file.write_text("node: {log_level: debug, data_dir: /a}\ningress: {port: 1}\n", encoding="utf-8")
    chosen = options("--config", str(file), "--data-dir", "/c", "--port", "0")
    sections = node_options.sections_of(chosen, {"VEDETTE_NODE__DATA_DIR": "/b", "VEDETTE_INGRESS__HOST": "::1"})
    assert sections["node"] == {"log_level": "debug", "data_dir": "/c"}
    assert sections["ingress"] == {"port": 0, "host": "::1"}


def test_an_unknown_key_ends_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vedette.yaml"
    file.write_text("node: {data_dri: /a}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["up", "--config", str(file)])
    assert ended.value.code == 1
    assert "node.data_dri" in capsys.readouterr().err


def test_the_demo_adds_to_the_users_sections_and_overrides_none() -> None:
    merged = demo.demo_sections({"vst": {"segment_s": 2}, "perception": {"detectors": []}, "ingress": {"port": 0}})
    assert merged["vst"] == {"segment_s": 2, "allowed_networks": ["127.0.0.0/8"], "discovery_every_s": 0}
    assert merged["perception"]["detectors"] == []
    assert merged["ingress"]["port"] == 0


def test_without_the_clip_the_demo_says_so_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [camera.source for camera in demo.choose_cameras(None, tmp_path)] == ["scene"]
    assert "make setup" in capsys.readouterr().err


def test_the_demo_plays_any_video(tmp_path: Path) -> None:
    file = tmp_path / "mine.mp4"
    file.write_bytes(b"")
    assert [camera.source for camera in demo.choose_cameras(str(file), tmp_path)] == [str(file), "scene"]
    assert demo.choose_cameras("rtsp://10.0.0.3/1", tmp_path)[0].source == "rtsp://10.0.0.3/1"
    with pytest.raises(Fault, match=r"absent\.mp4"):
        demo.choose_cameras(str(tmp_path / "absent.mp4"), tmp_path)


@pytest.mark.parametrize("camera", [demo_scenes.synthetic(), demo_scenes.pedestrians("x"), demo_scenes.other("x")])
def test_wires_and_rois_lie_inside_the_picture(camera: demo_scenes.DemoCamera) -> None:
    width, height = 640, 360
    wire, roi = camera.tripwire_body(width, height)["tripwires"][0], camera.roi_body(width, height)["rois"][0]
    points = [*wire["wire"], wire["direction"]["p1"], wire["direction"]["p2"], *roi["coordinates"]]
    assert all(0 <= point["x"] <= width and 0 <= point["y"] <= height for point in points)
    assert len(wire["wire"]) >= 2
    assert len(roi["coordinates"]) >= 3


def test_a_fault_inside_task_groups_is_found() -> None:
    fault = Fault("A", 500, "the camera is away")
    assert first_fault(BaseExceptionGroup("a", [BaseExceptionGroup("b", [KeyboardInterrupt(), fault])])) is fault
    assert first_fault(BaseExceptionGroup("a", [ValueError()])) is None


def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in VERBS:
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert VERBS[name].partition(" ")[0].lower() in capsys.readouterr().out.lower()
