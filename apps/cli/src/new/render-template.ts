import type { AppName } from "./app-name.ts";

/** How the template calls itself: it is a working app of this name, so that it can be read, checked and run as it stands. */
const template: AppName & { readonly port: string } = { name: "my-app", title: "My app", port: "4500" };

/** Files that go by another name in the tree, where their own would count for the tree itself. */
const realNames: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

/** The name of a template's file in the new app. */
export function renderPath(path: string): string {
  return realNames[path] ?? path;
}

/** The text of a template's file for this app. */
export function renderFile(path: string, text: string, app: AppName, port: number, vendored: ReadonlyMap<string, string>): string {
  const named = text.replaceAll(template.name, app.name).replaceAll(template.title, app.title);
  if (path === "countersign.json") return named.replace(`:${template.port}/`, `:${port}/`);
  return path === "package.json" ? renderManifest(named, vendored) : named;
}

/** Lets the packages of this tree come from the app's own folder, the ones that only others of them need included. */
function renderManifest(text: string, vendored: ReadonlyMap<string, string>): string {
  const manifest = JSON.parse(text) as { dependencies: Record<string, string> };
  const own = [...vendored].map(([name, file]) => [name, `file:vendor/${file}`] as const);
  const dependencies = Object.fromEntries([...Object.entries(manifest.dependencies), ...own].sort(([one], [other]) => (one < other ? -1 : 1)));
  return `${JSON.stringify({ ...manifest, dependencies }, undefined, 2)}\n`;
}
