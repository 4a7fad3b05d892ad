/** What to do with a picked range: watch, save, share, protect, delete. */

import { useState } from "preact/hooks";
import { isMissing, messageOf } from "../../api/client";
import { deleteRange, protect, temporaryUrl } from "../../api/storage";
import { clipUrl } from "../../api/vst";
import { bytes, clockTime, dayHeading, duration, momentName, shortTime } from "../../lib/format";
import { recordedMs, type Span } from "../../lib/timeline";
import type { Camera } from "../../state/cameras";
import { mayConfigure, mayRemove } from "../../state/session";
import { Icon } from "../../ui/icon";
import { Dialog, Notice, Segments } from "../../ui/parts";
import { toast } from "../../ui/toast";
import { clipName } from "./clipdialog";

const SEAM_MS = 1_500;

interface RangeBarProps {
  readonly camera: Camera;
  readonly spans: readonly Span[];
  readonly range: Span | null;
  readonly onPlay: (range: Span) => void;
  readonly onClear: () => void;
  readonly onChanged: () => void;
}

export function RangeBar({ camera, spans, range, onPlay, onClear, onChanged }: RangeBarProps) {
  if (!range) {
    const first = spans[0];
    return (
      <p class="rangebar muted">
        Tap or drag on the strip to pick a clip.
        {first && ` Recorded since ${dayHeading(first.start, Date.now()).toLowerCase()}, ${shortTime(first.start)}.`}
      </p>
    );
  }
  const missing = range.end - range.start - recordedMs(spans, range);
  const nothing = recordedMs(spans, range) === 0;
  return (
    <div class="rangebar">
      <p>
        <span class="reading">{clockTime(range.start)} – {clockTime(range.end)}</span>
        <span class="muted">
          {duration(range.end - range.start)}
          {!nothing && missing > SEAM_MS && `, ${duration(missing)} of it not recorded`}
          {nothing && ", nothing recorded there"}
        </span>
      </p>
      <div class="rangebar__actions">
        <button type="button" class="button button--quiet" onClick={onClear}>Clear</button>
        {mayConfigure.value && <button type="button" class="button" disabled={nothing} onClick={() => onPlay(range)}><Icon name="play" />Play</button>}
        {mayConfigure.value && (
          <a class="button button--primary" aria-disabled={nothing} href={nothing ? undefined : clipUrl(camera.streamId, range)} download={clipName(camera.name, range)}>
            <Icon name="download" />Save
          </a>
        )}
      </div>
      {mayConfigure.value && !nothing && <MoreActions camera={camera} range={range} onChanged={onChanged} onClear={onClear} />}
    </div>
  );
}

/** A box without the route says so in a sentence. */
function say(cause: unknown): string {
  return isMissing(cause) ? `This box cannot do that: ${messageOf(cause)}` : messageOf(cause);
}

function MoreActions({ camera, range, onChanged, onClear }: { camera: Camera; range: Span; onChanged: () => void; onClear: () => void }) {
  const [open, setOpen] = useState<"link" | "delete" | null>(null);
  const [busy, setBusy] = useState(false);

  async function keep(): Promise<void> {
    setBusy(true);
    try {
      await protect(camera.streamId, range, true);
      toast("Protected: it never ages. The storage page lists what is.");
    } catch (cause) {
      toast(say(cause));
    }
    setBusy(false);
  }

  return (
    <div class="rangebar__more">
      <a class="button button--quiet" href={clipUrl(camera.streamId, range, "ts")} download={clipName(camera.name, range, "ts")}><Icon name="download" />Save as TS</a>
      <button type="button" class="button button--quiet" onClick={() => setOpen("link")}><Icon name="link" />Link</button>
      {mayRemove.value && <button type="button" class="button button--quiet" disabled={busy} onClick={() => void keep()}><Icon name="lock" />Protect</button>}
      {mayRemove.value && <button type="button" class="button button--quiet" onClick={() => setOpen("delete")}><Icon name="trash" />Delete</button>}
      {open === "link" && <LinkDialog camera={camera} range={range} onClose={() => setOpen(null)} />}
      {open === "delete" && <DeleteDialog camera={camera} range={range} onClose={() => setOpen(null)} onDeleted={() => { onChanged(); onClear(); }} />}
    </div>
  );
}

const EXPIRIES = [
  { value: 60, label: "1 hour" },
  { value: 1_440, label: "1 day" },
  { value: 10_080, label: "7 days" },
] as const;

function LinkDialog({ camera, range, onClose }: { camera: Camera; range: Span; onClose: () => void }) {
  const [minutes, setMinutes] = useState<number>(1_440);
  const [made, setMade] = useState<{ url: string; until: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function make(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      const { videoUrl, expiryISO } = await temporaryUrl(camera.streamId, range, minutes);
      const url = new URL(videoUrl, location.href).href;
      setMade({ url, until: expiryISO });
      await copy(url);
    } catch (cause) {
      setError(say(cause));
    }
    setBusy(false);
  }

  return (
    <Dialog title="A link to this clip" onClose={onClose}>
      <p>Whoever has it can watch {clockTime(range.start)} – {clockTime(range.end)} of {camera.name} without signing in, until it expires.</p>
      <Segments label="It works for" options={EXPIRIES} value={minutes} onPick={(value) => { setMinutes(value); setMade(null); }} />
      {error && <Notice error>{error}</Notice>}
      {made && (
        <div class="field">
          <label for="temporary-link">Works until {momentName(Date.parse(made.until), Date.now())}</label>
          <input id="temporary-link" readonly value={made.url} onFocus={(event) => event.currentTarget.select()} />
        </div>
      )}
      <div class="dialog__actions">
        {made ? <button type="button" class="button button--primary" onClick={() => void copy(made.url)}><Icon name="link" />Copy again</button> : <button type="button" class="button button--primary" disabled={busy} onClick={() => void make()}><Icon name="link" />{busy ? "Making it…" : "Make and copy"}</button>}
      </div>
    </Dialog>
  );
}

/** Only pages over HTTPS or on this machine may write the clipboard; elsewhere the field is there to copy from. */
async function copy(url: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(url);
    toast("Link copied");
  } catch {
    toast("Copy the link from the field: this page may not use the clipboard");
  }
}

function DeleteDialog({ camera, range, onClose, onDeleted }: { camera: Camera; range: Span; onClose: () => void; onDeleted: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function remove(): Promise<void> {
    setBusy(true);
    try {
      const gone = await deleteRange(camera.streamId, range);
      if (!gone) {
        setBusy(false);
        return setError("Nothing was deleted: recordings go piece by piece, and no whole piece lies in this range. Choose a longer one.");
      }
      toast(`Deleted ${clockTime(gone.start)} – ${clockTime(gone.end)}, ${bytes(gone.bytes)}`);
      onDeleted();
      onClose();
    } catch (cause) {
      setError(say(cause));
      setBusy(false);
    }
  }
  return (
    <Dialog title="Delete this range?" onClose={onClose}>
      <p>
        {duration(range.end - range.start)} of {camera.name}, {clockTime(range.start)} – {clockTime(range.end)}, go for good. The coverage will say that it was
        you. Where something in it is protected, nothing is deleted.
      </p>
      {error && <Notice error>{error}</Notice>}
      <div class="dialog__actions">
        <button type="button" class="button" onClick={onClose}>Keep</button>
        <button type="button" class="button button--danger" disabled={busy} onClick={() => void remove()}>{busy ? "Deleting…" : "Delete"}</button>
      </div>
    </Dialog>
  );
}
