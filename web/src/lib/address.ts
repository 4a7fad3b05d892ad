/** What was typed as a camera's address: an RTSP stream, or a device that tells its streams by itself (ONVIF). */

import { splitCredentials } from "./rtspurl";

export type Address =
  | { readonly kind: "stream"; readonly url: string; readonly username: string; readonly password: string }
  | { readonly kind: "device"; readonly host: string }
  | { readonly kind: "empty" };

export function readAddress(text: string): Address {
  const typed = text.trim();
  if (typed === "") return { kind: "empty" };
  // Other schemes are the box's to refuse, in its own words.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(typed) && !/^https?:/i.test(typed)) return { kind: "stream", ...splitCredentials(typed) };
  const host = typed.replace(/^https?:\/\//i, "").replace(/^[^/@]*@/, "").replace(/[/?#].*$/, "");
  return { kind: "device", host };
}
