import { installFetch, MockSocket } from "./box";

installFetch();
const RealSocket = window.WebSocket;
window.WebSocket = new Proxy(RealSocket, {
  construct: (target, [url, protocols]: [string, string[]]) =>
    String(url).includes("/ws-emdx/") ? (new MockSocket(String(url)) as unknown as WebSocket) : new target(url, protocols),
});
await import("../src/main");
