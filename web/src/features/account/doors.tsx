/** The pages before the app: set-up, sign-in, and the box not answering. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { openSession, setUp, signIn } from "../../state/session";
import { Mark } from "../../ui/mark";
import { Field, Notice, SubmitButton } from "../../ui/parts";

const LEAST_PASSWORD = 12;

function Door({ title, lead, children }: { title: string; lead: string; children: ComponentChildren }) {
  return (
    <main class="door">
      <div class="door__card">
        <div class="door__brand"><Mark size={36} /><span>Vedette</span></div>
        <div class="door__words">
          <h1>{title}</h1>
          <p class="muted">{lead}</p>
        </div>
        {children}
      </div>
      <Watch />
    </main>
  );
}

/** The mark's idea at full size: a field of view, swept. */
function Watch() {
  return (
    <svg class="door__watch" viewBox="0 0 800 900" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      {[170, 290, 410, 530, 650, 770].map((r) => <path key={r} d={arc(r)} class="door__arc" />)}
      <path d={`M400 860 ${edge(-1)}M400 860 ${edge(1)}`} class="door__edge" />
      <g class="door__tracks">
        <rect x="352" y="372" width="34" height="84" rx="4" />
        <rect x="470" y="300" width="26" height="66" rx="4" />
        <rect x="276" y="246" width="20" height="52" rx="4" />
      </g>
      <path d="M560 470C500 440 450 470 369 456M540 250C520 320 500 350 483 366M200 330C230 318 260 300 286 298" class="door__trail" />
      <circle cx="400" cy="860" r="9" class="door__post" />
    </svg>
  );
}

const HALF_ANGLE = 0.56;

function arc(radius: number): string {
  const dx = Math.sin(HALF_ANGLE) * radius;
  const y = 860 - Math.cos(HALF_ANGLE) * radius;
  return `M${400 - dx} ${y}A${radius} ${radius} 0 0 1 ${400 + dx} ${y}`;
}

function edge(side: -1 | 1): string {
  return `L${400 + side * Math.sin(HALF_ANGLE) * 830} ${860 - Math.cos(HALF_ANGLE) * 830}`;
}

function useSubmit(work: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    work()
      .catch((cause: unknown) => setError(messageOf(cause)))
      .finally(() => setBusy(false));
  };
  return { busy, error, onSubmit };
}

export function SetUpPage({ code: givenCode }: { code: string }) {
  const [code, setCode] = useState(givenCode);
  const [name, setName] = useState("admin");
  const [password, setPassword] = useState("");
  const { busy, error, onSubmit } = useSubmit(() => setUp({ code: code.trim(), name: name.trim(), password }));
  return (
    <Door title="Set up this box" lead="You become its administrator. There is no default password.">
      <form class="form" onSubmit={onSubmit}>
        <Field label="Set-up code" value={code} onInput={setCode} required hint={givenCode === "" ? "Shown where Vedette was started." : "Filled in from your link."} autoFocus={givenCode === ""} />
        <Field label="Your name" value={name} onInput={setName} required maxLength={64} autoComplete="username" />
        <Field label="Password" type="password" value={password} onInput={setPassword} required minLength={LEAST_PASSWORD} maxLength={256} autoComplete="new-password" hint={`At least ${LEAST_PASSWORD} characters. A short sentence works well.`} autoFocus={givenCode !== ""} />
        {error && <Notice error>{error}</Notice>}
        <SubmitButton busy={busy} busyLabel="Setting up…">Set up</SubmitButton>
      </form>
    </Door>
  );
}

export function SignInPage({ notice }: { notice: string | null }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, onSubmit } = useSubmit(() => signIn(name.trim(), password));
  return (
    <Door title="Sign in" lead="To the box on your network, and nowhere else.">
      <form class="form" onSubmit={onSubmit}>
        {notice && !error && <Notice>{notice}</Notice>}
        <Field label="Name" value={name} onInput={setName} required autoComplete="username" autoFocus />
        <Field label="Password" type="password" value={password} onInput={setPassword} required autoComplete="current-password" />
        {error && <Notice error>{error}</Notice>}
        <SubmitButton busy={busy} busyLabel="Signing in…">Sign in</SubmitButton>
      </form>
    </Door>
  );
}

export function UnreachablePage({ reason }: { reason: string }) {
  return (
    <Door title="No answer" lead={reason}>
      <button type="button" class="button button--primary button--wide" onClick={() => void openSession()}>Try again</button>
    </Door>
  );
}
