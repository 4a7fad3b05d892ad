/** Pasted camera addresses often carry their password; it belongs in the password field instead. */

export interface AddressParts {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A lone % in a password: meant as it stands.
  }
}

/** rtsp://user:pass@host/path → the same without user and pass, and the two apart. */
export function splitCredentials(address: string): AddressParts {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)([^/]*)@([^@]*)$/i.exec(address);
  if (!match) return { url: address, username: "", password: "" };
  const [, scheme = "", credentials = "", rest = ""] = match;
  const colon = credentials.indexOf(":");
  const [user, secret] = colon < 0 ? [credentials, ""] : [credentials.slice(0, colon), credentials.slice(colon + 1)];
  return { url: scheme + rest, username: decode(user), password: decode(secret) };
}
