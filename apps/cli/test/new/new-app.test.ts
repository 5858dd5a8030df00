import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readLocalApp } from "../../src/local-app.ts";
import { type NewApp, newApp } from "../../src/new/new-app.ts";
import { type Npm, packLibraries } from "../../src/new/pack-libraries.ts";
import { linkPackages } from "../../testing/link-packages.ts";

const root = join(import.meta.dirname, "../../../..");
const npm: Npm = { command: ["npm"], env: process.env };
let parent: string;

beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "countersign-new-"));
});
afterAll(() => {
  rmSync(parent, { recursive: true, force: true });
});

/** Without the libraries, which only an app that runs needs. */
const make = (name: string, more: Partial<Parameters<typeof newApp>[0]> = {}): NewApp => {
  const pack = (into: string): ReadonlyMap<string, string> => {
    mkdirSync(into, { recursive: true });
    return new Map();
  };
  return newApp({ folder: join(parent, name), port: 4567, install: false, npm, pack, ...more }, () => undefined);
};

describe("a new app", () => {
  let folder: string;
  const run = (command: string, ...args: string[]): ReturnType<typeof spawnSync> & { readonly stdout: string } =>
    // As on a Node that cannot strip types, and without a network.
    spawnSync(command, args, {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "--no-experimental-strip-types", npm_config_offline: "true" },
    });

  beforeAll(() => {
    folder = make("field-notes", { pack: (into) => packLibraries(npm, into) }).folder;
    linkPackages(root, folder);
  });

  test("carries its own name, title and port, and names the template nowhere", () => {
    expect(readLocalApp(folder)).toEqual({
      name: "field-notes",
      title: "Field notes",
      resource: "http://127.0.0.1:4567/mcp",
      issuer: "http://localhost:4200",
      scopes: { "notes:read": "Read your notes" },
      linkClient: "field-notes",
    });
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => !/node_modules|vendor/.test(path));
    expect(files).toContain(".gitignore");
    for (const path of files.filter((each) => statSync(join(folder, each)).isFile())) {
      expect(readFileSync(join(folder, path), "utf8")).not.toMatch(/my-app|My app/);
    }
  });

  test("passes its own tests in a Node that knows no TypeScript", () => {
    const result = run("npm", "test");
    expect(result.stdout).toMatch(/ pass 4$/m);
    expect(result.status).toBe(0);
  });

  test("gets libraries of which every module loads in such a Node", () => {
    const modules = readdirSync(join(folder, "node_modules/@countersign"), { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".js"),
    );
    expect(modules.length).toBeGreaterThan(60);
    const script = modules.map((path) => `await import(${JSON.stringify(`./node_modules/@countersign/${path}`)});`).join("\n");
    writeFileSync(join(folder, "load.js"), script);
    const result = run(process.execPath, "load.js");
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
  });

  test("type-checks against the packed declarations", () => {
    const settings = {
      allowJs: true,
      checkJs: true,
      noEmit: true,
      strict: true,
      noImplicitAny: false,
      module: "nodenext",
      target: "es2023",
      types: ["node"],
    };
    const config = {
      compilerOptions: { ...settings, typeRoots: [join(root, "node_modules/@types")] },
      files: ["app.js", "server.js", "test/issuer.js"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const result = run(process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json");
    expect(result.stdout).toBe("");
    expect(result.status).toBe(0);
  });

  test("takes the tool and the test of the guide, whose other code stands in it already", () => {
    const guide = readFileSync(join(root, "docs/guides/build-an-app.md"), "utf8");
    const blocks = [...guide.matchAll(/```(?:js|json)\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
    const [forAnybody = "", withScope = "", inView = "", tool = "", scope = "", itsTest = ""] = blocks;
    expect(blocks).toHaveLength(6);
    const edit = (path: string, change: (text: string) => string): void => {
      const before = readFileSync(join(folder, path), "utf8");
      const after = change(before);
      expect(after).not.toBe(before);
      writeFileSync(join(folder, path), after);
    };
    expect(readFileSync(join(folder, "app.js"), "utf8")).toContain(forAnybody);
    expect(readFileSync(join(folder, "app.js"), "utf8")).toContain(withScope);
    expect(readFileSync(join(folder, "view/main.js"), "utf8")).toContain(inView);
    edit("app.js", (text) => text.replace("  return app;", () => `${tool}\n  return app;`));
    edit("countersign.json", (text) => text.replace('    "notes:read"', () => `${scope}    "notes:read"`));
    edit("test/app.test.js", (text) => `${text}\n${itsTest}`);
    expect(readLocalApp(folder).scopes).toEqual({ "notes:read": "Read your notes", "notes:write": "Add notes" });
    expect(run("npm", "test").stdout).toMatch(/ pass 5$/m);
  });

  test("asks for the versions that this tree is tested with", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, Record<string, string>>;
    const asked = Object.entries({ ...manifest["dependencies"], ...manifest["devDependencies"] });
    for (const [name, version] of asked.filter(([, each]) => !each.startsWith("file:"))) {
      const installed = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { version: string };
      expect([name, version]).toEqual([name, installed.version]);
    }
  });
});

describe("making an app", () => {
  test("takes an empty folder, and leaves it with the rights of a usual one", () => {
    mkdirSync(join(parent, "empty"));
    const app = make("empty");
    expect(existsSync(join(app.folder, "app.js"))).toBe(true);
    mkdirSync(join(parent, "usual"));
    expect(statSync(app.folder).mode).toBe(statSync(join(parent, "usual")).mode);
  });

  test.each([
    ["a folder with something in it", "full", /full is not empty; give a new folder\.$/],
    ["a file", "file", /file is not a folder\.$/],
    ["a name that is none", "Not A Name", /^“Not A Name” is not a name for an app: /],
  ])("refuses %s and changes nothing", (_, name, sentence) => {
    mkdirSync(join(parent, "full"), { recursive: true });
    writeFileSync(join(parent, "full", "kept.txt"), "kept");
    writeFileSync(join(parent, "file"), "kept");
    const before = readdirSync(parent, { recursive: true }).length;
    expect(() => make(name)).toThrow(sentence);
    expect(readdirSync(parent, { recursive: true })).toHaveLength(before);
  });

  test("leaves nothing behind when the libraries cannot be packed", () => {
    const env = { ...process.env, PATH: parent, npm_execpath: "" };
    expect(() => make("unpacked", { pack: (into) => packLibraries({ command: ["npm"], env }, into) })).toThrow(
      /^The libraries could not be packed: /,
    );
    expect(readdirSync(parent).filter((name) => name.includes("unpacked"))).toEqual([]);
  });

  test("installs the packages with npm, in the app's folder and not in that of a script that runs it", () => {
    const bin = join(parent, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "npm-stand-in"), '#!/bin/sh\necho "$PWD $* [$npm_package_name$INIT_CWD]" > installed.txt\n');
    chmodSync(join(bin, "npm-stand-in"), 0o755);
    const env = { ...process.env, PATH: `${process.env["PATH"]}${delimiter}${bin}`, npm_package_name: "outer", INIT_CWD: "/outer" };
    const app = make("installed", { install: true, npm: { command: ["npm-stand-in"], env } });
    expect(readFileSync(join(app.folder, "installed.txt"), "utf8")).toBe(`${app.folder} install --no-audit --no-fund --loglevel=error []\n`);
  });

  test("says that the app is there when only its packages could not be installed", () => {
    const failing = {
      command: [process.execPath, "-e", 'console.error("npm error the registry is away"); process.exit(1)'] as const,
      env: process.env,
    };
    expect(() => make("offline", { install: true, npm: failing })).toThrow(
      /^The app is made in .*offline, but its packages could not be installed \(npm error the registry is away\)\. Run `npm install` there\.$/,
    );
    expect(existsSync(join(parent, "offline", "app.js"))).toBe(true);
  });
});
