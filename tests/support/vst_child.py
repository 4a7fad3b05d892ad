"""VST in a process of its own, to be killed: `python -m tests.support.vst_child DATA_DIR CAMERA_URL`.

Prints `recording` once media is on the disk, then runs until it dies.
"""

import sys
from pathlib import Path

import anyio

from tests.support.vst_running import running


async def main(data_dir: Path, url: str) -> None:
    """Records the camera for ever."""
    async with running(data_dir) as vst:
        sensors = vst.service.sensors.list()
        sensor_id = sensors[0].sensor.sensor_id if sensors else await vst.add(url, "Gate")
        await vst.until_recorded(sensor_id, 0.5)
        sys.stdout.write("recording\n")
        sys.stdout.flush()
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), sys.argv[2])
