"""AWS Signature Version 4 for S3: which headers prove who asks. Written from the published description."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class S3Keys:
    """How an object store knows us, and the region that it says it is in."""

    access: str
    secret: str = field(repr=False)
    region: str = "us-east-1"


def signed_headers(
    method: str, host: str, path: str, keys: S3Keys, *, content: bytes, moment: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """All headers of a request without a query, signed. `path` holds nothing that needs escaping; `moment` is the time
    as `YYYYMMDDTHHMMSSZ`; `extra` are headers that are signed, too."""
    digest = hashlib.sha256(content).hexdigest()
    headers = {name.lower(): value for name, value in extra.items()}
    headers |= {"host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{digest}"
    scope = f"{moment[:8]}/{keys.region}/s3/aws4_request"
    told = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{keys.secret}".encode()
    for part in (moment[:8], keys.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, told.encode(), "sha256").hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers
