"""What a media file is: read from files that other programs made."""

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from vedette.kernel.errors import Fault
from vedette.media.media_info import MediaInfo, media_info


def made(path: Path, *options: str) -> Path:
    source = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=2"]
    tone = ["-f", "lavfi", "-i", "sine=frequency=400:sample_rate=44100:duration=2"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *tone, *options, path], check=True)
    return path


def test_an_mp4_with_sound(tmp_path: Path) -> None:
    info = media_info(made(tmp_path / "a.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"))
    assert (info.container, info.codec, info.width, info.height, info.fps) == ("mp4", "h264", 320, 180, Fraction(25))
    assert (info.depth, info.is_interlaced) == (8, False)
    assert (info.audio_codec, info.sample_rate, info.channels) == ("aac", 44_100, 1)
    assert info.duration_us == pytest.approx(2_000_000, abs=60_000)
    assert info.bitrate > 0


def test_other_containers(tmp_path: Path) -> None:
    ts = media_info(made(tmp_path / "a.ts", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-an"))
    assert (ts.container, ts.codec, ts.audio_codec, ts.channels) == ("mpegts", "h264", "", 0)
    mkv = media_info(made(tmp_path / "a.mkv", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-c:a", "pcm_s16le"))
    assert (mkv.container, mkv.codec, mkv.depth, mkv.audio_codec) == ("matroska", "hevc", 10, "pcm_s16le")


def test_sound_alone(tmp_path: Path) -> None:
    info = media_info(made(tmp_path / "a.wav", "-vn", "-map", "1:a"))
    assert info == MediaInfo(
        "wav", info.duration_us, info.bitrate, audio_codec="pcm_s16le", sample_rate=44_100, channels=1
    )


def test_what_is_no_media(tmp_path: Path) -> None:
    with pytest.raises(Fault) as fault:
        media_info(tmp_path / "absent.mp4")
    assert fault.value.status == 404
    playlist = "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    for name, content in (
        ("text.mp4", "hello"),
        ("list.m3u8", playlist),
        ("empty.mp4", ""),
        ("concat.txt", "ffconcat version 1.0\nfile a.mp4\n"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(Fault) as fault:
            media_info(tmp_path / name)
        assert fault.value.status == 422
