/** The last day of one camera, on its page. */

import { coverage } from "../../api/recording";
import { shareSentence, spanOfRecord } from "../../lib/coverage";
import type { Camera } from "../../state/cameras";
import { coveragePath } from "../../state/router";
import { useAsked, useNow } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Axis } from "./axis";
import { CoverageStrip } from "./strip";

const DAY_MS = 86_400_000;
const REFRESH_MS = 30_000;

/** Absent where the box keeps no ledger, and while it is first asked. */
export function CoveragePanel({ camera }: { camera: Camera }) {
  const now = useNow(REFRESH_MS);
  const window = { start: now - DAY_MS, end: now };
  const { value } = useAsked((signal) => coverage(camera.streamId, window, signal), REFRESH_MS, camera.streamId);
  if (!value) return null;
  const sentence = shareSentence(value.seconds, spanOfRecord(value.seconds, DAY_MS, "the last 24 h"));
  return (
    <section class="panel covpanel" aria-label="Coverage">
      <div class="panel__head">
        <div>
          <h2>Coverage</h2>
          <p>{sentence.charAt(0).toUpperCase() + sentence.slice(1)}</p>
        </div>
        <a class="button button--quiet" href={coveragePath(camera.sensorId)}>Account<Icon name="next" size={16} /></a>
      </div>
      <div class="panel__body">
        <CoverageStrip walkable name={`Coverage of ${camera.name}, last 24 hours`} stretches={value.stretches} window={window} />
        <Axis window={window} most={8} />
      </div>
    </section>
  );
}
