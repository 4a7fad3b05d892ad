"""The web app on the running demo, in a real browser: what a person sees, at desk and phone size."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from scripts.test_peers import BROWSERS
from tests.support.demo import Demo

pytestmark = [
    pytest.mark.e2e,
    # Playwright keeps its event loop and pipes until the interpreter ends.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PATIENCE_MS = 30_000


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
def signed_in(browser: Browser, running: Demo) -> Iterator[BrowserContext]:
    """A browser that used the one-time sign-in of the demo."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(running.ticket_url())
    expect(page.get_by_role("heading", name="Live", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    page.close()
    yield context
    context.close()


def open_page(context: BrowserContext, running: Demo, path: str, size: str) -> tuple[Page, list[str]]:
    """A page with everything that went wrong on it."""
    page = context.new_page()
    page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("response", lambda reply: wrong.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    page.goto(running.url + path)
    return page, wrong


@pytest.mark.parametrize("size", sorted(SIZES))
def test_live_pictures_move_and_wear_their_boxes(signed_in: BrowserContext, running: Demo, size: str) -> None:
    page, wrong = open_page(signed_in, running, "/", size)
    pictures = page.locator(".picture[data-state='live'][data-started='true']")
    expect(pictures).to_have_count(len(running.cameras), timeout=PATIENCE_MS)
    drawn = "() => [...document.querySelectorAll('video')].map(v => v.getVideoPlaybackQuality().totalVideoFrames)"
    before = page.evaluate(drawn)
    page.wait_for_function(
        f"before => ({drawn})().every((count, index) => count > before[index] + 20)", arg=before, timeout=PATIENCE_MS
    )
    in_step = "canvas => ['exact', 'held'].includes(canvas.dataset.match)"
    page.wait_for_function(
        f"() => [...document.querySelectorAll('.picture canvas')].every({in_step})", timeout=PATIENCE_MS
    )
    fits = page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert fits, "the page is wider than the window"
    page.close()
    assert wrong == []


@pytest.mark.parametrize("size", sorted(SIZES))
def test_a_camera_has_counts_a_wire_and_recordings(signed_in: BrowserContext, running: Demo, size: str) -> None:
    page, wrong = open_page(signed_in, running, f"/cameras/{running.cameras['Plaza']}", size)
    expect(page.get_by_role("heading", name="Plaza")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_label("Wires and zones").get_by_text("Tripwire")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_label("Wires and zones").get_by_text("Fountain square")).to_be_visible()
    expect(page.locator("figure.chart canvas").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_label("Recordings", exact=True)).to_contain_text("Recorded since", timeout=PATIENCE_MS)
    page.close()
    assert wrong == []


@pytest.mark.parametrize("path", ["/cameras", "/alerts"])
@pytest.mark.parametrize("size", sorted(SIZES))
def test_the_other_pages_open(signed_in: BrowserContext, running: Demo, path: str, size: str) -> None:
    page, wrong = open_page(signed_in, running, path, size)
    expect(page.get_by_role("heading", level=1)).to_have_text(path.strip("/").capitalize(), timeout=PATIENCE_MS)
    page.close()
    assert wrong == []


def test_a_wrong_camera_url_is_answered_with_what_to_do(signed_in: BrowserContext, running: Demo) -> None:
    page, _ = open_page(signed_in, running, "/cameras", "desk")
    page.get_by_role("button", name="Add camera").first.click()
    page.get_by_label("RTSP").fill("rtsp://127.0.0.1:1/nothing")
    page.get_by_label("Name", exact=True).fill("Nowhere")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nothing listens at this address", timeout=PATIENCE_MS)
    page.close()


def test_strangers_see_the_sign_in(browser: Browser, running: Demo) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(running.url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=PATIENCE_MS)
    assert page.locator("video").count() == 0
    context.close()


def test_the_one_time_sign_in_works_once(browser: Browser, signed_in: BrowserContext, running: Demo) -> None:
    assert signed_in.cookies(running.url)
    context = browser.new_context()
    page = context.new_page()
    page.goto(running.ticket_url())
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=PATIENCE_MS)
    context.close()
