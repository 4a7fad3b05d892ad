/** What is worth an alert on one camera. */

import { useEffect, useState } from "preact/hooks";
import * as analytics from "../../api/analytics";
import { messageOf } from "../../api/client";
import type { AlertRule, RuleKind } from "../../api/types";
import { sentence, targets, toRule, WHOLE_PICTURE, type RuleForm, type RuleTarget } from "../../lib/rules";
import { shapesOf } from "../../state/shapes";
import { Icon } from "../../ui/icon";
import { Dialog, Notice, NumberField, Segments } from "../../ui/parts";

const KINDS: readonly RuleKind[] = ["fov", "roi", "tripwire"];

interface Stored {
  readonly kind: RuleKind;
  readonly rule: AlertRule;
}

async function loadRules(sensor: string): Promise<Stored[]> {
  const lists = await Promise.all(KINDS.map((kind) => analytics.rules(sensor, kind)));
  return lists.flatMap((list, i) => list.map((rule) => ({ kind: KINDS[i] ?? "fov", rule })));
}

export function RulesDialog({ sensor, onClose }: { sensor: string; onClose: () => void }) {
  const { tripwires, rois } = shapesOf(sensor).value;
  const [stored, setStored] = useState<readonly Stored[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const all = targets(tripwires, rois);

  async function run(work: () => Promise<void>): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await work();
      setStored(await loadRules(sensor));
    } catch (cause) {
      setError(messageOf(cause));
    } finally {
      setBusy(false);
    }
  }

  useEffect(() => void run(async () => undefined), [sensor]);

  const nameOf = ({ kind, rule }: Stored): string =>
    kind === "fov" ? WHOLE_PICTURE.name : (all.find((target) => target.kind === kind && target.id === rule.id)?.name ?? rule.id ?? "");

  return (
    <Dialog title={`Alert rules for ${sensor}`} onClose={onClose}>
      {error && <Notice error>{error}</Notice>}
      {stored === null && !error && <div class="skeleton skeleton--row" />}
      {stored?.length === 0 && <p>No rules yet.</p>}
      {stored && stored.length > 0 && (
        <ul>
          {stored.map((item) => (
            <li key={`${item.kind}/${item.rule.ruleId ?? ""}`} class="rule">
              <span>{sentence(item.rule, nameOf(item))}</span>
              <button
                type="button"
                class="button button--quiet button--icon"
                aria-label={`Delete: ${sentence(item.rule, nameOf(item))}`}
                disabled={busy}
                onClick={() => void run(() => analytics.deleteRule(sensor, item.kind, item.rule))}
              >
                <Icon name="trash" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <NewRule all={all} busy={busy} onAdd={(form) => void run(() => analytics.addRule(sensor, form.target.kind, toRule(form)))} />
    </Dialog>
  );
}

const DIRECTIONS = [
  { value: "any", label: "Both ways" },
  { value: "entry", label: "In" },
  { value: "exit", label: "Out" },
] as const;

function NewRule({ all, busy, onAdd }: { all: readonly RuleTarget[]; busy: boolean; onAdd: (form: RuleForm) => void }) {
  const [form, setForm] = useState<RuleForm>({ target: WHOLE_PICTURE, count: 5, seconds: 5, direction: "any" });
  const wire = form.target.kind === "tripwire";
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        onAdd(form);
      }}
    >
      <div class="field">
        <label for="rule-target">Alert about</label>
        <select
          id="rule-target"
          value={all.findIndex((target) => target.kind === form.target.kind && target.id === form.target.id)}
          onChange={(event) => setForm({ ...form, target: all[Number(event.currentTarget.value)] ?? WHOLE_PICTURE })}
        >
          {all.map((target, i) => <option key={target.kind + target.id} value={i}>{target.name}</option>)}
        </select>
      </div>
      <div class="form__pair">
        <NumberField label="At least" unit="people" value={form.count} min={1} max={1_000} onInput={(count) => setForm({ ...form, count })} />
        <NumberField label={wire ? "Within" : "For"} unit="seconds" value={form.seconds} min={wire ? 1 : 0} max={86_400} onInput={(seconds) => setForm({ ...form, seconds })} />
      </div>
      {wire && <Segments label="Direction" options={DIRECTIONS} value={form.direction} onPick={(direction) => setForm({ ...form, direction })} />}
      <button type="submit" class="button button--primary button--wide" disabled={busy}>Add rule</button>
    </form>
  );
}
