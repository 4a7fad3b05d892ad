/** The list of cameras as a file: to keep, to edit in a spreadsheet, to bring to another box. */

import { useRef, useState } from "preact/hooks";
import { isMissing, messageOf } from "../../api/client";
import { exportUrl, importList, type ImportResult } from "../../api/devices";
import { plural } from "../../lib/format";
import { refreshCameras } from "../../state/cameras";
import { Icon } from "../../ui/icon";
import { Dialog, Notice } from "../../ui/parts";

type Outcome = { readonly result: ImportResult } | { readonly error: string };

export function ListTools() {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);

  async function bring(file: File): Promise<void> {
    setBusy(true);
    try {
      const result = await importList(await file.text(), /\.csv$/i.test(file.name) || file.type === "text/csv");
      setOutcome({ result });
      await refreshCameras();
    } catch (cause) {
      setOutcome({ error: isMissing(cause) ? "This box cannot read lists of cameras yet." : messageOf(cause) });
    }
    setBusy(false);
  }

  return (
    <section class="listtools" aria-label="The list as a file">
      <a class="button button--quiet" href={exportUrl("csv")} download="cameras.csv"><Icon name="download" />CSV</a>
      <a class="button button--quiet" href={exportUrl("json")} download="cameras.json"><Icon name="download" />JSON</a>
      <button type="button" class="button button--quiet" disabled={busy} onClick={() => input.current?.click()}>
        {busy ? <span class="spinner" aria-hidden="true" /> : <Icon name="upload" />}Import a list
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        accept=".csv,.json,text/csv,application/json"
        tabIndex={-1}
        aria-label="List of cameras"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file) void bring(file);
        }}
      />
      {outcome && (
        <Dialog title={"error" in outcome ? "Nothing was imported" : `${plural(outcome.result.added.length, "camera")} added`} onClose={() => setOutcome(null)}>
          {"error" in outcome && <Notice error>{outcome.error}</Notice>}
          {"result" in outcome && outcome.result.skipped.length > 0 && (
            <>
              <p>{plural(outcome.result.skipped.length, "line was", "lines were")} left out:</p>
              <ul class="skipped">{outcome.result.skipped.map(({ name, reason }, i) => <li key={i}><strong>{name}</strong><span class="muted">{reason}</span></li>)}</ul>
            </>
          )}
          <div class="dialog__actions"><button type="button" class="button" onClick={() => setOutcome(null)}>Close</button></div>
        </Dialog>
      )}
    </section>
  );
}
