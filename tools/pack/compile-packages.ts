import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packedDeclaration } from "./packed-manifest.ts";

/**
 * Compiles the sources of packages to JavaScript and declarations under `into`, one folder a package. Types are not judged here: `npm run check`
 * does. Throws with what the compiler says.
 */
export function compilePackages(root: string, names: readonly string[], into: string): void {
  const settings = join(into, "tsconfig.json");
  writeFileSync(
    settings,
    JSON.stringify({
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: {
        composite: false,
        incremental: false,
        emitDeclarationOnly: false,
        noCheck: true,
        jsx: "react-jsx",
        lib: ["es2024", "esnext.iterator", "esnext.promise", "dom", "dom.iterable"],
        rootDir: join(root, "packages"),
        outDir: into,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: names.map((name) => join(root, "packages", name, "src")),
    }),
  );
  const result = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", settings], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`the packages do not compile: ${result.stdout}${result.stderr}`);
  for (const path of readdirSync(into, { recursive: true, encoding: "utf8" })) {
    if (path.endsWith(".d.ts")) writeFileSync(join(into, path), packedDeclaration(readFileSync(join(into, path), "utf8")));
  }
}
