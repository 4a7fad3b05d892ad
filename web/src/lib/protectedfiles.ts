/** Protected files as people see them: one line a camera and folder, not one a segment. */

export interface ProtectedGroup {
  readonly key: string;
  readonly streamId: string;
  readonly detail: string;
  readonly files: readonly string[];
}

/** "…/plaza/2026/01/31/x.mp4" belongs to the stream that its path names; a bare name stands for itself. */
export function groupProtected(paths: readonly string[]): ProtectedGroup[] {
  const groups = new Map<string, { streamId: string; files: string[] }>();
  for (const path of paths) {
    const parts = path.split("/").filter((part) => part !== "");
    const folder = parts.slice(0, -1).join("/");
    const streamId = parts.length > 1 ? (parts.at(-2) ?? "") : "";
    const group = groups.get(folder) ?? { streamId, files: [] };
    group.files.push(path);
    groups.set(folder, group);
  }
  return [...groups].map(([folder, { streamId, files }]) => {
    const names = files.map((file) => file.split("/").at(-1) ?? file).sort();
    const [first = "", last = ""] = [names[0], names.at(-1)];
    return { key: folder || first, streamId, detail: first === last ? first : `${first} … ${last}`, files };
  });
}
