/** The last few alerts of one camera. */

import { alertsState, seenUntil } from "../../state/alerts";
import { useNow } from "../../ui/hooks";
import { AlertRow } from "./alertrow";

const SHOWN = 4;

export function RecentAlerts({ sensor }: { sensor: string }) {
  const now = useNow(10_000);
  const alerts = alertsState.value.alerts.filter((alert) => alert.sensorId === sensor).slice(0, SHOWN);
  return (
    <section class="panel recent" aria-label="Recent alerts">
      <div class="panel__head">
        <h2>Alerts</h2>
        <a class="button button--quiet" href="/alerts">All</a>
      </div>
      <div class="panel__body">
        {alerts.length === 0 ? (
          <p class="muted">None in the last 24 hours.</p>
        ) : (
          <ul class="alerts alerts--short">
            {alerts.map((alert) => (
              <AlertRow key={alert.id} alert={alert} now={now} showCamera={false} href={undefined} unseen={Date.parse(alert.startTimestamp) > seenUntil.value} />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
