/** All cameras at once: what of the last days is there, and what is not. */

import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { coverage } from "../../api/recording";
import { recordedShare, secondsIn, STATES, type Coverage, type CoverageState } from "../../lib/coverage";
import { percent, plural } from "../../lib/format";
import type { Span } from "../../lib/timeline";
import { camerasState, type Camera } from "../../state/cameras";
import { coveragePath } from "../../state/router";
import { useInterval } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Empty, Notice, Segments } from "../../ui/parts";
import { Axis } from "./axis";
import { CoverageStrip, Legend } from "./strip";

const DAY_MS = 86_400_000;
const LENGTHS = [
  { value: 1, label: "24 h" },
  { value: 7, label: "7 days" },
  { value: 30, label: "30 days" },
] as const;
const REFRESH_MS = 60_000;
/** Asked at a time, so that the page does not crowd out live pictures. */
const AT_ONCE = 4;

type Answer = { readonly coverage: Coverage } | { readonly error: string } | "missing";
type Answers = Readonly<Record<string, Answer>>;

async function ask(camera: Camera, window: Span, signal: AbortSignal): Promise<Answer> {
  try {
    const found = await coverage(camera.streamId, window, signal);
    return found ? { coverage: found } : "missing";
  } catch (cause) {
    return { error: messageOf(cause) };
  }
}

async function askAll(cameras: readonly Camera[], window: Span, signal: AbortSignal, tell: (id: string, answer: Answer) => void): Promise<void> {
  const waiting = [...cameras];
  const worker = async (): Promise<void> => {
    for (let camera = waiting.shift(); camera && !signal.aborted; camera = waiting.shift()) {
      const answer = await ask(camera, window, signal);
      if (!signal.aborted) tell(camera.sensorId, answer);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function useAnswers(cameras: readonly Camera[], days: number): { answers: Answers; window: Span } {
  const [now, setNow] = useState(Date.now);
  const [answers, setAnswers] = useState<Answers>({});
  useInterval(() => setNow(Date.now()), REFRESH_MS, days);
  const window = { start: now - days * DAY_MS, end: now };
  const ids = cameras.map(({ streamId }) => streamId).join();
  useEffect(() => setAnswers({}), [days]);
  useEffect(() => {
    const abort = new AbortController();
    void askAll(cameras, window, abort.signal, (id, answer) => setAnswers((old) => ({ ...old, [id]: answer })));
    return () => abort.abort();
  }, [ids, now, days]);
  return { answers, window };
}

function total(answers: Answers): Record<CoverageState, number> {
  const sum = secondsIn([], { start: 0, end: 0 });
  for (const answer of Object.values(answers)) {
    if (answer !== "missing" && "coverage" in answer) for (const state of STATES) sum[state] += answer.coverage.seconds[state];
  }
  return sum;
}

export function CoveragePage() {
  const { cameras, loaded, error } = camerasState.value;
  const [days, setDays] = useState<number>(7);
  const { answers, window } = useAnswers(cameras, days);
  const known = Object.values(answers);
  const unavailable = known.length > 0 && known.every((answer) => answer === "missing");
  const seconds = total(answers);
  const share = recordedShare(seconds);
  return (
    <div class="coverage">
      <header class="page-head">
        <div>
          <h1>Coverage</h1>
          <p class="muted">For every second of every camera: recorded, or why not.</p>
        </div>
        <Segments label="How far back" options={LENGTHS} value={days} onPick={setDays} />
      </header>
      {error && <Notice error>{error}</Notice>}
      {loaded && cameras.length === 0 && (
        <Empty icon="coverage" title="Nothing to account for yet" action={<a class="button" href="/cameras">Add a camera</a>}>
          From a camera's first second on, this page knows what was recorded and what was not.
        </Empty>
      )}
      {unavailable && <Notice>This box keeps no coverage ledger yet. It comes with the next version of its recorder.</Notice>}
      {cameras.length > 0 && !unavailable && (
        <>
          <section class="panel covsum" aria-label="All cameras together">
            <p class="covsum__share">{share === null ? "–" : percent(share)}</p>
            <p>of what {plural(cameras.length, "camera")} should have recorded in the last {days === 1 ? "24 hours" : `${days} days`} was recorded.</p>
          </section>
          <section class="panel covrows" aria-label="By camera">
            <ul>
              {cameras.map((camera) => <Row key={camera.sensorId} camera={camera} window={window} answer={answers[camera.sensorId]} />)}
            </ul>
            <div class="covrow covrow--axis"><span /><Axis window={window} most={days === 30 ? 6 : 8} /><span /></div>
          </section>
          <Legend seconds={seconds} />
        </>
      )}
    </div>
  );
}

function Row({ camera, window, answer }: { camera: Camera; window: Span; answer: Answer | undefined }) {
  if (answer === "missing") return null;
  const found = answer && "coverage" in answer ? answer.coverage : null;
  const share = found && recordedShare(found.seconds);
  return (
    <li>
      <a class="covrow" href={coveragePath(camera.sensorId)}>
        <span class="covrow__name">{camera.name}</span>
        {found && <CoverageStrip name={camera.name} stretches={found.stretches} window={window} />}
        {!answer && <span class="skeleton cov__waiting" />}
        {answer && "error" in answer && <span class="covrow__error">{answer.error}</span>}
        <span class="covrow__share reading" data-full={share === 1}>{share === null ? "–" : percent(share)}<Icon name="next" size={16} /></span>
      </a>
    </li>
  );
}
