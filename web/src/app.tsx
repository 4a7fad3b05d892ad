/** The frame around the pages: who may see what, and the way between them. */

import { Component, type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "./api/client";
import type { Me } from "./api/types";
import { AlertsPage } from "./features/alerts/alertspage";
import { SetUpPage, SignInPage, UnreachablePage } from "./features/account/doors";
import { CameraPage } from "./features/camera/camerapage";
import { CamerasPage } from "./features/cameras/cameraspage";
import { SetupPage } from "./features/cameras/setuppage";
import { CameraCoveragePage } from "./features/coverage/camerapage";
import { CoveragePage } from "./features/coverage/overview";
import { LivePage } from "./features/live/livepage";
import { StoragePage } from "./features/storage/storagepage";
import { refreshAlerts, unseenCount } from "./state/alerts";
import { camerasState, refreshCameras } from "./state/cameras";
import { route, type Route } from "./state/router";
import { session, signOut } from "./state/session";
import { useInterval } from "./ui/hooks";
import { Icon, type IconName } from "./ui/icon";
import { Mark } from "./ui/mark";
import { Dialog, Empty } from "./ui/parts";
import { toast, Toasts } from "./ui/toast";

const CAMERAS_EVERY_MS = 4_000;
const ALERTS_EVERY_MS = 15_000;

export function App() {
  const state = session.value;
  switch (state.kind) {
    case "asking":
      return <div class="boot" role="status"><Mark size={44} /><span class="visually-hidden">Opening Vedette</span></div>;
    case "unreachable":
      return <UnreachablePage reason={state.reason} />;
    case "setup":
      return <SetUpPage code={state.code} />;
    case "signedOut":
      return <SignInPage notice={state.notice} />;
    case "signedIn":
      return <Shell me={state.me} />;
  }
}

function Page({ at }: { at: Route }) {
  switch (at.page) {
    case "live":
      return <LivePage />;
    case "camera":
      return <CameraPage sensorId={at.sensorId} />;
    case "cameras":
      return <CamerasPage />;
    case "camerasetup":
      return <SetupPage sensorId={at.sensorId} />;
    case "alerts":
      return <AlertsPage />;
    case "coverage":
      return <CoveragePage />;
    case "cameracoverage":
      return <CameraCoveragePage sensorId={at.sensorId} />;
    case "storage":
      return <StoragePage />;
    case "missing":
      return <Empty icon="cameras" title="Nothing here" alone action={<a class="button" href="/">Back to live</a>}>This address leads nowhere.</Empty>;
  }
}

/** A page that fails says so; the way to the other pages stays. */
class PageBoundary extends Component<{ children: ComponentChildren }, { failure: string | null }> {
  override state = { failure: null as string | null };

  static override getDerivedStateFromError(cause: unknown): { failure: string } {
    return { failure: messageOf(cause) };
  }

  override render() {
    if (this.state.failure === null) return this.props.children;
    return (
      <Empty icon="warning" title="This page failed" alone action={<button type="button" class="button" onClick={() => location.reload()}>Load it again</button>}>
        {this.state.failure}
      </Empty>
    );
  }
}

const TITLES: Readonly<Record<Route["page"], string>> = {
  live: "Live",
  camera: "Camera",
  cameras: "Cameras",
  camerasetup: "Camera set-up",
  alerts: "Alerts",
  coverage: "Coverage",
  cameracoverage: "Coverage",
  storage: "Storage",
  missing: "Not found",
};

function Shell({ me }: { me: Me }) {
  const at = route.value;
  const names = camerasState.value.cameras.map((camera) => camera.name).join("\n");
  useInterval(() => void refreshCameras(), CAMERAS_EVERY_MS);
  useInterval(() => {
    if (camerasState.peek().loaded) void refreshAlerts(camerasState.peek().cameras.map((camera) => camera.name));
  }, ALERTS_EVERY_MS, names, camerasState.value.loaded);
  useEffect(() => {
    document.title = `${TITLES[at.page]} · Vedette`;
  }, [at.page]);
  return (
    <div class="shell">
      <a class="skip" href="#content">Skip to content</a>
      <Navigation at={at} me={me} />
      <main id="content" class="content" tabIndex={-1}>
        <PageBoundary key={location.pathname}>
          <Page at={at} />
        </PageBoundary>
      </main>
      <Toasts />
    </div>
  );
}

function NavLink({ href, icon, label, current, badge = 0 }: {
  href: string;
  icon: IconName;
  label: string;
  current: boolean;
  badge?: number;
}) {
  return (
    <a class="nav__link" href={href} aria-current={current ? "page" : undefined}>
      <span class="nav__icon">
        <Icon name={icon} size={22} />
        {badge > 0 && <span class="nav__badge reading">{badge > 99 ? "99+" : badge}<span class="visually-hidden"> new</span></span>}
      </span>
      {label}
    </a>
  );
}

function Navigation({ at, me }: { at: Route; me: Me }) {
  const [open, setOpen] = useState(false);
  return (
    <nav class="nav" aria-label="Main">
      <a class="nav__brand" href="/" aria-label="Vedette, live"><Mark size={30} /></a>
      <NavLink href="/" icon="live" label="Live" current={at.page === "live" || at.page === "camera"} />
      <NavLink href="/alerts" icon="alerts" label="Alerts" current={at.page === "alerts"} badge={unseenCount.value} />
      <NavLink href="/cameras" icon="cameras" label="Cameras" current={at.page === "cameras" || at.page === "camerasetup"} />
      <NavLink href="/coverage" icon="coverage" label="Coverage" current={at.page === "coverage" || at.page === "cameracoverage"} />
      <NavLink href="/storage" icon="storage" label="Storage" current={at.page === "storage"} />
      <button type="button" class="nav__link nav__account" onClick={() => setOpen(true)} aria-haspopup="dialog">
        <span class="nav__icon"><Icon name="person" size={22} /></span>
        Account
      </button>
      {open && (
        <Dialog title={me.name} onClose={() => setOpen(false)}>
          <p>Signed in as {me.role}.</p>
          <div class="dialog__actions">
            <button type="button" class="button" onClick={() => signOut().catch((cause: unknown) => toast(messageOf(cause)))}><Icon name="signOut" />Sign out</button>
          </div>
        </Dialog>
      )}
    </nav>
  );
}
