/** The ageing policy, with what it would delete while it is still being typed. */

import { useEffect, useId, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { forecast as askForecast, protections, savePolicy } from "../../api/storage";
import { deletions, forecastSentence, longRunSentence, policyProblem, RULES, samePolicy, type Forecast, type Kept, type Policy, type Rule } from "../../lib/forecast";
import { bytes, momentName } from "../../lib/format";
import { mayRemove } from "../../state/session";
import { useAsked } from "../../ui/hooks";
import { Dialog, Notice } from "../../ui/parts";
import { toast } from "../../ui/toast";

/** Typing rests this long before the box is asked. */
const REST_MS = 350;

type WhatIf = { readonly kind: "none" } | { readonly kind: "asking" } | { readonly kind: "told"; readonly forecast: Forecast } | { readonly kind: "failed"; readonly error: string };

function useWhatIf(policy: Policy, stored: Policy): WhatIf {
  const [answer, setAnswer] = useState<WhatIf>({ kind: "none" });
  const changed = !samePolicy(policy, stored) && policyProblem(policy) === null;
  useEffect(() => {
    if (!changed) return setAnswer({ kind: "none" });
    const abort = new AbortController();
    const timer = setTimeout(() => {
      setAnswer((old) => (old.kind === "told" ? old : { kind: "asking" }));
      askForecast(policy, abort.signal).then(
        (forecast) => abort.signal.aborted || setAnswer(forecast ? { kind: "told", forecast } : { kind: "none" }),
        (cause: unknown) => abort.signal.aborted || setAnswer({ kind: "failed", error: messageOf(cause) }),
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [changed, JSON.stringify(policy)]);
  return answer;
}

export function PolicyPanel({ stored, onSaved }: { stored: Policy; onSaved: () => void }) {
  const [policy, setPolicy] = useState(stored);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const whatIf = useWhatIf(policy, stored);
  const kept = useAsked(() => protections(), 0);
  const problem = policyProblem(policy);
  const changed = !samePolicy(policy, stored);
  const deletes = whatIf.kind === "told" && whatIf.forecast.wouldDelete.segments > 0;
  useEffect(() => setPolicy(stored), [JSON.stringify(stored)]);

  async function save(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await savePolicy(policy);
      toast("Policy saved");
      onSaved();
    } catch (cause) {
      setError(messageOf(cause));
    }
    setAsking(false);
    setBusy(false);
  }

  return (
    <section class="panel policy" aria-label="Ageing policy">
      <div class="panel__head"><h2>How long footage stays</h2><p>Whichever rule is met first counts.</p></div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (deletes) setAsking(true);
          else void save();
        }}
      >
        <div class="policy__rules">
          {RULES.map((rule) => <RuleField key={rule.key} rule={rule} value={policy[rule.key]} onChange={(value) => setPolicy({ ...policy, [rule.key]: value })} />)}
        </div>
        {changed && problem && <Notice error>{problem}</Notice>}
        {changed && !problem && <Outcome whatIf={whatIf} kept={kept.value ?? []} />}
        {error && <Notice error>{error}</Notice>}
        {changed && (
          <div class="dialog__actions">
            <button type="button" class="button" onClick={() => setPolicy(stored)}>Undo</button>
            <button type="submit" class="button button--primary" disabled={busy || problem !== null || whatIf.kind === "asking"}>{busy ? "Saving…" : "Save policy"}</button>
          </div>
        )}
      </form>
      {asking && whatIf.kind === "told" && (
        <Dialog title="Delete footage?" onClose={() => setAsking(false)}>
          <p>{forecastSentence(whatIf.forecast, Date.now(), kept.value ?? [])} What is protected stays.</p>
          <div class="dialog__actions">
            <button type="button" class="button" onClick={() => setAsking(false)}>Keep it</button>
            <button type="button" class="button button--danger" disabled={busy} onClick={() => void save()}>Save and delete {bytes(whatIf.forecast.wouldDelete.bytes)}</button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

/** Six figures are more than anybody types, and hide what dividing adds. */
function inField(value: number, rule: Rule): string {
  return Number.isNaN(value) ? "" : String(Number((value / rule.scale).toPrecision(6)));
}

function RuleField({ rule, value, onChange }: { rule: Rule; value: number; onChange: (value: number) => void }) {
  const id = useId();
  const [text, setText] = useState(inField(value, rule));
  // A 0 that is being typed may become 0.5: the field stays until the switch is thrown.
  const [open, setOpen] = useState(value !== 0);
  const on = open || value !== 0;
  const locked = !mayRemove.value;
  useEffect(() => {
    if (Number(text) * rule.scale === value) return;
    setText(inField(value, rule));
    setOpen(value !== 0);
  }, [value]);

  function throwSwitch(): void {
    const next = on ? 0 : rule.start * rule.scale;
    setOpen(!on);
    setText(inField(next, rule));
    onChange(next);
  }

  return (
    <div class="policy__rule" data-on={on}>
      <div class="policy__words">
        <label for={id}>{rule.label}</label>
        <span class="muted">{rule.hint}</span>
      </div>
      {on && (
        <div class="field field__unit">
          <input
            id={id}
            type="number"
            inputmode="decimal"
            min={0}
            max={rule.most}
            step="any"
            required
            disabled={locked}
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              onChange(event.currentTarget.valueAsNumber * rule.scale);
            }}
          />
          <span aria-hidden="true">{rule.unit}</span>
        </div>
      )}
      <button type="button" role="switch" class="switch" aria-checked={on} aria-label={`${rule.label}: rule`} disabled={locked} onClick={throwSwitch} />
    </div>
  );
}

function Outcome({ whatIf, kept }: { whatIf: WhatIf; kept: readonly Kept[] }) {
  if (whatIf.kind === "failed") return <Notice error>{whatIf.error}</Notice>;
  if (whatIf.kind !== "told") return <div class="outcome" role="status"><span class="spinner" aria-hidden="true" />Asking what that would delete…</div>;
  const now = Date.now();
  const gone = deletions(whatIf.forecast);
  return (
    <div class="outcome" role="status" data-deletes={gone.length > 0}>
      <p>{forecastSentence(whatIf.forecast, now, kept)}</p>
      <p class="muted">{longRunSentence(whatIf.forecast)}</p>
      {gone.length > 0 && (
        <ul>
          {gone.map(({ name, bytes: count, until, all }) => (
            <li key={name}><span>{name}</span><span class="reading">{bytes(count)}</span><span class="muted">{all ? "all of it" : until && `before ${momentName(Date.parse(until), now)}`}</span></li>
          ))}
        </ul>
      )}
    </div>
  );
}
