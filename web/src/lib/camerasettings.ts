/** A camera's own settings as a form: what it offers, in the contract's keys, and what of it was changed. */

export interface RangeSetting {
  readonly Value: string;
  readonly Min: string;
  readonly Max: string;
}

export interface EnumSetting {
  readonly Value: string;
  readonly AllowedValues: readonly string[];
}

export interface PictureSize {
  readonly Width: string;
  readonly Height: string;
}

export interface ResolutionSetting {
  readonly Value: PictureSize;
  readonly AllowedValues: readonly PictureSize[];
}

export type Setting = RangeSetting | EnumSetting | ResolutionSetting;

export interface EncodeSettings {
  readonly Encoding?: EnumSetting;
  readonly Options?: readonly Readonly<Record<string, Readonly<Record<string, Setting>>>>[];
}

export interface StreamSettings {
  readonly Encode?: EncodeSettings;
  readonly Image?: Readonly<Record<string, Setting>>;
}

export type Part = "Encode" | "Image";

export interface SettingField {
  readonly part: Part;
  readonly key: string;
  readonly label: string;
  readonly value: string;
  readonly range: { readonly min: number; readonly max: number; readonly step: number } | null;
  /** Empty for a number. */
  readonly choices: readonly string[];
}

const LABELS: Readonly<Record<string, string>> = {
  Encoding: "Codec",
  FrameRate: "Frames per second",
  GovLength: "Keyframe every … frames",
  Bitrate: "Bit rate (kbit/s)",
  Profiles: "Profile",
  ColorSaturation: "Saturation",
  IrCutFilterMode: "Infrared filter",
  WideDynamicRangeMode: "Wide dynamic range",
  WideDynamicRangeLevel: "Wide dynamic range level",
  BacklightCompensationMode: "Backlight compensation",
  BacklightCompensationLevel: "Backlight compensation level",
  WhiteBalanceYbGain: "White balance blue gain",
  WhiteBalanceYrGain: "White balance red gain",
};

export function settingLabel(key: string): string {
  return LABELS[key] ?? key.replace(/(?<=[a-z])(?=[A-Z])/g, " ").replace(/(?<= )[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
}

function sizeText({ Width, Height }: PictureSize): string {
  return `${Width}x${Height}`;
}

function isSize(value: unknown): value is PictureSize {
  return typeof value === "object" && value !== null && "Width" in value && "Height" in value;
}

function field(part: Part, key: string, setting: Setting): SettingField | null {
  const base = { part, key, label: settingLabel(key), range: null, choices: [] };
  if ("AllowedValues" in setting) {
    if (setting.AllowedValues.length === 0) return null;
    const choices = setting.AllowedValues.map((value) => (isSize(value) ? sizeText(value) : String(value)));
    const value = isSize(setting.Value) ? sizeText(setting.Value) : String(setting.Value);
    return { ...base, value, choices: choices.includes(value) ? choices : [value, ...choices] };
  }
  const [min, max, value] = [Number(setting.Min), Number(setting.Max), Number(setting.Value)];
  if (![min, max, value].every(Number.isFinite) || max <= min) return null;
  const whole = [min, max, value].every(Number.isInteger) && max - min > 2;
  return { ...base, value: String(setting.Value), range: { min, max, step: whole ? 1 : (max - min) / 100 } };
}

/** Fields in the order the camera tells them; what it offers no choice of is left out. `encoding`: the codec chosen. */
export function settingFields(settings: StreamSettings, encoding: string): SettingField[] {
  const image = Object.entries(settings.Image ?? {}).map(([key, setting]) => field("Image", key, setting));
  const codec = settings.Encode?.Encoding ? field("Encode", "Encoding", settings.Encode.Encoding) : null;
  const options = settings.Encode?.Options?.flatMap((option) => Object.entries(option)) ?? [];
  const chosen = options.find(([name]) => name.toUpperCase() === encoding.toUpperCase())?.[1] ?? {};
  const encode = Object.entries(chosen).map(([key, setting]) => field("Encode", key, setting));
  return [codec, ...encode, ...image].filter((found) => found !== null);
}

export function encodingOf(settings: StreamSettings): string {
  return settings.Encode?.Encoding?.Value ?? "";
}

export type Edits = Readonly<Record<string, string>>;

export function editKey({ part, key }: Pick<SettingField, "part" | "key">): string {
  return `${part}.${key}`;
}

function wire({ key }: SettingField, value: string): string | PictureSize {
  const [width, height] = value.split("x");
  return key === "Resolution" && width && height ? { Width: width, Height: height } : value;
}

export type SettingsChange = Partial<Record<Part, Record<string, string | PictureSize>>>;

/** The body to send: what was changed and nothing else; null where nothing was. */
export function settingsChange(fields: readonly SettingField[], edits: Edits): SettingsChange | null {
  const change: SettingsChange = {};
  for (const one of fields) {
    const edited = edits[editKey(one)];
    if (edited === undefined || edited === one.value) continue;
    change[one.part] = { ...change[one.part], [one.key]: wire(one, edited) };
  }
  if (!change.Encode && !change.Image) return null;
  const codec = fields.find(({ part, key }) => part === "Encode" && key === "Encoding");
  // Encoder values only make sense with the codec they are for.
  if (change.Encode && codec) change.Encode = { Encoding: edits[editKey(codec)] ?? codec.value, ...change.Encode };
  return change;
}

/** settings come by stream (or token); this is the one of a stream, or the only one. */
export function settingsOf(reply: Readonly<Record<string, StreamSettings>> | null, streamId: string): StreamSettings | null {
  if (!reply) return null;
  const entries = Object.entries(reply);
  return reply[streamId] ?? (entries.length === 1 ? (entries[0]?.[1] ?? null) : null);
}
