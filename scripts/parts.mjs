import { relative } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles a program as several CommonJS files, each loaded when something in it is first imported: node reads all of a file,
 * even where little of it runs. A module is in one of them only, so that there is one of each class and each variable.
 *
 * @param options of esbuild
 * @param parts the names of the files, each with modules that are in it, as is all that they import, unless an earlier file
 * has it. The first file begins with the program's own module. One more, NAME-rest, has what is left: what only an
 * `await import` asks for.
 */
export async function buildParts(options, parts) {
  const [[program, [entry]]] = Object.entries(parts);
  const { metafile } = await build({ ...options, entryPoints: [entry], metafile: true, write: false });
  const modules = Object.keys(metafile.inputs);
  const fileOf = new Map();
  for (const [file, roots] of Object.entries(parts)) {
    for (const root of roots) place(root, file, fileOf, metafile.inputs);
  }
  for (const module of modules) if (!fileOf.has(module)) fileOf.set(module, `${program}-rest`);
  const wanted = modules.filter((module) =>
    importers(module, metafile.inputs).some((importer) => fileOf.get(importer) !== fileOf.get(module)),
  );
  for (const file of new Set(fileOf.values())) {
    // Each is evaluated when it is first imported, as in one file.
    const shared = wanted
      .filter((module) => fileOf.get(module) === file)
      .map((module) => `${JSON.stringify(module)}: () => require(${JSON.stringify(`./${module}`)}),`);
    const start = file === program ? `import ${JSON.stringify(`./${entry}`)};` : '';
    await build({
      ...options,
      stdin: { contents: `${start} export const modules = { ${shared.join(' ')} };`, resolveDir: '.' },
      outfile: `${options.outdir}/${file}.cjs`,
      outdir: undefined,
      plugins: [fromOtherFiles(file, fileOf)],
    });
  }
}

// --- internal ---

function place(module, file, fileOf, inputs) {
  if (fileOf.has(module)) return;
  fileOf.set(module, file);
  for (const { path, kind, external } of inputs[module].imports) {
    if (kind !== 'dynamic-import' && external !== true) place(path, file, fileOf, inputs);
  }
}

function importers(module, inputs) {
  return Object.keys(inputs).filter((importer) =>
    inputs[importer].imports.some(({ path }) => path === module),
  );
}

/** Takes every module that is in another file from there. */
function fromOtherFiles(file, fileOf) {
  return {
    name: 'from-other-files',
    setup: (plugged) => {
      plugged.onResolve(
        { filter: /./ },
        async ({ path, kind, importer, namespace, resolveDir, pluginData }) => {
          if (namespace === 'other') return { path, external: true };
          if (pluginData === 'asked') return undefined;
          const found = await plugged.resolve(path, { kind, importer, resolveDir, pluginData: 'asked' });
          const module = relative('', found.path);
          const other = fileOf.get(module);
          return other === undefined || other === file ? found : { path: module, namespace: 'other' };
        },
      );
      plugged.onLoad({ filter: /./, namespace: 'other' }, ({ path }) => ({
        contents: `module.exports = require('./${fileOf.get(path)}.cjs').modules[${JSON.stringify(path)}]();`,
      }));
    },
  };
}
