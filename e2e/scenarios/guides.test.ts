import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { callbackId } from "@countersign/host/authorize/callback-id";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Command, freePorts, runProgram, signalGroup } from "../stack/command.ts";
import { chooseOtherPorts, type OtherPorts, shellBlocks } from "../stack/guide.ts";

const root = dirname(dirname(import.meta.dirname));
const pages = ["examples/mixed-auth/README.md", "examples/step-up/README.md", "examples/payment/README.md", "examples/guest-link/README.md"] as const;
const tellKeys = '\nprintf "KEY=%s\\n" "$KEY"\n';

describe("the commands of the guides", () => {
  let folder: string;
  let ports: OtherPorts;
  let examplePorts: readonly number[];
  let keys: { readonly agent: string; readonly product: string };
  let up: Command;
  const running: Command[] = [];
  /** Runs shell commands in the root of the tree, as a person pastes them. */
  const shell = (script: string, env: Readonly<Record<string, string>> = {}): Command => {
    const own = { ...process.env, ...ports.env, COUNTERSIGN_DATA: join(folder, "data"), npm_config_offline: "true", ...env };
    const command = runProgram(["sh", "-c", script], root, own);
    running.push(command);
    return command;
  };
  const done = async (script: string, env: Readonly<Record<string, string>> = {}, codes: readonly number[] = [0]): Promise<string> => {
    const command = shell(script, env);
    const { code } = await command.ended;
    if (code === null || !codes.includes(code)) throw new Error(`${script}\nended with ${String(code)}:\n${command.output()}`);
    return command.output();
  };
  const printedKey = (text: string): string => /^KEY=(.+)$/m.exec(text)?.[1] ?? "";
  const startAll = async (): Promise<Command> => {
    const [agents = ""] = shellBlocks("docs/guides/sell-to-agents-acp.md");
    const [product = ""] = shellBlocks("docs/guides/embed.md");
    const [together = ""] = shellBlocks("examples/README.md");
    const start = /npm start.*/.exec(together)?.[0].replaceAll("examples/", `${folder}/examples/`) ?? "";
    // The agent's key, then the product's, then one start that knows both and the examples.
    const command = shell(
      `${product}${tellKeys}${agents.replace("COUNTERSIGN_STORE_AGENTS", `${tellKeys}COUNTERSIGN_STORE_AGENTS`).replace("npm start", start)}`,
    );
    await command.printed("Stop     Ctrl-C");
    return command;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "countersign-guides-"));
    ports = await chooseOtherPorts();
    examplePorts = await freePorts(pages.length);
    // The examples with other ports: a copy that finds the libraries of the tree.
    cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true, filter: (path) => !path.endsWith("dist") });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    for (const [at, page] of pages.entries()) {
      const file = join(folder, dirname(page), "countersign.json");
      writeFileSync(file, ports.move(readFileSync(file, "utf8")).replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${examplePorts[at] ?? 0}`));
    }
    up = await startAll();
    const [product = "", agent = ""] = [...up.output().matchAll(/^KEY=(.+)$/gm)].map((match) => match[1]);
    keys = { agent, product };
  });

  afterAll(async () => {
    for (const command of running) {
      if (command.child.exitCode === null && command.child.signalCode === null) signalGroup(command, "SIGKILL");
      await command.ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it("let an agent in over ACP, which is sold to by the next block", async () => {
    const [, buy = ""] = shellBlocks("docs/guides/sell-to-agents-acp.md");
    const answer = await done(ports.move(buy), { KEY: keys.agent });
    expect(JSON.parse(answer)).toMatchObject({ status: "ready_for_payment", currency: "eur" });
    expect(JSON.parse(await done(ports.move(buy), { KEY: keys.product }))).not.toHaveProperty("status", "ready_for_payment");
  });

  it("sell over UCP, by hand and by a client that somebody else made", async () => {
    const [byHand = "", byClient = ""] = shellBlocks("docs/guides/sell-to-agents-ucp.md");
    expect(JSON.parse(await done(ports.move(byHand).replace("curl ", "curl -sS ")))).toMatchObject({ status: "ready_for_complete" });
    expect(await done(ports.move(byClient), { HOME: folder, UCP_HOME: join(folder, "ucp"), NO_COLOR: "1" })).toContain("ready_for_complete");
  });

  it("start everything, show how the shop fares in each host, and print the settings without a secret", async () => {
    const [start = "", doctor = "", config = ""] = shellBlocks("docs/start.md");
    expect(start.trim()).toBe("npm start");
    // 1: something is dead in some host, as it is for a server of this machine alone.
    const matrix = await done(ports.move(doctor), {}, [0, 1]);
    expect(matrix).toMatch(/^Countersign( +works)+$/m);
    expect(matrix).toMatch(/^ChatGPT .* falls back .*$/m);
    const key = "a-key-that-is-printed-nowhere";
    const settings = await done(config, { COUNTERSIGN_MODEL_KEY: key });
    expect(settings).toContain("COUNTERSIGN_MODEL_KEY");
    expect(settings).not.toContain(key);
  });

  it("let a product in that embeds the host, under the key that was made and no other", async () => {
    const ask = async (key: string): Promise<Response> =>
      await fetch(`${ports.urlOf("host")}/api/connectors`, { headers: { authorization: `Bearer ${key}`, "countersign-user": "u-1" } });
    expect((await ask(keys.agent)).status).toBe(401);
    expect(await (await ask(keys.product)).text()).toContain("Harbour Goods");
  });

  it("start each example, whose tools then answer, and whose page names the same two commands", async () => {
    const [together = ""] = shellBlocks("examples/README.md");
    const second = /node tools\/run\.mjs \S+/.exec(together)?.[0] ?? "";
    for (const [at, page] of pages.entries()) {
      const [own = ""] = shellBlocks(page);
      const start = second.replace("examples/mixed-auth", dirname(page));
      expect(own).toContain(`npm start -- --app ${dirname(page)} `);
      expect(own).toContain(`${start} `);
      const resource = `http://127.0.0.1:${examplePorts[at] ?? 0}/mcp`;
      await shell(start.replace("examples/", `${folder}/examples/`), { COUNTERSIGN_BANK_URL: ports.urlOf("bank") }).printed(
        `is ready at ${resource}`,
      );
      const client = new Client({ name: "independent-client", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
      await client.connect(new StreamableHTTPClientTransport(new URL(resource)));
      expect((await client.listTools()).tools.length).toBeGreaterThan(0);
      await client.close();
    }
  });

  it("make keys of 32 bytes, and name the callback that the host will use", async () => {
    const [key = ""] = shellBlocks("docs/guides/deploy.md");
    expect(Buffer.from((await done(key)).trim(), "base64url")).toHaveLength(32);
    const [environment = "", callback = ""] = shellBlocks("docs/guides/run-separately.md");
    const id = (await done(callback)).trim();
    const [resource, issuer] = [parseResourceUri("http://127.0.0.1:4300/mcp"), parseIssuer("http://localhost:4200")];
    expect(id).toBe(resource.ok && issuer.ok ? callbackId(resource.value, issuer.value) : "");
    expect(environment).toContain(`/callback/${id}"`);
  });

  it("run the bank by itself", async () => {
    const [, alone = ""] = shellBlocks("apps/bank/README.md");
    const [port = 0] = await freePorts(1);
    const bank = shell(`exec ${alone}`, { COUNTERSIGN_BANK_PORT: String(port), COUNTERSIGN_DATA: join(folder, "bank-alone") });
    await bank.printed('"process.ready"');
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    signalGroup(bank, "SIGTERM");
    expect((await bank.ended).code).toBe(0);
  });

  it("pack the libraries into a folder of somebody else", async () => {
    const [getIt = ""] = shellBlocks("docs/guides/protect-a-server.md");
    const vendor = join(folder, "my-server", "vendor");
    mkdirSync(dirname(vendor), { recursive: true });
    await done((getIt.split("\n")[0] ?? "").replace("../my-server/vendor", vendor));
    expect(readdirSync(vendor).filter((name) => name.endsWith(".tgz"))).toEqual(expect.arrayContaining([expect.stringContaining("countersign-kit")]));
  });

  it("X02 change the sealing keys of a host and a wallet", { timeout: 120_000 }, async () => {
    const guides = ["docs/guides/operate.md", "docs/guides/operate-wallet.md"] as const;
    const steps = guides.map(
      (path) =>
        shellBlocks(path)[0]
          ?.split("\n")
          .filter((line) => line.startsWith("node ")) ?? [],
    );
    for (const [add = ""] of steps) await done(add);
    signalGroup(up, "SIGINT");
    await up.ended;
    up = await startAll();
    for (const [, reseal = ""] of steps) await done(reseal);
    for (const name of ["host.key", "wallet.key"]) {
      const file = join(folder, "data", name);
      const [kept = "", ...old] = readFileSync(file, "utf8").trim().split("\n");
      expect(old).toHaveLength(1);
      writeFileSync(file, `${kept}\n`);
    }
    signalGroup(up, "SIGINT");
    await up.ended;
    up = await startAll();
    expect((await fetch(`${ports.urlOf("wallet")}/readyz`)).status).toBe(200);
    expect(printedKey(up.output())).not.toBe("");
  });
});

describe("the commands for who works on the tree", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "countersign-work-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs one command; nothing of the runner around it is told to it. */
  const run = async (line: string, cwd = root, env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|VITE_|NODE_ENV|TEST)/.test(name)));
    const command = runProgram(["sh", "-c", line], cwd, { ...own, NO_COLOR: "1", ...env });
    const { code } = await command.ended;
    if (code !== 0) throw new Error(`${line}\nended with ${String(code)}:\n${command.output()}`);
    return command.output();
  };
  const lineOf = (document: string, part: RegExp): string =>
    shellBlocks(document)
      .flatMap((block) => block.split("\n"))
      .map((line) => line.replace(/\s+#.*$/, ""))
      .find((line) => part.test(line)) ?? "";

  it("run the tests of a folder, here of one file in it", { timeout: 120_000 }, async () => {
    for (const [document, folderOf, file] of [
      ["AGENTS.md", "apps/bank", "test/ledger.test.ts"],
      ["packages/host/web/README.md", "packages/host/web", "test/format.test.ts"],
    ] as const) {
      const line = lineOf(document, /vitest\.mjs run/);
      expect(line.endsWith(` run ${folderOf}`)).toBe(true);
      expect(await run(`${line}/${file}`)).toMatch(/Test Files +1 passed/);
    }
  });

  it("fetch what a protocol publishes, here from a folder that stands for its address, to where the next command looks for it", async () => {
    for (const [document, tag] of [
      ["docs/guides/sell-to-agents-acp.md", "main"],
      ["docs/guides/sell-to-agents-ucp.md", "v2026-08-25"],
    ] as const) {
      const line = lineOf(document, /^git clone/);
      const [, name = ""] = /https:\/\/github\.com\/(\S+)$/.exec(line) ?? [];
      const [, schemas = ""] = /--schemas (\S+)$/.exec(lineOf(document, /--schemas/)) ?? [];
      const published = join(folder, "published", name);
      const inside = join(published, schemas.slice(schemas.indexOf("/") + 1));
      mkdirSync(inside, { recursive: true });
      writeFileSync(join(inside, "schema.json"), "{}");
      const git = "git -c user.name=n -c user.email=n@example.com -c commit.gpgsign=false -c tag.gpgsign=false";
      await run(`git init -q -b main . && git add . && ${git} commit -qm one && (test ${tag} = main || git tag ${tag})`, published);
      const stands = {
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: `url.file://${folder}/published/.insteadOf`,
        GIT_CONFIG_VALUE_0: "https://github.com/",
      };
      await run(line, folder, { ...stands, GIT_TERMINAL_PROMPT: "0" });
      expect(readdirSync(join(folder, schemas))).toEqual(["schema.json"]);
    }
  });
});
