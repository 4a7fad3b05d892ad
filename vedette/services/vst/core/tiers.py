"""Where footage moves when it grows old: how a tier is written down."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PART = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class FolderTier:
    """A folder on another disk."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class S3Tier:
    """A bucket of an S3-compatible object store; `endpoint` is `http://host:port` or `https://…`."""

    name: str
    endpoint: str
    bucket: str
    prefix: str = ""
    region: str = "us-east-1"


type Tier = FolderTier | S3Tier


def parse_tier(text: str) -> Tier:
    """`NAME=/folder` or `NAME=s3+https://host/bucket/prefix?region=…`. ValueError that says what is wrong."""
    name, equals, where = text.partition("=")
    if not equals or not _NAME.fullmatch(name) or name == "main":
        raise ValueError(f"'{text}' is no tier: write NAME=/folder or NAME=s3+https://host/bucket, not named main")
    if not where.startswith("s3+"):
        if not where.startswith("/"):
            raise ValueError(f"the folder of tier '{name}' must begin with /")
        return FolderTier(name, where)
    url = urlsplit(where.removeprefix("s3+"))
    parts = [part for part in url.path.split("/") if part]
    if url.scheme not in ("http", "https") or not url.netloc or not parts or url.username:
        raise ValueError(f"tier '{name}' must be s3+https://host/bucket, with the keys in vst.tier_keys")
    if not all(_PART.fullmatch(part) for part in parts):
        raise ValueError(f"bucket and prefix of tier '{name}' may hold letters, digits, dots, dashes and underscores")
    region = parse_qs(url.query).get("region", ["us-east-1"])[0]
    return S3Tier(name, f"{url.scheme}://{url.netloc}", parts[0], "/".join(parts[1:]), region)
