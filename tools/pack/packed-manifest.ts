import { parseSource } from "../tidy/parse-source.ts";

/** What of a workspace's package.json matters for a package that stands alone. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Reads a package.json of this tree. Throws on another shape: what is wrong is the tree itself. */
export function readManifest(text: string): Manifest {
  const value = JSON.parse(text) as Partial<Manifest>;
  const { name, version, license, exports } = value;
  if (name === undefined || version === undefined || license === undefined || exports === undefined) {
    throw new TypeError(`${name ?? "a package"} names no version, licence or exports`);
  }
  return { ...value, name, version, license, exports };
}

/** The oldest Node that the packed JavaScript runs on. The sources themselves need a newer one, because they are TypeScript. */
const oldestNode = ">=20";

/**
 * The package.json of the packed package: JavaScript and declarations in place of sources, and nothing that only this tree needs. `imported`: the packages that
 * its modules name. One that the package does not depend on is brought by whoever uses that module, as React is for a hook.
 */
export function packedManifest(source: Manifest, imported: ReadonlySet<string>): Record<string, unknown> {
  const brought = [...imported].filter((name) => name !== source.name && !Object.hasOwn(source.dependencies ?? {}, name)).sort();
  return {
    name: source.name,
    version: source.version,
    license: source.license,
    type: "module",
    engines: { node: oldestNode },
    exports: Object.fromEntries(Object.entries(source.exports).map(([subpath, target]) => [subpath, packedTarget(target)])),
    files: ["dist"],
    ...(source.dependencies === undefined ? {} : { dependencies: source.dependencies }),
    ...(brought.length === 0
      ? {}
      : {
          peerDependencies: Object.fromEntries(brought.map((name) => [name, peerRange(source, name)])),
          peerDependenciesMeta: Object.fromEntries(brought.map((name) => [name, { optional: true }])),
        }),
  };
}

/** From the major version that the tree is tested with. */
function peerRange(source: Manifest, name: string): string {
  const [, major] = /^(\d+)\./.exec(source.devDependencies?.[name] ?? "") ?? [];
  if (major === undefined) throw new TypeError(`${source.name} imports ${name}, which it does not name`);
  return `>=${major}`;
}

/** The packages that a module names, Node's own left out. `path` tells its language. */
export function importedPackages(path: string, text: string): readonly string[] {
  return parseSource(path, text)
    .imports.filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
    .map(({ specifier }) =>
      specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/"),
    );
}

function packedTarget(target: string): { readonly types: string; readonly default: string } {
  const [, path] = /^\.\/src\/(.+)\.tsx?$/.exec(target) ?? [];
  if (path === undefined) throw new TypeError(`only sources are exported, and ${target} is none`);
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` };
}

/** Declarations name the files beside them as they are packed. The compiler rewrites these names in JavaScript only. */
export function packedDeclaration(text: string): string {
  return text.replaceAll(/(["'])(\.\.?\/[^"'\n]+)\.tsx?\1/g, "$1$2.js$1");
}
