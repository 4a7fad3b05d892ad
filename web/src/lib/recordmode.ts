/** When a stream is recorded, as one edits it and as one reads it. */

import type { RecordingStatus } from "../api/types";
import { toSchedule, toWeek, weekSentence, type ScheduleEntry, type Week } from "./week";

export const MODES = ["always", "schedule", "event", "manual", "off"] as const;
export type Mode = (typeof MODES)[number];

/** The wire shape of record/{streamId}/mode. */
export interface RecordingRule {
  readonly mode: Mode;
  readonly schedule: readonly ScheduleEntry[];
  readonly timeZone: string;
  readonly preRollSeconds: number;
  readonly postRollSeconds: number;
  readonly audio: boolean;
}

export const MODE_NAMES: Readonly<Record<Mode, string>> = {
  always: "Always",
  schedule: "By schedule",
  event: "On events",
  manual: "By hand",
  off: "Off",
};

export const MODE_HINTS: Readonly<Record<Mode, string>> = {
  always: "Every second, day and night.",
  schedule: "Within the hours painted below.",
  event: "When an alert is raised or a program asks for it, with the seconds before and after.",
  manual: "From the moment you press Record until you press Stop.",
  off: "Live pictures and counts go on; nothing is kept.",
};

/** What the page edits: the rule with its schedule as a week. */
export interface RuleDraft extends Omit<RecordingRule, "schedule"> {
  readonly week: Week;
}

export function toDraft(rule: RecordingRule): RuleDraft {
  const { schedule, ...rest } = rule;
  return { ...rest, week: toWeek(schedule) };
}

export function toRule(draft: RuleDraft): RecordingRule {
  const { week, ...rest } = draft;
  return { ...rest, schedule: toSchedule(week) };
}

export function sameRule(a: RuleDraft, b: RuleDraft): boolean {
  return JSON.stringify(toRule(a)) === JSON.stringify(toRule(b));
}

export const LONGEST_BEFORE_S = 60;
export const LONGEST_AFTER_S = 3_600;

/** What keeps a rule from being saved, or null. */
export function ruleProblem(draft: RuleDraft): string | null {
  if (draft.mode === "schedule" && draft.week.spans.length + draft.week.others.length === 0) {
    return "Paint the hours to record, or choose Off.";
  }
  if (draft.mode !== "event") return null;
  const fine = (seconds: number, most: number): boolean => Number.isFinite(seconds) && seconds >= 0 && seconds <= most;
  if (!fine(draft.preRollSeconds, LONGEST_BEFORE_S)) return `Before the event: 0 to ${LONGEST_BEFORE_S} seconds.`;
  return fine(draft.postRollSeconds, LONGEST_AFTER_S) ? null : `After the event: 0 to ${LONGEST_AFTER_S} seconds.`;
}

/** "Always", "Mon to Fri 08:00–18:00 (Europe/Berlin)", "On events, 5 s before to 10 s after". */
export function ruleSentence(rule: RecordingRule): string {
  if (rule.mode === "schedule") return `${weekSentence(toWeek(rule.schedule))} (${rule.timeZone})`;
  if (rule.mode === "event") return `${MODE_NAMES.event}, ${rule.preRollSeconds} s before to ${rule.postRollSeconds} s after`;
  return MODE_NAMES[rule.mode];
}

const STATUS_WORDS: Readonly<Record<RecordingStatus, string>> = {
  off: "Not recording",
  schedule: "Recording by schedule",
  user: "Recording by hand",
  event: "Recording an event",
  alwaysOn: "Recording",
  error: "Recording failed",
  statusUnknown: "Not known",
};

export function statusWords(status: RecordingStatus): string {
  return STATUS_WORDS[status] ?? STATUS_WORDS.statusUnknown;
}

export function isRecording(status: RecordingStatus): boolean {
  return status === "alwaysOn" || status === "schedule" || status === "user" || status === "event";
}

/** A fresh rule for a stream that has none: as the viewer's clock counts. */
export function defaultRule(timeZone: string): RecordingRule {
  return { mode: "off", schedule: [], timeZone, preRollSeconds: 5, postRollSeconds: 10, audio: false };
}
