"""How tiers are written down, and that signatures are those of the store's own library."""

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.s3_signing import S3Keys, signed_headers
from vedette.services.vst.core.tiers import FolderTier, S3Tier, parse_tier

MOMENT = "20261124T120000Z"


def test_tiers_are_folders_or_buckets() -> None:
    assert parse_tier("big=/mnt/big") == FolderTier("big", "/mnt/big")
    assert parse_tier("cloud=s3+https://store.example:9000/videos/site-1/a?region=eu-1") == S3Tier(
        "cloud", "https://store.example:9000", "videos", "site-1/a", "eu-1"
    )
    assert parse_tier("c=s3+http://127.0.0.1/b") == S3Tier("c", "http://127.0.0.1", "b")


@pytest.mark.parametrize(
    "text",
    [
        "", "big", "=/mnt", "main=/mnt", "Big=/mnt", "big=mnt", "c=s3+ftp://host/b", "c=s3+https://host",
        "c=s3+https://key:secret@host/b", "c=s3+https://host/b/a%20b",
    ],
)  # fmt: skip
def test_what_is_no_tier(text: str) -> None:
    with pytest.raises(ValueError, match="tier"):
        parse_tier(text)


@given(
    st.sampled_from(["GET", "PUT", "DELETE", "HEAD"]),
    st.text("abcXYZ019-_./", min_size=1, max_size=40).map(lambda text: "/bucket/" + text.strip("/").replace("//", "/")),
    st.binary(max_size=100),
    st.text("abcdef0123456789+/", min_size=10, max_size=40),
)
def test_signatures_are_those_of_the_published_library(method: str, path: str, content: bytes, secret: str) -> None:
    if "./" in path or "/." in path:
        return  # the library folds dot segments; our keys have none
    keys = S3Keys("AKID", secret, "eu-central-1")
    ours = signed_headers(method, "store.example:9000", path, keys, content=content, moment=MOMENT, extra={})
    theirs = AWSRequest(method, f"http://store.example:9000{path}", data=content)
    theirs.headers["x-amz-content-sha256"] = ours["x-amz-content-sha256"]
    theirs.context["timestamp"] = MOMENT
    auth = SigV4Auth(Credentials("AKID", secret), "s3", "eu-central-1")
    theirs.headers["X-Amz-Date"] = MOMENT
    signature = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)
    assert ours["authorization"].endswith(f"Signature={signature}")
