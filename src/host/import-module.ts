/**
 * Starts node's loader of ES modules. Apart from the rest of the host, which starts from what was compiled of it before: an
 * `import()` in that finds no loader.
 */
export function importModule(url: string): Promise<unknown> {
  return import(url);
}
