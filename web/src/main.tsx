import "@fontsource-variable/instrument-sans";
import "@fontsource-variable/geist-mono";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";
import "./styles/live.css";
import "./styles/camera.css";
import "./styles/lists.css";
import "./styles/coverage.css";
import "./styles/storage.css";
import "./styles/devices.css";
import { render } from "preact";
import { App } from "./app";
import { readFragment } from "./lib/fragment";
import { startRouter } from "./state/router";
import { openSession } from "./state/session";

const root = document.getElementById("app");
if (root) render(<App />, root);
startRouter();
void openSession();
// A set-up or sign-in link opened in this very tab changes nothing but the fragment.
addEventListener("hashchange", () => {
  const { code, ticket } = readFragment(location.hash);
  if (code !== null || ticket !== null) void openSession();
});
