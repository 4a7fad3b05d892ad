/** A clip in a player of its own. */

import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { clipProblem, clipUrl } from "../../api/vst";
import { clockTime, fileStamp, fileStem } from "../../lib/format";
import type { Span } from "../../lib/timeline";
import type { Camera } from "../../state/cameras";
import { Icon } from "../../ui/icon";
import { Dialog, Notice } from "../../ui/parts";

export function clipName(camera: string, range: Span, suffix = "mp4"): string {
  return `${fileStem(camera)}_${fileStamp(range.start)}.${suffix}`;
}

export function ClipDialog({ camera, range, onClose }: { camera: Camera; range: Span; onClose: () => void }) {
  const [error, setError] = useState<string | null>(null);
  const url = clipUrl(camera.streamId, range);

  /** A player only says that it failed; the box says why, or else it is the browser that cannot. */
  function explain(): void {
    clipProblem(camera.streamId, range).then(
      () => setError("This browser cannot play the clip. Saving it still works."),
      (cause: unknown) => setError(messageOf(cause)),
    );
  }

  return (
    <Dialog title={`${camera.name}, ${clockTime(range.start)}`} wide onClose={onClose}>
      {error && <Notice error>{error}</Notice>}
      {!error && <video class="clip" src={url} controls autoplay muted playsinline onError={explain} />}
      <div class="dialog__actions">
        <a class="button" href={url} download={clipName(camera.name, range)}>
          <Icon name="download" />Save clip
        </a>
      </div>
    </Dialog>
  );
}
