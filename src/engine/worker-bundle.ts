import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Esbuild from 'esbuild';
import type { BuildFailure, BuildResult, Loader, OnResolveArgs, Plugin, PluginBuild } from 'esbuild';
import { FanfoldError, messageOf } from '../errors.js';
import { sha256 } from '../sha256.js';
import type { ModuleReference } from './worker-reference.js';

/** A worker and the user's files that it imports, as one module that plain node runs; of a command, its files alone. */
export interface WorkerBundle {
  /** Undefined for a command, which runs where it is. */
  readonly code: string | undefined;
  /** The same as CommonJS, where that can be: every process loads it five milliseconds sooner. */
  readonly commonJs?: string;
  /** sha256 of every source file of the user's, by path relative to the worker's folder. */
  readonly files: Readonly<Record<string, string>>;
  /** Names that the module exports; a CommonJS module shows only `default`. */
  readonly exports: readonly string[];
}

/**
 * Bundles a worker once, so that its processes start without a TypeScript compiler and read one file.
 *
 * Only the user's own files are taken in; packages are imported from where they are installed. Each file keeps its own
 * `import.meta.url`, so that data beside it are found.
 * @throws FanfoldError where the worker or what it imports has an error, with its place
 */
export async function bundleWorker({ file }: Pick<ModuleReference, 'file'>): Promise<WorkerBundle> {
  // esbuild's own service process is started here and stopped below: it must not outlive the command.
  // Required, not imported: an import would first scan its large file for the names that it exports.
  const { build, transform, stop } = createRequire(import.meta.url)('esbuild') as typeof Esbuild;
  bundling++;
  try {
    const result = await build({
      entryPoints: [ENTRY],
      absWorkingDir: dirname(file),
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: false,
      // Stacks then name the user's files, not places beside the bundle.
      sourceRoot: `${pathToFileURL(dirname(file)).href}/`,
      logLevel: 'silent',
      plugins: [entry(file), otherRuns(file), installedPackages(dirname(file)), ownUrls(dirname(file))],
    });
    const bundle = describeBundle(result, file);
    const text = result.outputFiles[0]?.text ?? '';
    if (!mayBeCommonJs(result, text)) return bundle;
    return { ...bundle, commonJs: await transform(text, COMMON_JS).then(({ code }) => code) };
  } catch (error) {
    if (isBuildFailure(error)) throw bundleError(error, file);
    if (ENDED.test(messageOf(error))) throw endedError(file);
    throw error;
  } finally {
    bundling--;
    if (bundling === 0) await stop();
  }
}

// --- internal ---

/** Stands for the worker's path, of which esbuild would take a `*` for a pattern. */
const ENTRY = 'fanfold-worker';

/** What esbuild says where its process was ended: by Ctrl-C, which every process of a terminal gets, say. */
const ENDED = /^The service (?:was stopped|is no longer running)/;

function endedError(file: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_STOPPED',
    `The process that bundles the worker ${file} was ended from outside, before anything was computed. Give the same command again.`,
    { exitCode: 1 },
  );
}

/** How many workers are being bundled: all share esbuild's service. */
let bundling = 0;

const LOADERS: Record<string, Loader> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
};

/**
 * Taken into the bundle: most schemas need it, and as one file it loads twice as fast as from its hundred. A worker may
 * import it, and fanfold, although only fanfold has them installed.
 */
const INLINED_PACKAGE = 'zod';
const OWN_LIBRARY = fileURLToPath(new URL('index.js', import.meta.url));

function entry(file: string): Plugin {
  return {
    name: 'entry',
    setup: (build) => {
      build.onResolve({ filter: /^fanfold-worker$/ }, ({ kind }) =>
        kind === 'entry-point' ? { path: file } : undefined,
      );
    },
  };
}

/** An import of `./${name}.mjs` takes in every such file below the worker, and with them the bundles in run directories. */
function otherRuns(file: string): Plugin {
  return {
    name: 'other-runs',
    setup: (build) => {
      build.onLoad({ filter: /[\\/]worker\.mjs$/ }, ({ path }) =>
        isOfOtherRun(path, file) ? { contents: '', loader: 'js' } : undefined,
      );
    },
  };
}

/** True for the module that a run keeps of its worker, beside its manifest; not for the worker `file` itself. */
function isOfOtherRun(path: string, file: string): boolean {
  if (basename(path) !== 'worker.mjs' || path === file) return false;
  const manifest = join(dirname(path), 'sweep.json');
  return existsSync(manifest) && /"checksum": "[0-9a-f]{64}"/.test(readFileSync(manifest, 'utf8'));
}

/** Packages are left where they are and imported by their absolute place, for the bundle lies elsewhere. */
function installedPackages(folder: string): Plugin {
  return {
    name: 'installed-packages',
    setup: (build) => {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, kind, resolveDir, importer }) => {
        if (
          pluginData === 'asked' ||
          kind === 'entry-point' ||
          /^(?:node|file|data):/.test(path) ||
          /^[A-Za-z]:/.test(path)
        ) {
          return undefined;
        }
        const found = await build.resolve(path, { kind, resolveDir, importer, pluginData: 'asked' });
        const isFound = found.errors.length === 0;
        if (isFound && (found.external || !isInstalled(found.path, folder)))
          return found.external ? found : undefined;
        const place = isFound ? found.path : await ownPackage(build, { path, kind });
        if (place === undefined) return undefined;
        if (path === INLINED_PACKAGE && kind === 'import-statement') return { path: place };
        return { path: kind === 'require-call' ? place : pathToFileURL(place).href, external: true };
      });
    },
  };
}

/** True for a file of a package; the worker itself may be one too, so what counts is the way there from its folder. */
function isInstalled(path: string, folder: string): boolean {
  return relative(folder, path).split(sep).includes('node_modules');
}

async function ownPackage(
  build: PluginBuild,
  { path, kind }: Pick<OnResolveArgs, 'path' | 'kind'>,
): Promise<string | undefined> {
  if (path === 'fanfold') return OWN_LIBRARY;
  if (path.split('/')[0] !== INLINED_PACKAGE) return undefined;
  const own = await build.resolve(path, { kind, resolveDir: dirname(OWN_LIBRARY), pluginData: 'asked' });
  return own.errors.length === 0 ? own.path : undefined;
}

/** Gives every file its own `import.meta.url`, `__filename` and `__dirname` instead of the bundle's. */
function ownUrls(folder: string): Plugin {
  return {
    name: 'own-urls',
    setup: (build) => {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
        if (isInstalled(path, folder)) return undefined;
        const contents = await readFile(path, 'utf8');
        if (!/import\.meta|__dirname|__filename/.test(contents)) return undefined;
        const { code } = await build.esbuild.transform(contents, {
          loader: LOADERS[extname(path)] ?? 'js',
          sourcefile: path,
          sourcemap: 'inline',
          target: 'node20',
          define: {
            'import.meta.url': JSON.stringify(pathToFileURL(path).href),
            'import.meta.filename': JSON.stringify(path),
            'import.meta.dirname': JSON.stringify(dirname(path)),
            __filename: JSON.stringify(path),
            __dirname: JSON.stringify(dirname(path)),
          },
        });
        return { contents: code, loader: 'js' };
      });
    },
  };
}

/** CommonJS files in an ES module need a `require`, and it must look from the worker's folder. On one line with the code. */
function withRequire(code: string, file: string): string {
  return `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${JSON.stringify(pathToFileURL(file).href)}); ${code}`;
}

const COMMON_JS = {
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'silent',
} as const;

/** Not with a package, which may have no CommonJS form, nor with what means another thing there or isn't allowed. */
function mayBeCommonJs({ metafile }: BuildResult, text: string): boolean {
  const outputs = Object.values(metafile?.outputs ?? {});
  const isAlone = outputs.every(({ imports }) => imports.every(({ path }) => isBuiltin(path)));
  return isAlone && !/\b(?:require|import\.meta|await)\b/.test(text);
}

function describeBundle(result: BuildResult, file: string): WorkerBundle {
  const folder = dirname(file);
  const { inputs = {}, outputs = {} } = result.metafile ?? {};
  const files = Object.keys(inputs)
    .filter((input) => !isInstalled(join(folder, input), folder))
    .filter((input) => !isOfOtherRun(join(folder, input), file))
    .sort()
    .map((input) => {
      const path = relative(folder, `${folder}${sep}${input}`).split(sep).join('/');
      return [path, sha256(readFileSync(`${folder}${sep}${input}`))] as const;
    });
  return {
    code: withRequire(result.outputFiles?.[0]?.text ?? '', file),
    files: Object.fromEntries(files),
    exports: Object.values(outputs)[0]?.exports ?? [],
  };
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

function bundleError({ errors }: BuildFailure, file: string): FanfoldError {
  const lines = errors.slice(0, 3).map(({ text, location }) => {
    if (location === null) return `  ${text}`;
    return `  ${location.file}:${String(location.line)}:${String(location.column + 1)}: ${text}\n    ${location.lineText.trim()}`;
  });
  return new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the worker ${file} to be a valid module, got:\n${lines.join('\n')}`,
  );
}
