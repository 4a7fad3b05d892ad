/** Everything the box raised in the last day, newest first. */

import { useEffect, useState } from "preact/hooks";
import { watchSensor } from "../../api/feed";
import type { AlertItem } from "../../api/types";
import { dayHeading } from "../../lib/format";
import { addAlert, alertsState, markSeen, refreshAlerts, seenUntil } from "../../state/alerts";
import { camerasState } from "../../state/cameras";
import { cameraPath } from "../../state/router";
import { useNow } from "../../ui/hooks";
import { Empty, Notice } from "../../ui/parts";
import { AlertRow } from "./alertrow";

const SEEN_AFTER_MS = 3_000;

function byDay(alerts: readonly AlertItem[], now: number): [string, AlertItem[]][] {
  const days = new Map<string, AlertItem[]>();
  for (const alert of alerts) {
    const day = dayHeading(Date.parse(alert.startTimestamp), now);
    days.set(day, [...(days.get(day) ?? []), alert]);
  }
  return [...days];
}

export function AlertsPage() {
  const { alerts, loaded, error } = alertsState.value;
  const { cameras } = camerasState.value;
  const [sensor, setSensor] = useState("");
  const now = useNow(10_000);
  const shown = sensor === "" ? alerts : alerts.filter((alert) => alert.sensorId === sensor);
  useEffect(() => {
    const timer = setTimeout(markSeen, SEEN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [alerts]);
  const names = cameras.map((camera) => camera.name).join("\n");
  useEffect(() => {
    const stops = names.split("\n").filter((name) => name !== "").map((name) =>
      watchSensor(name, (message) => {
        if (message.kind === "alert") addAlert(message.alert);
      }),
    );
    return () => stops.forEach((stop) => stop());
  }, [names]);
  const pathOf = (name: string): string | undefined => {
    const camera = cameras.find((candidate) => candidate.name === name);
    return camera && cameraPath(camera.sensorId);
  };

  return (
    <div class="narrow">
      <header class="page-head">
        <div>
          <h1>Alerts</h1>
          <p class="muted">The last 24 hours</p>
        </div>
        {cameras.length > 1 && (
          <div class="field field--inline">
            <label class="visually-hidden" for="alerts-camera">Camera</label>
            <select id="alerts-camera" value={sensor} onChange={(event) => setSensor(event.currentTarget.value)}>
              <option value="">All cameras</option>
              {cameras.map((camera) => <option key={camera.sensorId} value={camera.name}>{camera.name}</option>)}
            </select>
          </div>
        )}
      </header>
      {error && (
        <Notice error action={<button type="button" class="button button--quiet" onClick={() => void refreshAlerts(cameras.map((camera) => camera.name))}>Try again</button>}>
          {error}
        </Notice>
      )}
      {!loaded && !error && [0, 1, 2].map((i) => <div key={i} class="skeleton skeleton--row" />)}
      {loaded && shown.length === 0 && (
        <Empty icon="alerts" title="All quiet">Nothing was raised in the last 24 hours. New alerts appear here by themselves.</Empty>
      )}
      {byDay(shown, now).map(([day, items]) => (
        <section key={day} aria-label={day}>
          <h2 class="day">{day}</h2>
          <ul class="alerts panel">
            {items.map((alert) => (
              <AlertRow key={alert.id} alert={alert} now={now} showCamera href={pathOf(alert.sensorId)} unseen={Date.parse(alert.startTimestamp) > seenUntil.value} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
