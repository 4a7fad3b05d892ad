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
import { render } from "preact";
import { App } from "./app";
import { startRouter } from "./state/router";
import { openSession } from "./state/session";

const root = document.getElementById("app");
if (root) render(<App />, root);
startRouter();
void openSession();
