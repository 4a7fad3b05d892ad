"""`storage/policy` and `storage/forecast` over HTTP."""

from pathlib import Path

import pytest

from tests.support.vst_running import running, settings_of

pytestmark = pytest.mark.anyio
OFF = {"maxAgeHours": 0, "maxGibPerStream": 0, "maxGib": 0, "minFreeGib": 0, "maxUsedPercent": 0}


async def test_the_policy_is_read_changed_and_kept(data_dir: Path) -> None:
    async with running(data_dir, settings=settings_of(max_age_h=48)) as vst:
        assert (await vst.ask("GET", "/storage/policy")).json == OFF | {"maxAgeHours": 48}
        reply = await vst.ask("POST", "/storage/policy", body={"maxGib": 100, "maxUsedPercent": 90})
        assert reply.json == OFF | {"maxAgeHours": 48, "maxGib": 100, "maxUsedPercent": 90}
    async with running(data_dir) as again:
        assert (await again.ask("GET", "/storage/policy")).json["maxGib"] == 100


@pytest.mark.parametrize("body", [{"maxGib": -1}, {"maxUsedPercent": 101}, {"minFreeGb": 5}, {"maxGib": "much"}, []])
async def test_what_is_no_policy_is_refused(data_dir: Path, body: object) -> None:
    async with running(data_dir) as vst:
        reply = await vst.ask("POST", "/storage/policy", body=body)
        assert (reply.status, reply.json["error_code"]) == (400, "InvalidParameterError")


async def test_a_forecast_has_its_shape(data_dir: Path) -> None:
    async with running(data_dir) as vst:
        forecast = (await vst.ask("GET", "/storage/forecast?maxAgeHours=1&maxGib=5")).json
        assert set(forecast) == {
            "volumes", "bytesPerDay", "daysRemaining", "retentionDays", "oldest", "clockSuspect", "streams",
            "wouldDelete",
        }  # fmt: skip
        assert forecast["wouldDelete"] == {"segments": 0, "bytes": 0, "streams": []}
        [volume] = forecast["volumes"]
        assert (volume["name"], volume["state"], volume["tier"]) == ("main", "connected", 0)
        assert volume["totalBytes"] > volume["freeBytes"] > 0
        assert (await vst.ask("GET", "/storage/policy")).json == OFF
        assert (await vst.ask("GET", "/storage/forecast?maxGib=-5")).status == 400
