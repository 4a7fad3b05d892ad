/** Alert rules as a form fills them in and as a sentence reads them. */

import type { AlertRule, Roi, RuleKind, Tripwire } from "../api/types";

export interface RuleTarget {
  readonly kind: RuleKind;
  readonly id: string;
  readonly name: string;
}

export interface RuleForm {
  readonly target: RuleTarget;
  readonly count: number;
  readonly seconds: number;
  readonly direction: "any" | "entry" | "exit";
}

export const WHOLE_PICTURE: RuleTarget = { kind: "fov", id: "", name: "The whole picture" };

export function targets(tripwires: readonly Tripwire[], rois: readonly Roi[]): RuleTarget[] {
  return [
    WHOLE_PICTURE,
    ...rois.map(({ id, name }): RuleTarget => ({ kind: "roi", id, name })),
    ...tripwires.map(({ id, name }): RuleTarget => ({ kind: "tripwire", id, name })),
  ];
}

export function toRule(form: RuleForm): AlertRule {
  const { target, count, seconds, direction } = form;
  const common = { type: target.kind, countThreshold: count, ...(target.id !== "" && { id: target.id }) };
  const rule: AlertRule =
    target.kind === "tripwire"
      ? { ...common, name: "", ruleType: "increment", timeInterval: seconds, ...(direction !== "any" && { direction }) }
      : { ...common, name: "", ruleType: "occupancy", holdTime: seconds };
  return { ...rule, name: sentence(rule, target.name) };
}

function people(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}

/** "At least 5 people in Bench for 10 s". */
export function sentence(rule: AlertRule, target: string): string {
  const where = target === WHOLE_PICTURE.name ? "in view" : `in ${target}`;
  if (rule.ruleType === "increment" || rule.ruleType === "flowrate") {
    const way = rule.direction === "entry" ? " inwards" : rule.direction === "exit" ? " outwards" : "";
    return `At least ${people(rule.countThreshold)} over ${target}${way} within ${rule.timeInterval ?? 0} s`;
  }
  const bound = rule.ruleType === "vacancy" ? "At most" : "At least";
  return `${bound} ${people(rule.countThreshold)} ${where} for ${rule.holdTime ?? rule.timeInterval ?? 0} s`;
}
