/** Waiting times between attempts: doubling, capped, spread a little so that tiles do not march in step. */
export function backoffMs(attempt: number, random: number, capMs = 10_000): number {
  const base = Math.min(capMs, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.8 + 0.4 * random));
}
