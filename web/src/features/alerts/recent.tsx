/** The last few alerts of one camera. */

import { useState } from "preact/hooks";
import { alertsState, seenUntil } from "../../state/alerts";
import { mayConfigure } from "../../state/session";
import { useNow } from "../../ui/hooks";
import { AlertRow } from "./alertrow";
import { RulesDialog } from "./rulesdialog";

const SHOWN = 4;

export function RecentAlerts({ sensor }: { sensor: string }) {
  const now = useNow(10_000);
  const [open, setOpen] = useState(false);
  const alerts = alertsState.value.alerts.filter((alert) => alert.sensorId === sensor).slice(0, SHOWN);
  return (
    <section class="panel recent" aria-label="Recent alerts">
      <div class="panel__head">
        <h2>Alerts</h2>
        {mayConfigure.value && (
          <button type="button" class="button button--quiet recent__rules" onClick={() => setOpen(true)}>Rules</button>
        )}
      </div>
      <div class="panel__body">
        {alerts.length === 0 ? (
          <p class="muted">None in the last 24 hours. Rules say what is worth an alert.</p>
        ) : (
          <ul class="alerts alerts--short">
            {alerts.map((alert) => (
              <AlertRow key={alert.id} alert={alert} now={now} showCamera={false} href={undefined} unseen={Date.parse(alert.startTimestamp) > seenUntil.value} />
            ))}
          </ul>
        )}
      </div>
      {open && <RulesDialog sensor={sensor} onClose={() => setOpen(false)} />}
    </section>
  );
}
