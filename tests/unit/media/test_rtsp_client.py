"""What the client asks and how it takes the answers of cameras that differ; without a network."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.errors import Fault
from vedette.media.rtsp_client import Conversation, RtspClient, Target, Track, base_of, control_url, parse_target
from vedette.media.rtsp_digest import parse_answer, verify
from vedette.media.rtsp_messages import Headers, Request, Response, Transport, format_transport, parse_transport

URL = "rtsp://admin:s3cret@camera:8554/live?channel=1"
URI = "rtsp://camera:8554/live?channel=1"
VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
SOUND = "m=audio 0 RTP/AVP 8\r\na=control:track2\r\n"
type Answer = Callable[[Request], Response | None]


def response(status: int = 200, *fields: tuple[str, str], body: str = "") -> Response:
    return Response(status, Headers(fields), body.encode())


class Camera:
    """Answers requests the usual way, unless `answer` knows better; remembers what it was asked."""

    def __init__(self, answer: Answer = lambda _: None, *, media: str = VIDEO, head: str = "") -> None:
        self.asked: list[Request] = []
        self._answer = answer
        self._body = f"v=0\r\n{head}{media}"

    def play[T](self, conversation: Conversation[T]) -> T:
        try:
            request = next(conversation)
            for _ in range(50):
                self.asked.append(request)
                request = conversation.send(self._answer(request) or self._usual(request))
        except StopIteration as done:
            result: T = done.value
            return result
        raise AssertionError("the conversation does not end")

    def _usual(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return response(200, ("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"))
        if request.method == "DESCRIBE":
            return response(200, ("Content-Base", "rtsp://camera:8554/live/"), body=self._body)
        if request.method == "SETUP":
            return response(
                200, ("Session", "77;timeout=30"), ("Transport", request.headers.get("Transport") + ";ssrc=1")
            )
        return response()

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.asked]


def opened(camera: Camera, *, audio: bool = False, url: str = URL) -> tuple[RtspClient, list[Track]]:
    client = RtspClient(parse_target(url), audio=audio)
    tracks = camera.play(client.set_up())
    camera.play(client.play(tracks))
    return client, tracks


def fault_of(camera: Camera, *, url: str = URL) -> Fault:
    with pytest.raises(Fault) as caught:
        opened(camera, url=url)
    assert "s3cret" not in caught.value.message
    return caught.value


# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (URL, Target(URI, "camera", 8554, False, "admin", "s3cret")),
        ("rtsp://camera/x", Target("rtsp://camera:554/x", "camera", 554, False)),
        ("RTSPS://Camera", Target("rtsps://camera:322", "camera", 322, True)),
        ("rtsp://a%40b:p%3Aw%2F@[fe80::1]/", Target("rtsp://[fe80::1]:554/", "fe80::1", 554, False, "a@b", "p:w/")),
        ("rtsp://a%20b:c%20d@camera/x y", Target("rtsp://camera:554/x%20y", "camera", 554, False, "a b", "c d")),
        ("rtsp://u:p@w@camera/x", Target("rtsp://camera:554/x", "camera", 554, False, "u", "p@w")),
        ("rtsp://camera:0554/x#here", Target("rtsp://camera:554/x", "camera", 554, False)),
    ],
)
def test_a_url_is_taken_apart(url: str, target: Target) -> None:
    assert parse_target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://",
        "rtsp://:554/x",
        "rtsp://c:99999/",
        "rtsp://c:x/",
        "http://c/",
        "rtsp://c/a\x7fb",
        "rtsp://a%0d%0ab@c/",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(Fault, match="not valid"):
        parse_target(url)


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://c/live/", "track1", "rtsp://c/live/track1"),
        ("rtsp://c/live", "track1", "rtsp://c/live/track1"),
        ("rtsp://c/live?a=b", "trackID=1", "rtsp://c/live?a=b/trackID=1"),
        ("rtsp://c/live/", "*", "rtsp://c/live/"),
        ("rtsp://c/live/", "", "rtsp://c/live/"),
        ("rtsp://c/live/", "rtsp://10.0.0.1/live/track1", "rtsp://10.0.0.1/live/track1"),
        ("rtsp://c/", "/track1", "rtsp://c/track1"),
    ],
)
def test_where_a_control_attribute_points(base: str, control: str, url: str) -> None:
    assert control_url(base, control) == url


@pytest.mark.parametrize(
    ("fields", "base"),
    [
        ((("Content-Base", "rtsp://c/a/"),), "rtsp://c/a/"),
        ((("Content-Location", "rtsp://c/b/"),), "rtsp://c/b/"),
        ((("Content-Base", "/a/"), ("Content-Location", "rtsp://c/b/")), "rtsp://c/b/"),
        ((("Content-Base", "rtsp://c/ x"),), URI),
        ((), URI),
    ],
)
def test_what_control_urls_are_relative_to(fields: tuple[tuple[str, str], ...], base: str) -> None:
    assert base_of(response(200, *fields), URI) == base


# --- the conversation ---------------------------------------------------------------------------------------------


def test_the_usual_conversation() -> None:
    camera = Camera()
    client, (track,) = opened(camera)
    assert camera.methods == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert [request.uri for request in camera.asked] == [
        URI,
        URI,
        "rtsp://camera:8554/live/track1",
        "rtsp://camera:8554/live/",
    ]
    assert [request.headers.get("CSeq") for request in camera.asked] == ["1", "2", "3", "4"]
    assert camera.asked[2].headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert camera.asked[3].headers.get("Session") == "77"
    assert (client.timeout_s, track.transport.interleaved, track.media.encoding) == (30.0, (0, 1), "H264")
    assert client.tear_down().uri == camera.asked[3].uri


def test_sound_is_set_up_when_asked_for() -> None:
    assert len(opened(Camera(media=SOUND + VIDEO))[1]) == 1
    camera = Camera(media=SOUND + VIDEO)
    _, (video, sound) = opened(camera, audio=True)
    assert (video.media.kind, sound.media.kind, sound.media.encoding, sound.media.clock_rate) == (
        "video",
        "audio",
        "PCMA",
        8000,
    )
    assert sound.transport.interleaved == (2, 3)


def test_sound_that_is_refused_costs_no_picture() -> None:
    camera = Camera(lambda request: response(461) if request.uri.endswith("track2") else None, media=VIDEO + SOUND)
    _, tracks = opened(camera, audio=True)
    assert len(tracks) == 1
    assert camera.methods[-1] == "PLAY"


def test_the_server_chooses_the_channels() -> None:
    def answer(request: Request) -> Response | None:
        if request.method != "SETUP":
            return None
        return response(200, ("Session", "1"), ("Transport", "RTP/AVP/TCP;unicast;interleaved=4-5"))

    assert opened(Camera(answer))[1][0].transport.interleaved == (4, 5)


def test_a_server_that_does_not_repeat_the_transport() -> None:
    camera = Camera(lambda request: response(200, ("Session", "1")) if request.method == "SETUP" else None)
    assert opened(camera)[1][0].transport.interleaved == (0, 1)


def test_datagrams_are_offered_and_their_ports_learnt() -> None:
    client = RtspClient(parse_target(URL))
    client.offer_ports([(5000, 5001)])

    def answer(request: Request) -> Response | None:
        if request.method != "SETUP":
            return None
        (offered,) = parse_transport(request.headers.get("Transport"))
        assert (offered.lower, offered.client_port) == ("UDP", (5000, 5001))
        agreed = Transport("UDP", client_port=offered.client_port, server_port=(6000, 6001))
        return response(200, ("Session", "1"), ("Transport", format_transport(agreed)))

    (track,) = Camera(answer).play(client.set_up())
    assert track.transport.server_port == (6000, 6001)


def test_another_transport_than_asked_for() -> None:
    def answer(request: Request) -> Response | None:
        if request.method != "SETUP":
            return None
        return response(200, ("Session", "1"), ("Transport", "RTP/AVP;unicast;client_port=1000-1001"))

    assert "transport" in fault_of(Camera(answer)).message


@pytest.mark.parametrize(("control", "uri"), [("*", "rtsp://camera:8554/live/"), ("rtsp://x/y", "rtsp://x/y")])
def test_the_aggregate_is_played(control: str, uri: str) -> None:
    camera = Camera(head=f"a=control:{control}\r\n")
    opened(camera)
    assert camera.asked[-1].uri == uri


def test_a_server_without_aggregate_operation_plays_track_by_track() -> None:
    def answer(request: Request) -> Response | None:
        return response(459) if request.method == "PLAY" and "track" not in request.uri else None

    camera = Camera(answer, media=VIDEO + SOUND)
    opened(camera, audio=True)
    assert [request.uri[-6:] for request in camera.asked if request.method == "PLAY"] == ["/live/", "track1", "track2"]


def test_options_may_be_unknown() -> None:
    camera = Camera(lambda request: response(501) if request.method == "OPTIONS" else None)
    client, _ = opened(camera)
    assert client.keep_alive().method == "OPTIONS"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 400), (403, 403), (404, 404), (451, 502), (453, 502), (454, 502), (461, 502), (500, 502), (503, 502)],
)
@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
def test_what_a_refusal_means(method: str, status: int, code: int) -> None:
    camera = Camera(lambda request: response(status) if request.method == method else None)
    assert fault_of(camera).status == code


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
def test_a_redirection_is_not_followed_and_names_the_host_only(method: str) -> None:
    away = response(302, ("Location", "rtsp://user:s3cret@10.1.2.3:99/admin?x"))
    camera = Camera(lambda request: away if request.method == method else None)
    fault = fault_of(camera)
    assert fault.status == 502
    assert "redirects to 10.1.2.3," in fault.message
    assert "admin" not in fault.message
    assert camera.asked[-1].method == method


@pytest.mark.parametrize("location", ["", "rtsp://[", "nothing", "rtsp://<b>x</b>\x1b[2J/"])
def test_a_redirection_to_nowhere(location: str) -> None:
    away = response(301, *([("Location", location)] if location else []))
    fault = fault_of(Camera(lambda request: away if request.method == "DESCRIBE" else None))
    assert "\x1b" not in fault.message
    assert "<" not in fault.message


@pytest.mark.parametrize(
    ("media", "status", "words"),
    [
        ("", 422, "no video"),
        (SOUND, 422, "no video"),
        ("m=video x\r\n", 422, "no video"),
        ("m=video 0 RTP/AVP 26\r\n", 415, "mjpeg"),
        ("m=video 0 RTP/AVP 99\r\na=rtpmap:99 VP8/90000\r\n", 415, "vp8"),
        ("m=video 0 RTP/AVP 99\r\n", 415, "unknown kind"),
    ],
)
def test_descriptions_that_cannot_be_read(media: str, status: int, words: str) -> None:
    fault = fault_of(Camera(media=media))
    assert (fault.status, words in fault.message) == (status, True)


def test_the_first_video_that_can_be_read_is_chosen() -> None:
    camera = Camera(media="m=video 0 RTP/AVP 26\r\na=control:jpeg\r\n" + VIDEO)
    assert opened(camera)[1][0].media.encoding == "H264"


# --- who asks -----------------------------------------------------------------------------------------------------


class Guarded(Camera):
    """Wants a digest for everything but OPTIONS; `nonces` are used up one after the other, once each."""

    def __init__(self, *nonces: str, password: str = "s3cret", stale: str = "") -> None:
        super().__init__(self._guard)
        self._nonces, self._password, self._stale = list(nonces), password, stale

    def _guard(self, request: Request) -> Response | None:
        if request.method == "OPTIONS":
            return None
        answer = parse_answer(request.headers.get("Authorization"))
        nonce = self._nonces[0]
        if answer and verify(
            answer, method=request.method, uri=request.uri, realm="r", nonce=nonce, password=self._password
        ):
            if len(self._nonces) > 1:
                self._nonces.pop(0)
            return None
        return response(401, ("WWW-Authenticate", f'Digest realm="r", nonce="{nonce}"{self._stale}'))


def test_a_digest_is_answered_once_and_then_sent_along() -> None:
    camera = Guarded("n")
    opened(camera)
    assert camera.methods == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]


def test_a_new_nonce_for_each_request() -> None:
    camera = Guarded("1", "2", "3", "4")
    opened(camera)
    assert camera.methods == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "SETUP", "PLAY", "PLAY"]


@pytest.mark.parametrize("stale", ["", ", stale=true"])
def test_a_wrong_password_is_tried_twice_at_most(stale: str) -> None:
    """More would lock the account of whoever mistyped it."""
    camera = Guarded("n", password="other", stale=stale)
    assert fault_of(camera).status == 403
    assert camera.methods.count("DESCRIBE") == (3 if stale else 2)


def test_nobody_is_refused_at_once() -> None:
    camera = Guarded("n")
    assert fault_of(camera, url="rtsp://camera/x").status == 403
    assert camera.methods == ["OPTIONS", "DESCRIBE"]


# --- keep-alive ---------------------------------------------------------------------------------------------------


def test_a_nonce_that_went_stale_after_hours() -> None:
    camera = Guarded("n")
    client, _ = opened(camera)
    first = client.keep_alive()
    assert first.method == "GET_PARAMETER"
    again = client.answered(response(401, ("WWW-Authenticate", 'Digest realm="r", nonce="new", stale=true')))
    assert again is not None
    answer = parse_answer(again.headers.get("Authorization"))
    assert answer is not None
    assert (again.method, again.headers.get("Session"), answer.nonce) == ("GET_PARAMETER", "77", "new")
    assert client.answered(response(200)) is None


def test_credentials_that_were_changed_after_hours() -> None:
    client, _ = opened(Guarded("n"))
    client.keep_alive()
    refusal = response(401, ("WWW-Authenticate", 'Digest realm="r", nonce="new"'))
    assert client.answered(refusal) is not None
    with pytest.raises(Fault) as caught:
        client.answered(refusal)
    assert caught.value.status == 403


@pytest.mark.parametrize(("status", "words"), [(454, "ended the stream"), (302, "redirects")])
def test_keep_alives_that_end_the_session(status: int, words: str) -> None:
    client, _ = opened(Camera())
    client.keep_alive()
    with pytest.raises(Fault, match=words):
        client.answered(response(status))


def test_a_camera_that_does_not_know_the_keep_alive_after_all() -> None:
    client, _ = opened(Camera())
    client.keep_alive()
    assert client.answered(response(501)) is None
    assert client.keep_alive().method == "OPTIONS"
    assert client.answered(response(500)) is None
    assert client.answered(response(454)) is None  # nothing was asked


def test_what_the_camera_asks() -> None:
    client = RtspClient(parse_target(URL))
    ping = Request("OPTIONS", "*", Headers((("CSeq", "9"),)))
    assert (client.answer(ping).status, client.answer(ping).headers.get("CSeq")) == (200, "9")
    assert client.answer(Request("DESCRIBE", "*")).status == 501
    with pytest.raises(Fault, match="ended"):
        client.answer(Request("TEARDOWN", "*"))
    with pytest.raises(Fault, match=r"redirects to 1\.2\.3\.4,"):
        client.answer(Request("REDIRECT", "*", Headers((("Location", "rtsp://1.2.3.4/"),))))


@given(st.lists(st.integers(100, 599), max_size=8), st.binary(max_size=60), st.text(max_size=30))
def test_whatever_is_answered_ends_in_tracks_or_a_fault(statuses: list[int], body: bytes, text: str) -> None:
    left = list(statuses)

    def answer(request: Request) -> Response | None:
        status = left.pop(0) if left else 503
        fields = [(name, text) for name in ("Session", "Transport", "WWW-Authenticate", "Content-Base", "Public")]
        return Response(status, Headers(tuple(fields)), body if request.method == "DESCRIBE" else b"")

    status = 0
    try:
        opened(Camera(answer))
    except Fault as fault:
        status = fault.status
    assert status in (0, 400, 403, 404, 415, 422, 502)
