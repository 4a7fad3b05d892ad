/** All cameras at once. */

import { camerasState, onlineCount, refreshCameras } from "../../state/cameras";
import { plural } from "../../lib/format";
import { Empty, Notice } from "../../ui/parts";
import { LayerToggles } from "./layers";
import { Tile } from "./tile";

export function LivePage() {
  const { cameras, loaded, error } = camerasState.value;
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Live</h1>
          {loaded && cameras.length > 0 && (
            <p class="muted">{plural(cameras.length, "camera")}, {onlineCount.value === cameras.length ? "all online" : `${onlineCount.value} online`}</p>
          )}
        </div>
        {cameras.length > 0 && <LayerToggles />}
      </header>
      {error && (
        <Notice error action={<button type="button" class="button button--quiet" onClick={() => void refreshCameras()}>Try again</button>}>
          {error}
        </Notice>
      )}
      {!loaded && !error && <GridSkeleton />}
      {loaded && cameras.length === 0 && (
        <Empty icon="cameras" title="No cameras yet" action={<a class="button button--primary" href="/cameras">Add a camera</a>}>
          Give Vedette the RTSP address of a camera. It starts to record and count as soon as the first picture arrives.
        </Empty>
      )}
      <ul class="grid" data-count={Math.min(cameras.length, 5)}>
        {cameras.map((camera) => <Tile key={camera.sensorId} camera={camera} />)}
      </ul>
    </>
  );
}

function GridSkeleton() {
  return (
    <div class="grid" data-count="2" aria-hidden="true">
      {[0, 1].map((i) => <div key={i} class="skeleton skeleton--tile" />)}
    </div>
  );
}
