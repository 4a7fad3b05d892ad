"""Cameras, storage and coverage on the running demo, in a real browser: set up, foreseen, accounted for, protected."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from scripts.test_peers import BROWSERS
from tests.support.demo import Demo, until

pytestmark = [
    pytest.mark.e2e,
    # Playwright keeps its event loop and pipes until the interpreter ends.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PATIENCE_MS = 30_000
VST = "/vst/api/v1"
CAMERA_ADDRESS = "127.0.0.31"
PASSWORD = "a-long-secret"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the distribution."""
    program = next(found for found in map(shutil.which, BROWSERS) if found)
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module")
def admin(browser: Browser, running: Demo) -> Iterator[BrowserContext]:
    """A browser that is the admin by its token, so that the one-time sign-in is left to those who test it."""
    headers = {"Authorization": f"Bearer {running.token}"}
    context = browser.new_context(extra_http_headers=headers, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def onvif_camera(tmp_path: Path, running: Demo) -> Iterator[str]:
    """A test camera that speaks ONVIF, wants a password and has answered discovery; its address."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    argv = [sys.executable, "-m", "vedette", "camera", "scene", "--port", "0", "--addresses", CAMERA_ADDRESS]
    argv += ["--onvif", "0", "--discovery", "--user", "ada", "--password-file", str(secret), "--sub", "320x180"]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def seen() -> bool:
        # Multicast does not reach loopback everywhere: it is asked by its address.
        running.request("POST", f"{VST}/sensor/scan", {"targets": [CAMERA_ADDRESS]})
        return any(item["address"] == CAMERA_ADDRESS for item in running.get(f"{VST}/sensor/discovered"))

    try:
        until(seen, "the test camera answers discovery")
        yield CAMERA_ADDRESS
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(10)


def open_page(context: BrowserContext, running: Demo, path: str, size: str = "desk") -> tuple[Page, list[str]]:
    """A page with everything that went wrong on it."""
    page = context.new_page()
    page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("response", lambda reply: wrong.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    page.goto(running.url + path)
    return page, wrong


def linked(page: Page, name: str) -> str:
    """What a link to save gives."""
    link = page.get_by_role("link", name=name)
    expect(link).to_be_visible(timeout=PATIENCE_MS)
    address = link.evaluate("link => link.href")
    assert link.get_attribute("download")
    reply = page.request.get(address)
    assert reply.ok, (reply.status, reply.text())
    return reply.text()


def main_strip(page: Page) -> Locator:
    """The strip of recordings on a camera's page."""
    strip = page.locator(".recordings .strip__track")
    expect(strip.locator(".strip__span").first).to_be_visible(timeout=PATIENCE_MS)
    return strip


def recorded(running: Demo, sensor_id: str) -> None:
    """Waits until the camera has been recorded for a while."""
    path = f"{VST}/record/{sensor_id}/coverage"
    until(lambda: running.get(path)["seconds"]["recorded"] > 25, "25 s of footage")


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("path", ["/coverage", "/coverage/{plaza}", "/storage", "/cameras", "/cameras/{plaza}/setup"])
def test_the_pages_fit_and_nothing_fails(admin: BrowserContext, running: Demo, path: str, size: str) -> None:
    page, wrong = open_page(admin, running, path.format(plaza=running.cameras["Plaza"]), size)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".panel").first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), "wider than the window"
    page.close()
    assert wrong == []


def test_coverage_of_all_cameras_leads_to_one(admin: BrowserContext, running: Demo) -> None:
    recorded(running, running.cameras["Plaza"])
    page, wrong = open_page(admin, running, "/coverage")
    rows = page.get_by_label("By camera").get_by_role("link")
    expect(rows).to_have_count(len(running.cameras), timeout=PATIENCE_MS)
    expect(rows.filter(has_text="Plaza").get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"Plaza: [\d.]+ % recorded"), timeout=PATIENCE_MS
    )
    rows.filter(has_text="Plaza").click()
    expect(page.get_by_role("heading", name="Plaza")).to_be_visible()
    expect(page.get_by_label("By day").get_by_role("listitem")).to_have_count(7, timeout=PATIENCE_MS)
    page.close()
    assert wrong == []


def test_every_state_can_be_read_by_keyboard(admin: BrowserContext, running: Demo) -> None:
    recorded(running, running.cameras["Plaza"])
    page, wrong = open_page(admin, running, f"/coverage/{running.cameras['Plaza']}")
    today = page.get_by_label("By day").get_by_role("slider").last
    expect(today).to_be_visible(timeout=PATIENCE_MS)
    today.focus()
    page.keyboard.press("End")
    expect(today).to_have_attribute("aria-valuetext", re.compile(r"^Record.*\d\d:\d\d:\d\d – \d\d:\d\d:\d\d"))
    expect(page.locator(".cov__tip")).to_contain_text("Record")
    page.get_by_role("button", name="Day", exact=True).click()
    expect(page.get_by_label("By hour").get_by_role("listitem")).to_have_count(24, timeout=PATIENCE_MS)
    page.close()
    assert wrong == []


def test_the_signed_manifest_can_be_taken_along(admin: BrowserContext, running: Demo) -> None:
    recorded(running, running.cameras["Plaza"])
    page, _ = open_page(admin, running, f"/coverage/{running.cameras['Plaza']}")
    content = linked(page, "Download signed manifest")
    assert running.cameras["Plaza"] in content
    assert json.loads(content)
    page.close()


def test_a_policy_is_foreseen_before_it_is_saved(admin: BrowserContext, running: Demo) -> None:
    recorded(running, running.cameras["Plaza"])
    before = running.get(f"{VST}/storage/policy")
    page, wrong = open_page(admin, running, "/storage")
    policy = page.get_by_label("Ageing policy")
    policy.get_by_role("switch", name="Age: rule").click()
    expect(policy.get_by_role("status")).to_contain_text("Would delete nothing", timeout=PATIENCE_MS)
    policy.get_by_label("Age", exact=True).fill("0.0001")
    expect(policy.get_by_role("status")).to_contain_text(
        re.compile(r"Would delete [\d.]+ [KM]iB now"), timeout=PATIENCE_MS
    )
    policy.get_by_role("button", name="Save policy").click()
    expect(page.get_by_role("dialog")).to_contain_text("Would delete")
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    policy.get_by_role("button", name="Undo").click()
    expect(policy.get_by_role("button", name="Save policy")).to_have_count(0)
    page.close()
    assert wrong == []
    assert running.get(f"{VST}/storage/policy") == before


def test_a_range_is_protected_and_let_go(admin: BrowserContext, running: Demo) -> None:
    plaza = running.cameras["Plaza"]
    recorded(running, plaza)
    page, wrong = open_page(admin, running, f"/cameras/{plaza}")
    strip = main_strip(page)
    box = strip.bounding_box()
    assert box is not None
    strip.click(position={"x": box["width"] - 8, "y": box["height"] / 2})
    page.get_by_role("button", name="Protect").click()
    expect(page.locator(".toasts")).to_contain_text("Protected", timeout=PATIENCE_MS)
    page.close()
    assert wrong == []
    page, wrong = open_page(admin, running, "/storage")
    held = page.get_by_label("Protected footage")
    expect(held.get_by_role("listitem")).to_have_count(1, timeout=PATIENCE_MS)
    expect(held).to_contain_text("Plaza")
    held.get_by_role("button", name="Let it age").click()
    expect(held).to_contain_text("None", timeout=PATIENCE_MS)
    page.close()
    assert wrong == []


def test_a_clip_plays_and_can_be_shared(admin: BrowserContext, browser: Browser, running: Demo) -> None:
    plaza = running.cameras["Plaza"]
    recorded(running, plaza)
    page, wrong = open_page(admin, running, f"/cameras/{plaza}")
    main_strip(page).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('video.clip')?.currentTime > 0.5", timeout=PATIENCE_MS)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Link", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Make and copy").click()
    made = page.get_by_label("Works until")
    expect(made).to_be_visible(timeout=PATIENCE_MS)
    stranger = browser.new_context()
    reply = stranger.request.get(made.input_value())
    assert (reply.status, reply.headers["content-type"]) == (200, "video/mp4")
    stranger.close()
    page.close()
    assert wrong == []


def test_a_week_is_painted_and_undone(admin: BrowserContext, running: Demo) -> None:
    plaza = running.cameras["Plaza"]
    page, wrong = open_page(admin, running, f"/cameras/{plaza}/setup")
    recording = page.get_by_role("region", name="Recording")
    recording.get_by_label("By schedule").check(timeout=PATIENCE_MS)
    expect(recording.get_by_role("button", name="Save")).to_be_disabled()
    recording.get_by_role("button", name="Working hours").click()
    expect(recording).to_contain_text("Mon to Fri 08:00–18:00 · 50 hours a week")
    recording.get_by_role("group", name="Days").get_by_role("button", name="Mon").click()
    recording.get_by_label("From", exact=True).fill("20:00")
    recording.get_by_label("Until", exact=True).fill("06:00")
    recording.get_by_role("button", name="Add", exact=True).click()
    expect(recording).to_contain_text("Tue to Fri 20:00–06:00")
    recording.get_by_role("button", name="Undo").click()
    expect(recording.get_by_label("Always")).to_be_checked()
    page.close()
    assert wrong == []
    assert running.get(f"{VST}/record/{plaza}/mode")["mode"] == "always"


def test_cameras_on_the_network_are_looked_for(admin: BrowserContext, running: Demo) -> None:
    page, wrong = open_page(admin, running, "/cameras")
    found = page.get_by_label("Found on the network")
    found.get_by_role("button", name="Look now").click(timeout=PATIENCE_MS)
    expect(found.get_by_role("button", name="Look now")).to_be_enabled(timeout=PATIENCE_MS)
    listed = linked(page, "CSV")
    assert all(name in listed for name in running.cameras)
    page.close()
    assert wrong == []


def test_a_found_camera_is_added_set_up_turned_and_removed(
    admin: BrowserContext, running: Demo, onvif_camera: str
) -> None:
    page, _ = open_page(admin, running, "/cameras")
    row = page.get_by_label("Found on the network").get_by_role("listitem").filter(has_text=onvif_camera)
    row.get_by_role("button", name="Add scene").click(timeout=PATIENCE_MS)
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("This camera asks who you are", timeout=PATIENCE_MS)
    asked.get_by_label("User name").fill("ada")
    asked.get_by_label("Password").fill(PASSWORD)
    asked.get_by_role("button", name="Add camera").click()
    expect(row).to_contain_text("Added", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Set up scene").click()
    expect(page.get_by_role("region", name="Device")).to_contain_text("Test Camera", timeout=PATIENCE_MS)
    expect(page.get_by_role("region", name="Recording, sub stream")).to_be_visible(timeout=PATIENCE_MS)
    set_brightness(page, "60")
    page.reload()
    expect(page.get_by_label("Brightness")).to_have_value("60", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Watch").click()
    sensor_id = page.url.rpartition("/")[2]
    page.get_by_role("region", name="Turn the camera").get_by_role("button", name="Right").click(
        delay=300, timeout=PATIENCE_MS
    )
    until(lambda: running.get(f"{VST}/sensor/{sensor_id}/ptz")["position"]["pan"] > 0, "the camera has turned")
    page.goto(f"{running.url}/cameras")
    page.get_by_role("button", name="Remove scene").click(timeout=PATIENCE_MS)
    page.get_by_role("dialog").get_by_label("Delete the recordings, too").check()
    page.get_by_role("dialog").get_by_role("button", name="Remove with recordings").click()
    expect(page.get_by_role("link", name="Set up scene")).to_have_count(0, timeout=PATIENCE_MS)
    page.close()
    assert {item["name"] for item in running.get(f"{VST}/sensor/list")} == set(running.cameras)


def set_brightness(page: Page, value: str) -> None:
    """Moves the slider and sends it to the camera."""
    page.get_by_label("Brightness").fill(value, timeout=PATIENCE_MS)
    page.get_by_role("button", name="Set on the camera").click()
    expect(page.locator(".toasts")).to_contain_text("The camera took it", timeout=PATIENCE_MS)
