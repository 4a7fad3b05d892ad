import { expect, test } from "vitest";
import { figure, holeOf, readingAt, readingPath, readingSeries } from "../src/lib/readings";

const iso = (at: number): string => new Date(at).toISOString();
const reading = (name: string, at: number, value: unknown, unit?: string) => ({ name, timestamp: iso(at), value, ...(unit && { unit }) });

const [door, temperature] = readingSeries([
  reading("temperature", 20, 21.456, "°C"),
  reading("temperature", 10, 19, "°C"),
  reading("door", 5, "open"),
  reading("door", 30, { state: "shut" }),
  reading("temperature", 90, 20, "°C"),
]);

test("readings become a series each, in order", () => {
  expect(temperature).toMatchObject({ name: "temperature", unit: "°C", least: 19, most: 21.456, marks: [] });
  expect(temperature?.points.map(({ at }) => at)).toEqual([10, 20, 90]);
  expect(door).toMatchObject({ points: [], marks: [{ at: 5, text: "open" }, { at: 30, text: '{"state":"shut"}' }] });
  expect(readingSeries([reading("on", 1, true), reading("on", 2, false)])[0]?.points).toEqual([{ at: 1, value: 1 }, { at: 2, value: 0 }]);
});

test("a line is broken where nothing came", () => {
  const paced = readingSeries([10, 20, 30, 90].map((at) => reading("x", at, at)))[0]!;
  expect(holeOf(paced)).toBe(30);
  expect(readingPath(paced, { start: 0, end: 100 })).toBe("M0.1000 1.0000h0L0.2000 0.8750L0.3000 0.7500M0.9000 0.0000h0");
  expect(readingPath(door!, { start: 0, end: 100 })).toBe("");
  expect(readingPath(readingSeries([reading("x", 5, 7)])[0]!, { start: 0, end: 10 })).toBe("M0.5000 0.5000h0");
});

test("the latest reading holds", () => {
  expect(readingAt(temperature!, 25)).toBe("21.5 °C");
  expect(readingAt(door!, 29)).toBe("open");
  expect(readingAt(door!, 1)).toBe("–");
  expect([figure(123.4), figure(12.34), figure(1.2345), figure(-0.5)]).toEqual(["123", "12.3", "1.23", "-0.5"]);
});
