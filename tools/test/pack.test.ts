import { describe, expect, test } from "vitest";
import { importedPackages, packedDeclaration, packedManifest, readManifest } from "../pack/packed-manifest.ts";

const source = {
  name: "@countersign/kit",
  version: "0.1.0",
  license: "Apache-2.0",
  private: true,
  exports: { "./*": "./src/*.ts", "./react": "./src/react/hooks.tsx" },
  dependencies: { "@countersign/protocol": "0.1.0", jose: "6.2.17" },
  devDependencies: { hono: "4.13.19" },
};

describe("a packed package", () => {
  test("exports JavaScript with its declarations, and asks for nothing that only the tree needs", () => {
    expect(packedManifest(readManifest(JSON.stringify(source)), new Set(["@countersign/kit", "jose"]))).toEqual({
      name: "@countersign/kit",
      version: "0.1.0",
      license: "Apache-2.0",
      type: "module",
      engines: { node: ">=20" },
      exports: {
        "./*": { types: "./dist/*.d.ts", default: "./dist/*.js" },
        "./react": { types: "./dist/react/hooks.d.ts", default: "./dist/react/hooks.js" },
      },
      files: ["dist"],
      dependencies: { "@countersign/protocol": "0.1.0", jose: "6.2.17" },
    });
  });

  test("leaves to its user what a module imports and the package does not depend on", () => {
    const manifest = readManifest(JSON.stringify(source));
    expect(packedManifest(manifest, new Set(["jose", "hono"]))).toMatchObject({
      peerDependencies: { hono: ">=4" },
      peerDependenciesMeta: { hono: { optional: true } },
    });
    expect(() => packedManifest(manifest, new Set(["left-pad"]))).toThrow("@countersign/kit imports left-pad, which it does not name");
  });

  test("imports the packages that its modules name", () => {
    const text = [
      'import { a } from "./a.js";',
      'import { readFileSync } from "node:fs";',
      'import { z } from "zod";',
      'import * as react from "react/jsx-runtime";',
      'export { b } from "@modelcontextprotocol/server/stdio";',
      'import "side-effect";',
      'const said = "from \\"nothing\\"";',
      '// import "comment";',
    ].join("\n");
    expect(importedPackages("a.js", text).toSorted()).toEqual(["@modelcontextprotocol/server", "react", "side-effect", "zod"]);
  });

  test("is not made of a package that exports something else than sources", () => {
    const odd = { ...source, exports: { "./style.css": "./src/style.css" } };
    expect(() => packedManifest(readManifest(JSON.stringify(odd)), new Set())).toThrow("only sources are exported");
    expect(() => readManifest(JSON.stringify({ name: "@countersign/kit" }))).toThrow("names no version");
  });

  test("has declarations that name the files beside them, and leaves every other name alone", () => {
    const text = 'import type { A } from "./a.ts";\nexport type B = import("../b/c.tsx").C;\nimport "zod";\ntype D = "x.ts";\n';
    expect(packedDeclaration(text)).toBe(
      'import type { A } from "./a.js";\nexport type B = import("../b/c.js").C;\nimport "zod";\ntype D = "x.ts";\n',
    );
  });
});
