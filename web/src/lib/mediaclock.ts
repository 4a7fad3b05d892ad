/**
 * RTP time to wall time. The server says once in a while which wall-clock instant belongs to which
 * RTP timestamp; the browser says the RTP timestamp of every picture it shows. Subtracting the two
 * (32 bit, wrapping) gives the capture instant of the very picture on screen, whatever the network did.
 */

const RTP_RANGE = 2 ** 32;
const RTP_TICKS_PER_MS = 90;

export interface ClockPair {
  /** 90 kHz ticks, unsigned 32 bit. */
  readonly rtpTimestamp: number;
  /** Milliseconds since the epoch; fractions count. */
  readonly wallMs: number;
}

/** Signed distance a − b of two wrapping 32-bit RTP timestamps, in ticks. */
export function rtpDelta(a: number, b: number): number {
  const forward = (((a - b) % RTP_RANGE) + RTP_RANGE) % RTP_RANGE;
  return forward >= RTP_RANGE / 2 ? forward - RTP_RANGE : forward;
}

/** Capture instant (epoch ms) of the picture with this RTP timestamp. */
export function wallTime(pair: ClockPair, rtpTimestamp: number): number {
  return pair.wallMs + rtpDelta(rtpTimestamp, pair.rtpTimestamp) / RTP_TICKS_PER_MS;
}

/** Reads the clock object of a WHEP session; null while the server has no pair yet. */
export function parseClock(value: unknown): ClockPair | null {
  if (typeof value !== "object" || value === null) return null;
  const { rtpTimestamp, wallTimeUs, wallTime: iso } = value as Record<string, unknown>;
  if (typeof rtpTimestamp !== "number" || !Number.isFinite(rtpTimestamp)) return null;
  if (typeof wallTimeUs === "number" && wallTimeUs > 0) return { rtpTimestamp, wallMs: wallTimeUs / 1000 };
  const parsed = typeof iso === "string" ? Date.parse(iso) : NaN;
  return Number.isNaN(parsed) ? null : { rtpTimestamp, wallMs: parsed };
}
