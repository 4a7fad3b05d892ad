/** Everything about one camera that one sets once: what it is, when it is recorded, its picture, its upkeep. */

import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { info as askInfo, network as askNetwork, saveInfo } from "../../api/devices";
import type { SensorInfo, StreamInfo } from "../../api/types";
import { camerasState, describe, refreshCameras, type Camera } from "../../state/cameras";
import { cameraPath } from "../../state/router";
import { mayConfigure } from "../../state/session";
import { useAsked } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Dialog, Empty, Field, HealthLamp, Notice, SubmitButton } from "../../ui/parts";
import { toast } from "../../ui/toast";
import { RecordingPanel } from "./recordingpanel";
import { SettingsPanel } from "./settingspanel";
import { UpkeepPanel } from "./upkeep";

const INFO_EVERY_MS = 15_000;

export function SetupPage({ sensorId }: { sensorId: string }) {
  const { cameras, loaded } = camerasState.value;
  const camera = cameras.find((candidate) => candidate.sensorId === sensorId);
  if (camera) return <Setup key={camera.sensorId} camera={camera} />;
  if (!loaded) return <div class="skeleton skeleton--chart" />;
  return <Empty icon="cameras" title="No such camera" alone action={<a class="button" href="/cameras">All cameras</a>}>It may have been removed.</Empty>;
}

/** The main stream first; a camera that tells none is recorded under its own id. */
function streamsOf(camera: Camera): StreamInfo[] {
  const known = [...camera.streams].sort((a, b) => Number(b.isMain ?? false) - Number(a.isMain ?? false));
  return known.length > 0 ? known : [{ streamId: camera.streamId, isMain: true }];
}

function streamTitle(stream: StreamInfo, alone: boolean): string {
  if (alone) return "Recording";
  return stream.isMain ? "Recording, main stream" : "Recording, sub stream";
}

function Setup({ camera }: { camera: Camera }) {
  const info = useAsked(() => askInfo(camera.sensorId), INFO_EVERY_MS, camera.sensorId);
  const [naming, setNaming] = useState(false);
  const streams = streamsOf(camera);
  return (
    <div class="narrow setup">
      <header class="page-head">
        <div class="camera__title coverage__title">
          <a class="button button--quiet button--icon" href="/cameras" aria-label="Back to all cameras"><Icon name="back" /></a>
          <h1>{camera.name}</h1>
        </div>
        <div class="coverage__tools">
          <a class="button" href={cameraPath(camera.sensorId)}><Icon name="live" />Watch</a>
          {mayConfigure.value && <button type="button" class="button" onClick={() => setNaming(true)}><Icon name="draw" />Describe</button>}
        </div>
      </header>
      <Health camera={camera} />
      <Device camera={camera} info={info.value} error={info.error} />
      <Streams streams={streams} />
      {streams.map((stream) => <RecordingPanel key={stream.streamId} streamId={stream.streamId} title={streamTitle(stream, streams.length === 1)} />)}
      {camera.online && camera.device && <SettingsPanel sensorId={camera.sensorId} streams={streams} />}
      {mayConfigure.value && <UpkeepPanel camera={camera} />}
      {naming && info.value && <DescribeDialog info={info.value} onClose={() => setNaming(false)} onSaved={info.again} />}
    </div>
  );
}

function Health({ camera }: { camera: Camera }) {
  if (!camera.online) return <Notice error>{camera.reason}</Notice>;
  return <p class="setup__health"><HealthLamp camera={camera} /></p>;
}

const FACTS: readonly (readonly [keyof SensorInfo, string])[] = [
  ["manufacturer", "Manufacturer"],
  ["hardware", "Model"],
  ["firmwareVersion", "Firmware"],
  ["serialNumber", "Serial number"],
  ["sensorIp", "Address"],
  ["location", "Place"],
  ["tags", "Tags"],
];
const KINDS: Readonly<Record<string, string>> = { sensor_onvif: "ONVIF", sensor_rtsp: "RTSP address", sensor_file: "Uploaded file", sensor_streamer: "Stream" };

function Device({ camera, info, error }: { camera: Camera; info: SensorInfo | undefined; error: string | null }) {
  const { sensorId } = camera;
  const reachable = camera.device && camera.online;
  const network = useAsked(() => (reachable ? askNetwork(sensorId) : Promise.resolve(null)), 0, sensorId, reachable);
  const facts = info ? FACTS.map(([key, label]) => [label, String(info[key] ?? "")] as const).filter(([, value]) => value !== "") : [];
  const dhcp = network.value?.dhcpV4;
  return (
    <section class="panel" aria-label="Device">
      <div class="panel__head"><h2>Device</h2>{info?.type && <p>{KINDS[info.type] ?? info.type.replace(/^sensor_/, "")}</p>}</div>
      <div class="panel__body">
        {error && <Notice error>{error}</Notice>}
        <dl class="facts">
          {facts.map(([label, value]) => <div key={label}><dt>{label}</dt><dd>{value}</dd></div>)}
          {network.value?.ipAddressV4 && <div><dt>Network</dt><dd class="reading">{network.value.ipAddressV4}{network.value.subnetMaskV4 && ` / ${network.value.subnetMaskV4}`}{dhcp && (/^(true|on)$/i.test(dhcp) ? ", by DHCP" : ", fixed")}</dd></div>}
          <div><dt>Id</dt><dd class="reading">{sensorId}</dd></div>
        </dl>
        {info && facts.length === 0 && <p class="muted">The camera has told nothing about itself; one added by its RTSP address cannot.</p>}
      </div>
    </section>
  );
}

function Streams({ streams }: { streams: readonly StreamInfo[] }) {
  return (
    <section class="panel" aria-label="Streams">
      <div class="panel__head"><h2>Streams</h2></div>
      <ul class="streams">
        {streams.map((stream) => (
          <li key={stream.streamId}>
            <span class="tag">{stream.isMain ? "main" : "sub"}</span>
            <span class="row__text">
              <strong>{describe(stream) || "Not seen yet"}</strong>
              {stream.url && <span class="muted reading">{stream.url}</span>}
            </span>
            {stream.metadata?.bitrate && <span class="reading muted">{stream.metadata.bitrate} kbit/s</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function DescribeDialog({ info, onClose, onSaved }: { info: SensorInfo; onClose: () => void; onSaved: () => void }) {
  const [name, setName] = useState(info.name);
  const [place, setPlace] = useState(info.location ?? "");
  const [tags, setTags] = useState(info.tags ?? "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function submit(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await saveInfo(info.sensorId, { name: name.trim(), location: place.trim(), tags: tags.trim() });
      await refreshCameras();
      toast("Saved");
      onSaved();
      onClose();
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  }

  return (
    <Dialog title="Describe the camera" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="Name" value={name} onInput={setName} required maxLength={64} autoFocus />
        <Field label="Place" value={place} onInput={setPlace} maxLength={128} placeholder="Hall 3, north wall" />
        <Field label="Tags" value={tags} onInput={setTags} maxLength={128} hint="Words separated by commas." />
        {error && <Notice error>{error}</Notice>}
        <SubmitButton busy={busy} busyLabel="Saving…">Save</SubmitButton>
      </form>
    </Dialog>
  );
}

