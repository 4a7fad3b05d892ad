import { expect, test } from "vitest";
import { Pacing } from "../src/lib/pacing";

/** Plays `frames` pictures at 25 a second whose metadata comes `lagMs` after the picture is shown. */
function play(pacing: Pacing, frames: number, lagMs: number): number {
  let target = 0;
  for (let i = 0; i < frames; i++) {
    pacing.picture(i * 40 + lagMs);
    pacing.metadata(i * 40);
    target = pacing.target();
  }
  return target;
}

test("asks for no delay when metadata is early", () => {
  expect(play(new Pacing(), 500, -50)).toBe(0);
});

test("asks for as much delay as metadata is late, with a little slack", () => {
  const delay = play(new Pacing(), 20, 120);
  expect(delay).toBe(140);
});

test("adds what is still missing after the first step", () => {
  const pacing = new Pacing();
  play(pacing, 20, 120);
  expect(play(pacing, 49, 30)).toBe(140);
  expect(play(pacing, 1, 30)).toBe(190);
});

test("never waits longer than 800 ms", () => {
  const pacing = new Pacing();
  for (let round = 0; round < 5; round++) play(pacing, 50, 600);
  expect(pacing.target()).toBe(800);
});

test("does not wait for metadata that is seconds old", () => {
  expect(play(new Pacing(), 500, 5_000)).toBe(0);
});

test("says nothing before the first picture", () => {
  const pacing = new Pacing();
  for (let i = 0; i < 100; i++) pacing.metadata(i);
  expect(pacing.target()).toBe(0);
});
