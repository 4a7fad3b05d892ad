import { describe, expect, test } from "vitest";
import {
  deletions,
  diskParts,
  forecastSentence,
  oldestAfter,
  policyProblem,
  daysWords,
  longRunSentence,
  remainingWords,
  tierName,
  RULES,
  samePolicy,
  type Forecast,
  type Policy,
} from "../src/lib/forecast";

const GIB = 1024 ** 3;
const NOW = new Date(2026, 0, 15, 18).getTime();
const iso = (hoursAgo: number): string => new Date(NOW - hoursAgo * 3_600_000).toISOString();
const POLICY: Policy = { maxAgeHours: 720, maxGibPerStream: 0, maxGib: 0, minFreeGib: 10, maxUsedPercent: 0 };

function forecast(gone: readonly { streamId: string; segments: number; bytes: number; until: string | null }[], protectedBytes = 0): Forecast {
  const store = (streamId: string, name: string, oldest: string | null) => ({ streamId, name, bytes: 20 * GIB, bytesPerDay: GIB, oldest, protectedBytes });
  return {
    volumes: [],
    bytesPerDay: 2 * GIB,
    daysRemaining: 4,
    retentionDays: 9.5,
    clockSuspect: false,
    oldest: iso(30),
    streams: [store("a", "Gate", iso(30)), store("b", "", iso(20)), store("c", "New", null)],
    wouldDelete: {
      segments: gone.reduce((sum, { segments }) => sum + segments, 0),
      bytes: gone.reduce((sum, stream) => sum + stream.bytes, 0),
      streams: gone,
    },
  };
}

describe("what a change would do", () => {
  test("says how much goes, and from when the rest is", () => {
    const some = forecast([{ streamId: "a", segments: 9, bytes: 12.4 * GIB, until: iso(4) }, { streamId: "b", segments: 0, bytes: 0, until: null }]);
    expect(oldestAfter(some, [])).toBe(Date.parse(iso(20)));
    expect(forecastSentence(some, NOW)).toBe("Would delete 12.4 GiB now, oldest footage then from yesterday, 22:00.");
    expect(deletions(some)).toEqual([{ name: "Gate", bytes: 12.4 * GIB, until: iso(4), all: false }]);
  });

  test("nothing", () => expect(forecastSentence(forecast([]), NOW)).toBe("Would delete nothing; oldest footage is from yesterday, 12:00."));

  test("nothing of nothing", () => {
    expect(forecastSentence({ ...forecast([]), streams: [] }, NOW)).toBe("Would delete nothing.");
  });

  test("everything, largest first", () => {
    const all = forecast([{ streamId: "a", segments: 1, bytes: 20 * GIB, until: iso(0) }, { streamId: "b", segments: 1, bytes: 21 * GIB, until: null }]);
    expect(forecastSentence(all, NOW)).toBe("Would delete 41 GiB now, and nothing would be left.");
    expect(deletions(all).map(({ name, all: whole }) => [name, whole])).toEqual([["b", true], ["Gate", true]]);
  });

  test("what is protected stays, and may be the oldest", () => {
    const cut = forecast([{ streamId: "a", segments: 1, bytes: GIB, until: iso(1) }, { streamId: "b", segments: 1, bytes: 20 * GIB, until: iso(0) }], GIB);
    expect(oldestAfter(cut, [])).toBe(Date.parse(iso(1)));
    expect(oldestAfter(cut, [{ streamId: "a", startTime: iso(9) }, { streamId: "c", startTime: iso(12) }])).toBe(Date.parse(iso(9)));
    expect(oldestAfter(cut, [{ streamId: "b", startTime: iso(99) }])).toBe(Date.parse(iso(20)));
    expect(forecastSentence(cut, NOW, [{ streamId: "a", startTime: iso(9) }])).toContain("from 09:00.");
  });
});

test.each([
  [null, "not known yet"],
  [0.01, "less than an hour"],
  [0.5, "12 hours"],
  [1.1, "26 hours"],
  [40.7, "40 days"],
  [4_000, "more than 2 years"],
])("%s days", (days, text) => expect(daysWords(days)).toBe(text));

test("the long run", () => {
  expect([remainingWords(0), remainingWords(3.2)]).toEqual(["it goes already", "3 days"]);
  expect(longRunSentence(forecast([]))).toBe("In the long run footage would stay for 9 days.");
  expect(longRunSentence({ ...forecast([]), retentionDays: null })).toBe("");
  expect([tierName(0), tierName(7), tierName("cold")]).toEqual(["fast disk", "tier 7", "cold"]);
});

describe("a policy", () => {
  test("may be saved", () => expect(policyProblem(POLICY)).toBeNull());
  test.each([
    [{ maxAgeHours: Number.NaN }, "Age: a number is needed."],
    [{ minFreeGib: -1 }, "Free space: a number is needed."],
    [{ maxUsedPercent: 100 }, "Disk in use: at most 99."],
  ])("%j may not", (change, text) => expect(policyProblem({ ...POLICY, ...change })).toBe(text));
  test("is compared by value", () => {
    expect(samePolicy(POLICY, { ...POLICY })).toBe(true);
    expect(samePolicy(POLICY, { ...POLICY, maxGib: 1 })).toBe(false);
  });
  test("every rule has a field", () => expect(new Set(RULES.map(({ key }) => key)).size).toBe(5));
});

test("a disk's parts add up", () => {
  const disk = { name: "main", tier: "fast", state: "connected", totalBytes: 100, freeBytes: 30, usedBytes: 50 } as const;
  const { used, other, free } = diskParts(disk);
  expect([used, free]).toEqual([0.5, 0.3]);
  expect(used + other + free).toBeCloseTo(1);
  expect(diskParts({ ...disk, usedBytes: 90 })).toMatchObject({ used: 0.7, other: 0 });
  expect(diskParts({ ...disk, totalBytes: 0 })).toEqual({ used: 0, other: 0, free: 0 });
});
