import { describe, expect, test } from "vitest";
import {
  clear,
  cover,
  covers,
  cronField,
  DAY_MIN,
  hoursPerWeek,
  ofDay,
  PRESETS,
  spansOf,
  tidy,
  toSchedule,
  toWeek,
  WEEK_MIN,
  weekSentence,
  type ScheduleEntry,
} from "../src/lib/week";

const span = (start: number, end: number) => ({ start, end });
const entry = (cron: string, hours: number): ScheduleEntry => ({ cron, durationSeconds: hours * 3_600 });
const at = (day: number, hour: number): number => day * DAY_MIN + hour * 60;

describe("cron fields", () => {
  test.each([
    ["*", 0, 3, [0, 1, 2, 3]],
    ["5", 0, 59, [5]],
    ["1-3,9", 0, 59, [1, 2, 3, 9]],
    ["*/20", 0, 59, [0, 20, 40]],
    ["10/25", 0, 59, [10, 35]],
    ["70", 0, 59, null],
    ["5-2", 0, 59, null],
    ["x", 0, 59, null],
    ["*/0", 0, 59, null],
  ])("%s", (text, least, most, numbers) => expect(cronField(text, least, most)).toEqual(numbers));
});

describe("entries become a week", () => {
  test("of working hours", () => {
    const week = toWeek([entry("0 8 * * 1-5", 10)]);
    expect(week.spans).toEqual([0, 1, 2, 3, 4].map((day) => span(at(day, 8), at(day, 18))));
    expect(weekSentence(week)).toBe("Mon to Fri 08:00–18:00");
  });

  test("with Sunday as 0, as 7 and by name", () => {
    for (const day of ["0", "7", "SUN", "sun"]) expect(toWeek([entry(`0 0 * * ${day}`, 1)]).spans).toEqual([span(at(6, 0), at(6, 1))]);
  });

  test("past midnight, and past Sunday's", () => {
    expect(toWeek([entry("0 22 * * 0", 4)]).spans).toEqual([span(0, 120), span(at(6, 22), WEEK_MIN)]);
  });

  test.each(["0 8 1 * *", "0 8 * 6 *", "0 8 * *", "0 8 * * * *", "@daily", "0 8 * * XXX"])("but not those of the calendar: %s", (cron) => {
    const kept = entry(cron, 1);
    expect(spansOf(kept)).toBeNull();
    expect(toSchedule(toWeek([kept]))).toEqual([kept]);
  });

  test("that end by another expression", () => {
    const until = { cron: "0 22 * * 0,3", durationSeconds: 0, end: "0 6 * * *" };
    expect(spansOf(until)).toEqual([span(at(2, 22), at(3, 6)), span(at(6, 22), at(7, 6))]);
    expect(spansOf({ ...until, end: "0 22 * * 0,3" })?.[0]).toEqual(span(at(2, 22), at(6, 22)));
    expect(spansOf({ ...until, end: "0 6 1 * *" })).toBeNull();
    expect(weekSentence(toWeek([{ ...until, end: "0 6 1 * *" }]))).toBe("0 22 * * 0,3 until 0 6 1 * *");
  });

  test("nor those of odd seconds", () => expect(spansOf({ cron: "0 8 * * *", durationSeconds: 90 })).toBeNull());
});

describe("a week becomes entries", () => {
  test.each([
    [[entry("0 8 * * 1-5", 10)]],
    [[entry("30 22 * * 0,6", 4)]],
    [[entry("0 0 * * *", 24)]],
    [[entry("0 0 * * 0,6", 24)]],
    [[entry("0 20 * * *", 10)]],
    [[entry("0 8 * * 1,2,4", 2), entry("0 14 * * 1", 1)]],
  ])("%j and back", (schedule) => {
    const written = toSchedule(toWeek(schedule));
    expect(toWeek(written)).toEqual(toWeek(schedule));
    expect(written.length).toBeLessThanOrEqual(schedule.length);
  });

  test("nothing is nothing", () => expect(toSchedule({ spans: [], others: [] })).toEqual([]));

  test("any painting survives the way there and back", () => {
    let seed = 3;
    const random = (most: number): number => (seed = (seed * 16_807) % 2_147_483_647) % most;
    for (let round = 0; round < 300; round++) {
      const spans = Array.from({ length: 1 + random(9) }, () => {
        const start = random(WEEK_MIN / 15) * 15;
        return span(start, start + (1 + random(200)) * 15);
      });
      const week = { spans: tidy(spans), others: [] };
      expect(toWeek(toSchedule(week))).toEqual(week);
    }
  });
});

test("painting and wiping", () => {
  const painted = cover(cover([], span(60, 120)), span(100, 200));
  expect(painted).toEqual([span(60, 200)]);
  expect(clear(painted, span(100, 140))).toEqual([span(60, 100), span(140, 200)]);
  expect(covers(painted, 199)).toBe(true);
  expect(covers(painted, 200)).toBe(false);
  expect(ofDay([span(1_400, 1_500)], 0)).toEqual([span(1_400, 1_440)]);
  expect(ofDay([span(1_400, 1_500)], 1)).toEqual([span(0, 60)]);
});

describe("in words", () => {
  test.each([
    ["0 0 * * *", 24, "every day all day"],
    ["0 22 * * 5,6", 6, "Fri, Sat 22:00–04:00"],
    ["0 8 * * 1-3", 1, "Mon to Wed 08:00–09:00"],
    ["0 8 1 * *", 1, "0 8 1 * * for 3600 s"],
  ])("%s", (cron, hours, text) => expect(weekSentence(toWeek([entry(cron, hours)]))).toBe(text));

  test("never", () => expect(weekSentence({ spans: [], others: [] })).toBe("never"));

  test.each(PRESETS.map(({ name, spans }) => [name, spans] as const))("preset %s can be written", (_, spans) => {
    expect(toWeek(toSchedule({ spans, others: [] })).spans).toEqual(tidy(spans));
    expect(hoursPerWeek({ spans, others: [] })).toBeGreaterThan(0);
  });
});
