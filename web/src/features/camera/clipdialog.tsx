/** A clip in a player of its own. */

import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { clip as fetchClip, clipUrl } from "../../api/vst";
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
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let made: string | null = null;
    fetchClip(camera.streamId, range, abort.signal)
      .then((blob) => setUrl((made = URL.createObjectURL(blob))))
      .catch((cause: unknown) => {
        if (!abort.signal.aborted) setError(messageOf(cause));
      });
    return () => {
      abort.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [camera.streamId, range.start, range.end]);
  return (
    <Dialog title={`${camera.name}, ${clockTime(range.start)}`} wide onClose={onClose}>
      {error && <Notice error>{error}</Notice>}
      {!url && !error && <div class="clip clip--waiting" role="status"><span class="spinner" aria-hidden="true" /><span class="visually-hidden">Fetching the clip</span></div>}
      {url && (
        <video
          class="clip"
          src={url}
          controls
          autoplay
          muted
          playsinline
          onError={() => setError("This browser cannot play the clip. Saving it still works.")}
        />
      )}
      <div class="dialog__actions">
        <a class="button" href={clipUrl(camera.streamId, range)} download={clipName(camera.name, range)}>
          <Icon name="download" />Save clip
        </a>
      </div>
    </Dialog>
  );
}
