import type { AlertItem } from "../../api/types";
import { alertTitle, isOpen } from "../../lib/alerttext";
import { age, clockTime, duration } from "../../lib/format";

export function AlertRow({ alert, now, showCamera, unseen, href }: {
  alert: AlertItem;
  now: number;
  showCamera: boolean;
  unseen: boolean;
  href: string | undefined;
}) {
  const start = Date.parse(alert.startTimestamp);
  const end = alert.endTimestamp ? Date.parse(alert.endTimestamp) : NaN;
  const lasted = isOpen(alert) ? "going on" : end - start < 1_000 ? "" : `lasted ${duration(end - start)}`;
  const about = [showCamera ? alert.sensorId : "", lasted].filter((part) => part !== "").join(" · ");
  const body = (
    <>
      <span class="alert__dot" data-unseen={unseen}>{unseen && <span class="visually-hidden">New</span>}</span>
      <span class="alert__text">
        <span class="alert__title">{alertTitle(alert)}</span>
        <span class="muted">{about}</span>
      </span>
      <span class="alert__when">
        <time class="reading" dateTime={alert.startTimestamp}>{clockTime(start)}</time>
        <span class="muted">{age(start, now)}</span>
      </span>
    </>
  );
  return <li>{href ? <a class="alert" href={href}>{body}</a> : <div class="alert">{body}</div>}</li>;
}
