/** One websocket per camera, shared by everything on the page that watches it. */

import { backoffMs } from "../lib/backoff";
import { readFeedMessage, type FeedMessage } from "./feedmessages";

type Listener = (message: FeedMessage) => void;

const LINGER_MS = 3_000;

class Feed {
  readonly listeners = new Set<Listener>();
  private socket: WebSocket | null = null;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly url: string) {
    this.open();
  }

  close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private open(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => (this.attempt = 0);
    socket.onmessage = (event: MessageEvent<unknown>) => {
      const message = typeof event.data === "string" ? readFeedMessage(event.data) : null;
      if (message) for (const listener of this.listeners) listener(message);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.timer = setTimeout(() => this.open(), backoffMs(this.attempt++, Math.random()));
    };
  }
}

const feeds = new Map<string, Feed>();

export function feedUrl(sensor: string | null, origin: string): string {
  const base = origin.replace(/^http/, "ws");
  return sensor === null ? `${base}/ws-emdx/` : `${base}/ws-emdx/?sensorId=${encodeURIComponent(sensor)}`;
}

/** Listens to one camera's frames, crossings and alerts until the returned function is called. */
export function watchSensor(sensor: string, listener: Listener): () => void {
  const feed = feeds.get(sensor) ?? new Feed(feedUrl(sensor, location.origin));
  feeds.set(sensor, feed);
  feed.listeners.add(listener);
  return () => {
    feed.listeners.delete(listener);
    // Going from the grid to one camera should not cost a reconnect.
    setTimeout(() => {
      if (feed.listeners.size > 0 || feeds.get(sensor) !== feed) return;
      feeds.delete(sensor);
      feed.close();
    }, LINGER_MS);
  };
}
