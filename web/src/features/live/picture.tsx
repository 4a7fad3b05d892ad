/** One camera's live picture with its overlay, drawn per presented video frame. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import { LiveSession, type LiveState } from "../../api/whep";
import type { MetaFrame, Sample } from "../../lib/frames";
import { fitContain, type Size } from "../../lib/geometry";
import { wallTime } from "../../lib/mediaclock";
import type { Camera } from "../../state/cameras";
import { layers } from "../../state/layers";
import { shapesOf } from "../../state/shapes";
import { useSeen } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { paint } from "./painter";
import { useMetadata, type Metadata } from "./usemetadata";

const LINGER_MS = 8_000;
const TRAIL_MS = 1_800;
const COUNT_EVERY_MS = 250;
const COMPACT_BELOW = 460;
const DEFAULT_HALF_FRAME_MS = 17;

export interface PictureProps {
  readonly camera: Camera;
  /** What is on screen right now; at most four times a second. */
  readonly onFrame?: (frame: MetaFrame | null) => void;
  /** Hides the overlay, for an editor that draws its own. */
  readonly bare?: boolean;
  readonly children?: preact.ComponentChildren;
}

/** Where the video's own pixels are, in order of trust. */
function sourceSize(frame: MetaFrame | null, video: HTMLVideoElement, camera: Camera): Size {
  if (frame && frame.width > 0 && frame.height > 0) return { width: frame.width, height: frame.height };
  if (video.videoWidth > 0) return { width: video.videoWidth, height: video.videoHeight };
  return camera.size ?? { width: 1920, height: 1080 };
}

class Renderer {
  private lastCapture = 0;
  private halfFrame = DEFAULT_HALF_FRAME_MS;
  private lastCount = 0;

  constructor(
    private readonly camera: Camera,
    private readonly video: HTMLVideoElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly session: () => LiveSession | null,
    private readonly metadata: Metadata,
    private readonly onFrame: RefObject<PictureProps["onFrame"]>,
  ) {}

  /** Called for each picture the compositor shows. */
  presented(rtpTimestamp: number | undefined): void {
    const session = this.session();
    session?.sawPicture();
    const clock = session?.clock;
    if (!clock || rtpTimestamp === undefined) return this.draw(this.metadata.frames.latest(Date.now()));
    const capture = wallTime(clock, rtpTimestamp);
    const step = capture - this.lastCapture;
    if (step > 5 && step < 250) this.halfFrame += 0.1 * (step / 2 - this.halfFrame);
    this.lastCapture = capture;
    this.metadata.pacing.picture(capture);
    session.hold(this.metadata.pacing.target());
    this.draw(this.metadata.frames.sample(capture, this.halfFrame));
  }

  draw(sample: Sample | null): void {
    const { canvas, video } = this;
    const ctx = canvas.getContext("2d");
    if (!ctx) return;
    const view = { width: canvas.clientWidth, height: canvas.clientHeight };
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, view.width, view.height);
    const frame = sample?.frame ?? null;
    paint(ctx, {
      fit: fitContain(sourceSize(frame, video, this.camera), view),
      frame,
      trails: frame ? this.metadata.frames.trails(frame, TRAIL_MS) : new Map(),
      shapes: shapesOf(this.camera.name).peek(),
      layers: layers.peek(),
      compact: view.width < COMPACT_BELOW,
      now: Date.now(),
    });
    // For tests in a browser: how the boxes were found, and the capture instant they belong to.
    canvas.dataset.match = sample?.match ?? "none";
    canvas.dataset.at = String(frame?.at ?? "");
    this.tell(frame);
  }

  private tell(frame: MetaFrame | null): void {
    const now = performance.now();
    if (now - this.lastCount < COUNT_EVERY_MS) return;
    this.lastCount = now;
    this.onFrame.current?.(frame);
  }
}

/** Follows presented frames; where the browser cannot, follows the screen and draws the newest. */
function followFrames(video: HTMLVideoElement, each: (rtp: number | undefined) => void): () => void {
  let stopped = false;
  if (!("requestVideoFrameCallback" in video)) {
    const timer = setInterval(() => each(undefined), 66);
    return () => clearInterval(timer);
  }
  const step = (_now: number, metadata: VideoFrameCallbackMetadata): void => {
    if (stopped) return;
    each(metadata.rtpTimestamp);
    video.requestVideoFrameCallback(step);
  };
  video.requestVideoFrameCallback(step);
  return () => (stopped = true);
}

export function Picture({ camera, onFrame, bare = false, children }: PictureProps) {
  const box = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const session = useRef<LiveSession | null>(null);
  const callback = useRef(onFrame);
  callback.current = onFrame;
  const [state, setState] = useState<LiveState>({ kind: "connecting" });
  const [started, setStarted] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const active = useSeen(box, LINGER_MS) && camera.online;
  const metadata = useMetadata(camera.name, active);

  useEffect(() => {
    const element = video.current;
    const overlay = canvas.current;
    if (!active || !element || !overlay) return;
    const live = new LiveSession(camera.streamId, {
      state: setState,
      stream: (stream) => {
        element.srcObject = stream;
        if (!stream) setStarted(false);
        // Muted video may always start; a refusal only means that the page was left meanwhile.
        else element.play().catch(() => undefined);
      },
    });
    session.current = live;
    const renderer = new Renderer(camera, element, overlay, () => session.current, metadata, callback);
    const stop = followFrames(element, (rtp) => {
      setStarted(true);
      renderer.presented(rtp);
    });
    const leave = (): void => live.close();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      stop();
      live.close();
      session.current = null;
      setState({ kind: "connecting" });
      callback.current?.(null);
    };
  }, [active, camera.streamId, camera.name, metadata, attempt]);

  return (
    <div ref={box} class="picture" data-state={camera.online ? state.kind : "offline"} data-started={started}>
      <video ref={video} class="picture__video" muted autoplay playsinline disablepictureinpicture aria-label={`Live picture of ${camera.name}`} />
      <canvas ref={canvas} class="picture__overlay" aria-hidden="true" hidden={bare} />
      <Veil camera={camera} state={state} started={started} onRetry={() => setAttempt((n) => n + 1)} />
      {children}
    </div>
  );
}

function Veil({ camera, state, started, onRetry }: { camera: Camera; state: LiveState; started: boolean; onRetry: () => void }) {
  if (!camera.online) {
    return (
      <div class="veil veil--solid">
        <Icon name="cameras" size={28} />
        <strong>Offline</strong>
        <span>{camera.reason}</span>
      </div>
    );
  }
  if (state.kind === "failed") {
    return (
      <div class="veil veil--solid" role="alert">
        <Icon name="warning" size={28} />
        <strong>No live picture</strong>
        <span>{state.reason}</span>
        <button type="button" class="button veil__button" onClick={onRetry}>Try again</button>
      </div>
    );
  }
  if (state.kind === "reconnecting") {
    return (
      <div class="veil" role="status">
        <span class="spinner" aria-hidden="true" />
        <strong>Reconnecting</strong>
        <span>{state.reason}</span>
      </div>
    );
  }
  if (started) return null;
  return (
    <div class="veil veil--solid veil--waiting" role="status">
      <span class="spinner" aria-hidden="true" />
      <span class="visually-hidden">Connecting to {camera.name}</span>
    </div>
  );
}
