/** The sha256 of files, by path. */
export type FileHashes = Readonly<Record<string, string>>;

/** The files that came, went or were changed. */
export function changedFiles(before: FileHashes, now: FileHashes): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (path) => before[path] !== now[path],
  );
}
