/** When one stream is recorded. */

import { useEffect, useId, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { recordingState, rule as askRule, saveRule, startRecording, stopRecording } from "../../api/recording";
import type { RecordingStatus } from "../../api/types";
import { isRecording, LONGEST_AFTER_S, LONGEST_BEFORE_S, MODE_HINTS, MODE_NAMES, MODES, ruleProblem, sameRule, toDraft, toRule, type RuleDraft } from "../../lib/recordmode";
import { mayConfigure } from "../../state/session";
import { useAsked } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Choice, Notice, NumberField } from "../../ui/parts";
import { toast } from "../../ui/toast";
import { RecordingTag } from "./cameraspage";
import { WeekEditor } from "./weekeditor";

const STATE_EVERY_MS = 3_000;
const OPTIONS = MODES.map((mode) => ({ value: mode, label: MODE_NAMES[mode], hint: MODE_HINTS[mode] }));
const MODES_BY_HAND = ["manual", "event"];

export function RecordingPanel({ streamId, title }: { streamId: string; title: string }) {
  const rule = useAsked(() => askRule(streamId), 0, streamId);
  const state = useAsked(() => recordingState(streamId), STATE_EVERY_MS, streamId);
  return (
    <section class="panel" aria-label={`Recording, ${title}`}>
      <div class="panel__head">
        <h2>{title}</h2>
        {state.value && <RecordingTag state={state.value} />}
      </div>
      <div class="panel__body">
        {rule.error && <Notice error>{rule.error}</Notice>}
        {rule.value === undefined && !rule.error && <div class="skeleton skeleton--row" />}
        {rule.value === null && <p class="muted">This box records every camera always.</p>}
        {rule.value && <RuleEditor key={streamId} streamId={streamId} stored={toDraft(rule.value)} state={state.value} onSaved={() => { rule.again(); state.again(); }} />}
      </div>
    </section>
  );
}

interface EditorProps {
  readonly streamId: string;
  readonly stored: RuleDraft;
  readonly state: RecordingStatus | undefined;
  readonly onSaved: () => void;
}

function RuleEditor({ streamId, stored, state, onSaved }: EditorProps) {
  const [draft, setDraft] = useState(stored);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const changed = !sameRule(draft, stored);
  const problem = ruleProblem(draft);
  useEffect(() => setDraft(stored), [JSON.stringify(toRule(stored))]);

  async function run(work: () => Promise<void>, said: string): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await work();
      toast(said);
      onSaved();
    } catch (cause) {
      setError(messageOf(cause));
    }
    setBusy(false);
  }

  const byHand = MODES_BY_HAND.includes(stored.mode) && !changed && mayConfigure.value && state !== undefined;
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void run(() => saveRule(streamId, toRule(draft)), "Recording changed");
      }}
    >
      <Choice label="When it is recorded" options={OPTIONS} value={draft.mode} disabled={!mayConfigure.value} onPick={(mode) => setDraft({ ...draft, mode })} />
      {draft.mode === "schedule" && (
        <>
          <WeekEditor week={draft.week} onChange={(week) => setDraft({ ...draft, week })} />
          <ZoneField value={draft.timeZone} onPick={(timeZone) => setDraft({ ...draft, timeZone })} />
        </>
      )}
      {draft.mode === "event" && (
        <div class="form__pair">
          <NumberField label="Before the event" unit="seconds" value={draft.preRollSeconds} min={0} max={LONGEST_BEFORE_S} onInput={(preRollSeconds) => setDraft({ ...draft, preRollSeconds })} />
          <NumberField label="After the event" unit="seconds" value={draft.postRollSeconds} min={0} max={LONGEST_AFTER_S} onInput={(postRollSeconds) => setDraft({ ...draft, postRollSeconds })} />
        </div>
      )}
      {draft.mode !== "off" && (
        <label class="check">
          <input type="checkbox" checked={draft.audio} disabled={!mayConfigure.value} onChange={(event) => setDraft({ ...draft, audio: event.currentTarget.checked })} />
          <span>Record sound as well, where the camera has any</span>
        </label>
      )}
      {changed && problem && <Notice error>{problem}</Notice>}
      {error && <Notice error>{error}</Notice>}
      {changed && (
        <div class="dialog__actions">
          <button type="button" class="button" onClick={() => setDraft(stored)}>Undo</button>
          <button type="submit" class="button button--primary" disabled={busy || problem !== null}>{busy ? "Saving…" : "Save"}</button>
        </div>
      )}
      {byHand && state && (isRecording(state) ? (
        <button type="button" class="button" disabled={busy} onClick={() => void run(() => stopRecording(streamId), "Recording stopped")}><Icon name="stop" />Stop</button>
      ) : (
        <button type="button" class="button" disabled={busy} onClick={() => void run(() => startRecording(streamId), "Recording")}><Icon name="record" />Record now</button>
      ))}
    </form>
  );
}

/** IANA names; the one in force is offered even where this browser does not know it. */
function ZoneField({ value, onPick }: { value: string; onPick: (zone: string) => void }) {
  const id = useId();
  const known = Intl.supportedValuesOf("timeZone");
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set([value, here, "UTC", ...known])];
  return (
    <div class="field">
      <label for={id}>The hours are those of</label>
      <select id={id} value={value} onChange={(event) => onPick(event.currentTarget.value)}>
        {zones.map((zone) => <option key={zone} value={zone}>{zone.replaceAll("_", " ")}{zone === here ? " (here)" : ""}</option>)}
      </select>
    </div>
  );
}
