/**
 * One live picture by WHEP: offer out, answer in, and a session at the returned Location that also
 * tells the media clock. Reconnects by itself and says why it had to.
 */

import { ApiError, getJson, messageOf, request } from "./client";
import { backoffMs } from "../lib/backoff";
import { parseClock, type ClockPair } from "../lib/mediaclock";

export type LiveState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "reconnecting"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface LiveEvents {
  state(state: LiveState): void;
  stream(stream: MediaStream | null): void;
}

const GATHER_MS = 1_000;
const CLOCK_SOON_MS = 500;
const CLOCK_MS = 5_000;
const SILENCE_MS = 6_000;

function gathered(peer: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    if (peer.iceGatheringState === "complete") return resolve();
    const timer = setTimeout(resolve, GATHER_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Refusals that trying again cannot mend. (404 can: the stream of a camera just added comes up.) */
function isFinal(cause: unknown): boolean {
  return cause instanceof ApiError && [400, 401, 403, 415, 422, 501].includes(cause.status);
}

export class LiveSession {
  clock: ClockPair | null = null;
  private peer: RTCPeerConnection | null = null;
  private location: string | null = null;
  private attempt = 0;
  private closed = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private clockTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly streamId: string,
    private readonly events: LiveEvents,
  ) {
    events.state({ kind: "connecting" });
    void this.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retryTimer);
    this.drop();
  }

  /** A picture was shown: the stream is alive. */
  sawPicture(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.again("No picture for 6 seconds"), SILENCE_MS);
  }

  /** Asks the receiver to hold pictures this long, so that their metadata can arrive first. */
  hold(delayMs: number): void {
    for (const receiver of this.peer?.getReceivers() ?? []) {
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = delayMs > 0 ? delayMs : null;
    }
  }

  private async connect(): Promise<void> {
    const peer = new RTCPeerConnection({ iceServers: [] });
    this.peer = peer;
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.ontrack = (event) => this.events.stream(event.streams[0] ?? new MediaStream([event.track]));
    peer.onconnectionstatechange = () => this.follow(peer);
    try {
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      const sdp = peer.localDescription?.sdp ?? "";
      const path = `/vst/api/v1/live/whep/${encodeURIComponent(this.streamId)}`;
      const reply = await request(path, {
        method: "POST",
        text: { type: "application/sdp", body: sdp },
        headers: { accept: "application/sdp", streamId: this.streamId },
      });
      const header = reply.headers.get("location");
      const location = header && new URL(header, new URL(reply.url || path, document.baseURI)).pathname;
      const answer = await reply.text();
      if (this.closed || this.peer !== peer) return this.end(location);
      this.location = location;
      await peer.setRemoteDescription({ type: "answer", sdp: answer });
      this.sawPicture();
    } catch (cause) {
      if (this.closed || this.peer !== peer) return;
      if (isFinal(cause)) return this.fail(messageOf(cause));
      this.again(messageOf(cause));
    }
  }

  private follow(peer: RTCPeerConnection): void {
    if (this.peer !== peer) return;
    if (peer.connectionState === "connected") {
      this.attempt = 0;
      this.events.state({ kind: "live" });
      this.askClock(peer);
    }
    if (peer.connectionState === "failed") this.again("The connection to the box was lost");
    if (peer.connectionState === "disconnected") this.events.state({ kind: "reconnecting", reason: "The network paused" });
  }

  private askClock(peer: RTCPeerConnection): void {
    clearTimeout(this.clockTimer);
    if (this.peer !== peer || !this.location) return;
    getJson<{ clock?: unknown }>(this.location, { anonymous: true })
      .then((session) => {
        if (this.peer === peer) this.clock = parseClock(session.clock) ?? this.clock;
      })
      .catch((cause: unknown) => {
        // The server forgot the session (it restarted): the picture will not come back by itself.
        if (this.peer === peer && cause instanceof ApiError && cause.status === 404) this.again("The box restarted");
      })
      .finally(() => {
        if (this.peer !== peer) return;
        this.clockTimer = setTimeout(() => this.askClock(peer), this.clock ? CLOCK_MS : CLOCK_SOON_MS);
      });
  }

  private again(reason: string): void {
    if (this.closed) return;
    this.drop();
    this.events.state({ kind: "reconnecting", reason });
    this.retryTimer = setTimeout(() => void this.connect(), backoffMs(this.attempt++, Math.random()));
  }

  private fail(reason: string): void {
    this.drop();
    this.events.state({ kind: "failed", reason });
  }

  private drop(): void {
    clearTimeout(this.clockTimer);
    clearTimeout(this.silenceTimer);
    const peer = this.peer;
    this.peer = null;
    this.clock = null;
    peer?.close();
    this.end(this.location);
    this.location = null;
    this.events.stream(null);
  }

  private end(location: string | null): void {
    if (!location) return;
    // The server frees dead peers by itself, so a lost DELETE costs nothing worth telling.
    request(location, { method: "DELETE", anonymous: true }).catch(() => undefined);
  }
}
