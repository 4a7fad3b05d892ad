/** What the camera itself lets one set: picture and encoder. */

import { useEffect, useId, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { saveSettings, settings as askSettings } from "../../api/devices";
import type { StreamInfo } from "../../api/types";
import { editKey, encodingOf, settingFields, settingsChange, settingsOf, type Edits, type SettingField, type StreamSettings } from "../../lib/camerasettings";
import { decimal } from "../../lib/format";
import { mayConfigure } from "../../state/session";
import { useAsked } from "../../ui/hooks";
import { Notice, Segments } from "../../ui/parts";
import { toast } from "../../ui/toast";

const PARTS = [
  { part: "Encode", title: "Encoder" },
  { part: "Image", title: "Picture" },
] as const;

/** Absent for cameras that tell nothing of theirs. */
export function SettingsPanel({ sensorId, streams }: { sensorId: string; streams: readonly StreamInfo[] }) {
  const { value, error, again } = useAsked(() => askSettings(sensorId), 0, sensorId);
  const [streamId, setStreamId] = useState(streams[0]?.streamId ?? sensorId);
  if (error) return <Notice action={<button type="button" class="button button--quiet" onClick={again}>Ask again</button>}>The camera did not tell its settings: {error}</Notice>;
  const found = settingsOf(value ?? null, streamId);
  if (!found || settingFields(found, encodingOf(found)).length === 0) return null;
  const choices = streams.filter((stream) => settingsOf(value ?? null, stream.streamId) !== null);
  return (
    <>
      {choices.length > 1 && (
        <Segments label="Whose settings" options={choices.map((stream) => ({ value: stream.streamId, label: stream.isMain ? "Main stream" : "Sub stream" }))} value={streamId} onPick={setStreamId} />
      )}
      <SettingsForm key={streamId} sensorId={sensorId} streamId={streamId} settings={found} onSaved={again} />
    </>
  );
}

function SettingsForm({ sensorId, streamId, settings, onSaved }: { sensorId: string; streamId: string; settings: StreamSettings; onSaved: () => void }) {
  const [edits, setEdits] = useState<Edits>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const fields = settingFields(settings, edits["Encode.Encoding"] ?? encodingOf(settings));
  const change = settingsChange(fields, edits);
  useEffect(() => setEdits({}), [JSON.stringify(settings)]);

  async function save(): Promise<void> {
    if (!change) return;
    setBusy(true);
    setError(null);
    try {
      await saveSettings(sensorId, streamId, change);
      toast("The camera took it");
      onSaved();
    } catch (cause) {
      setError(messageOf(cause));
    }
    setBusy(false);
  }

  return (
    <section class="panel" aria-label="Camera settings">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {PARTS.map(({ part, title }) => {
          const own = fields.filter((field) => field.part === part);
          return own.length > 0 && (
            <fieldset key={part} disabled={!mayConfigure.value || busy}>
              <div class="panel__head"><h2>{title}</h2></div>
              <div class="panel__body settings">
                {own.map((field) => <Setting key={editKey(field)} field={field} value={edits[editKey(field)] ?? field.value} onChange={(value) => setEdits({ ...edits, [editKey(field)]: value })} />)}
              </div>
            </fieldset>
          );
        })}
        {error && <div class="panel__body"><Notice error>{error}</Notice></div>}
        {change && (
          <div class="panel__body dialog__actions">
            <button type="button" class="button" onClick={() => setEdits({})}>Undo</button>
            <button type="submit" class="button button--primary" disabled={busy}>{busy ? "Sending to the camera…" : "Set on the camera"}</button>
          </div>
        )}
      </form>
    </section>
  );
}

function Setting({ field, value, onChange }: { field: SettingField; value: string; onChange: (value: string) => void }) {
  const id = useId();
  const number = Number(value);
  return (
    <div class="field setting" data-changed={value !== field.value}>
      <label for={id}>{field.label}{field.range && <output class="reading">{Number.isInteger(number) ? number : decimal(number)}</output>}</label>
      {field.range ? (
        <input id={id} type="range" min={field.range.min} max={field.range.max} step={field.range.step} value={number} onInput={(event) => onChange(event.currentTarget.value)} />
      ) : (
        <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {field.choices.map((choice) => <option key={choice} value={choice}>{choice.replace(/^(\d+)x(\d+)$/, "$1 × $2")}</option>)}
        </select>
      )}
    </div>
  );
}
