/**
 * How long pictures should wait in the jitter buffer so that their boxes have arrived when they are
 * shown. Detection takes time, so metadata usually lags the picture; holding the picture for just
 * that long makes every box exact instead of late.
 */

const MAX_DELAY_MS = 800;
const SLACK_MS = 20;
const WINDOW = 50;
/** The first step is taken early: until then every box is late. */
const FIRST_WINDOW = 20;
/** Further behind than this is an outage, not a pace worth waiting for. */
const OUTAGE_MS = 1_500;

export class Pacing {
  private shown: number | null = null;
  private lags: number[] = [];
  private delay = 0;

  /** The picture captured at `capture` reached the screen. */
  picture(capture: number): void {
    this.shown = capture;
  }

  /**
   * Metadata of the picture captured at `capture` arrived. While pictures play at their own speed, the
   * picture on screen being newer by n ms means that these boxes came n ms too late.
   */
  metadata(capture: number): void {
    if (this.shown === null) return;
    const lag = this.shown - capture;
    if (Math.abs(lag) > OUTAGE_MS) return;
    this.lags.push(lag);
    if (this.lags.length > WINDOW) this.lags.shift();
  }

  /** Delay to ask of the receiver, ms. Only grows, and in few steps, so that playback does not wobble. */
  target(): number {
    if (this.lags.length < (this.delay === 0 ? FIRST_WINDOW : WINDOW)) return this.delay;
    const sorted = [...this.lags].sort((a, b) => a - b);
    const p90 = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
    if (p90 > 0) this.delay = Math.min(MAX_DELAY_MS, Math.round(this.delay + p90 + SLACK_MS));
    // Measured anew after each step: the old lags belong to the old delay.
    this.lags = [];
    return this.delay;
  }
}
