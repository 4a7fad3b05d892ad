/** The list of wires and zones of a camera, and the form around the one being drawn. */

import { useState } from "preact/hooks";
import * as analytics from "../../api/analytics";
import { messageOf } from "../../api/client";
import { draftOfRoi, draftOfWire, freeId, newDraft, problem, toRoi, toTripwire, undo, type Draft, type ShapeKind } from "../../lib/draft";
import type { MetaFrame } from "../../lib/frames";
import type { Size } from "../../lib/geometry";
import { mayConfigure } from "../../state/session";
import { refreshShapes, shapesOf } from "../../state/shapes";
import { Icon } from "../../ui/icon";
import { Field, Notice } from "../../ui/parts";
import { toast } from "../../ui/toast";
import { occupancy } from "../live/painter";

export interface ShapesPanelProps {
  readonly sensor: string;
  readonly size: Size;
  readonly frame: MetaFrame | null;
  readonly draft: Draft | null;
  readonly onDraft: (draft: Draft | null) => void;
}

export function ShapesPanel(props: ShapesPanelProps) {
  return props.draft ? <DraftForm {...props} draft={props.draft} /> : <ShapesList {...props} />;
}

function ShapesList({ sensor, frame, onDraft }: ShapesPanelProps) {
  const { tripwires, rois, totals, loaded, error } = shapesOf(sensor).value;
  const begin = (kind: ShapeKind): void => {
    const taken = [...tripwires, ...rois].map((shape) => shape.id);
    const id = freeId(kind, taken);
    onDraft(newDraft(kind, id, `${kind === "wire" ? "Wire" : "Zone"} ${id.split("-")[1] ?? ""}`));
  };
  return (
    <section class="panel shapes-panel" aria-label="Wires and zones">
      <div class="panel__head">
        <h2>Wires and zones</h2>
        <p>today</p>
      </div>
      <div class="panel__body shapes">
        {error && <Notice error>{error}</Notice>}
        {!loaded && <div class="skeleton skeleton--row" />}
        {loaded && !error && tripwires.length + rois.length === 0 && (
          <p class="muted">A wire counts who crosses it, and which way. A zone counts who is inside.</p>
        )}
        <ul>
          {tripwires.map((wire) => (
            <li key={wire.id}>
              <button type="button" class="shape" disabled={!mayConfigure.value} onClick={() => onDraft(draftOfWire(wire))} aria-label={`Edit ${wire.name}`}>
                <Icon name="wire" size={18} />
                <span class="shape__name">{wire.name}</span>
                <span class="inout__in"><b class="reading">{totals[wire.id]?.in ?? 0}</b> in</span>
                <span class="inout__out"><b class="reading">{totals[wire.id]?.out ?? 0}</b> out</span>
              </button>
            </li>
          ))}
          {rois.map((roi) => (
            <li key={roi.id}>
              <button type="button" class="shape" disabled={!mayConfigure.value} onClick={() => onDraft(draftOfRoi(roi))} aria-label={`Edit ${roi.name}`}>
                <Icon name="zone" size={18} />
                <span class="shape__name">{roi.name}</span>
                <span class="shape__now"><b class="reading">{frame ? occupancy(frame, roi) : "–"}</b> now</span>
              </button>
            </li>
          ))}
        </ul>
        {mayConfigure.value && (
          <div class="shapes__add">
            <button type="button" class="button" onClick={() => begin("wire")}><Icon name="plus" size={18} />Wire</button>
            <button type="button" class="button" onClick={() => begin("zone")}><Icon name="plus" size={18} />Zone</button>
          </div>
        )}
      </div>
    </section>
  );
}

function DraftForm({ sensor, size, draft, onDraft }: ShapesPanelProps & { draft: Draft }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const todo = problem(draft);

  async function run(work: () => Promise<void>, done: string): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await work();
      await refreshShapes(sensor);
      toast(done);
      onDraft(null);
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  }

  const save = (): Promise<void> =>
    draft.kind === "wire" ? analytics.saveTripwire(sensor, toTripwire(draft, size), !draft.stored) : analytics.saveRoi(sensor, toRoi(draft), !draft.stored);
  const remove = (): Promise<void> =>
    draft.kind === "wire" ? analytics.deleteTripwire(sensor, draft.id) : analytics.deleteRoi(sensor, draft.id);
  const noun = draft.kind === "wire" ? "wire" : "zone";

  return (
    <section class="panel shapes-panel--drawing" aria-label={`Edit ${noun}`}>
      <div class="panel__head">
        <h2>{draft.stored ? `Edit ${noun}` : `New ${noun}`}</h2>
        {draft.stored && (
          <button type="button" class="button button--quiet button--icon" aria-label={`Delete ${draft.name}`} disabled={busy} onClick={() => void run(remove, `${draft.name} deleted`)}>
            <Icon name="trash" />
          </button>
        )}
      </div>
      <form
        class="panel__body shapes"
        onSubmit={(event) => {
          event.preventDefault();
          if (!todo) void run(save, `${draft.name.trim()} saved`);
        }}
      >
        <p class="muted">
          {draft.kind === "wire" ? "Tap along the line people cross. The arrow shows which way counts as IN." : "Tap the corners of the area."}
          {" "}Drag a point to move it.
        </p>
        <Field label="Name" value={draft.name} maxLength={64} onInput={(name) => onDraft({ ...draft, name })} />
        <div class="shapes__add">
          <button type="button" class="button" disabled={draft.past.length === 0} onClick={() => onDraft(undo(draft))}><Icon name="undo" size={18} />Undo</button>
          {draft.kind === "wire" && (
            <button type="button" class="button" disabled={draft.points.length < 2} onClick={() => onDraft({ ...draft, flipped: !draft.flipped })}><Icon name="flip" size={18} />Turn arrow</button>
          )}
        </div>
        {error && <Notice error>{error}</Notice>}
        {todo && <p class="muted" role="status">{todo}</p>}
        <div class="shapes__add">
          <button type="button" class="button" disabled={busy} onClick={() => onDraft(null)}>Cancel</button>
          <button type="submit" class="button button--primary" disabled={busy || todo !== null}>{busy ? "Saving…" : "Save"}</button>
        </div>
      </form>
    </section>
  );
}
