import { describe, expect, test } from "vitest";
import { packedDeclaration, packedManifest, readManifest } from "../pack/packed-manifest.ts";

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
    expect(packedManifest(readManifest(JSON.stringify(source)))).toEqual({
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

  test("keeps what its user has to bring", () => {
    const peers = { peerDependencies: { react: "^19.0.0" }, peerDependenciesMeta: { react: { optional: true } } };
    expect(packedManifest(readManifest(JSON.stringify({ ...source, ...peers })))).toMatchObject(peers);
  });

  test("is not made of a package that exports something else than sources", () => {
    const odd = { ...source, exports: { "./style.css": "./src/style.css" } };
    expect(() => packedManifest(readManifest(JSON.stringify(odd)))).toThrow("only sources are exported");
    expect(() => readManifest(JSON.stringify({ name: "@countersign/kit" }))).toThrow("names no version");
  });

  test("has declarations that name the files beside them, and leaves every other name alone", () => {
    const text = 'import type { A } from "./a.ts";\nexport type B = import("../b/c.tsx").C;\nimport "zod";\ntype D = "x.ts";\n';
    expect(packedDeclaration(text)).toBe(
      'import type { A } from "./a.js";\nexport type B = import("../b/c.js").C;\nimport "zod";\ntype D = "x.ts";\n',
    );
  });
});
