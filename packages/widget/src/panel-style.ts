/**
 * The panel's style, in a shadow tree: the app's rules do not reach it, its custom properties do. The names are those of the design language of
 * `@countersign/look`; an app without it sets the ones that it wants to change.
 */
export const panelStyle = `
:host { display: block; font: 400 0.9375rem/1.5rem var(--font, system-ui, sans-serif); color: var(--text, light-dark(#1c1c1a, #ededea)); }
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
.panel { display: flex; flex-wrap: wrap; gap: 16px; align-items: center; padding: 16px; border: 1px solid var(--line, light-dark(#e5e4e0, #303035));
  border-radius: var(--radius, 10px); background: var(--surface, light-dark(#ffffff, #1d1d20)); }
.words { flex: 1 1 220px; min-width: 0; display: grid; gap: 8px; justify-items: start; }
h2 { margin: 0; font-size: 1rem; font-weight: 600; text-wrap: balance; }
p { margin: 0; overflow-wrap: anywhere; }
p:empty { display: none; }
.quiet { color: var(--text-2, light-dark(#5d5c57, #aaa9a4)); font-size: 0.8125rem; line-height: 1.25rem; }
.quiet[role="timer"] { font-variant-numeric: tabular-nums; }
code { font: 600 1rem/1.5rem var(--font-mono, ui-monospace, monospace); letter-spacing: 0.06em; color: var(--text, light-dark(#1c1c1a, #ededea)); user-select: all; white-space: nowrap; }
button { min-height: 36px; padding: 0 16px; border: 0; border-radius: var(--radius-s, 6px); font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-accent, #ffffff); background: var(--accent, light-dark(#3a4fd4, #5568e6)); }
button:hover { background: var(--accent-hover, light-dark(#2f42b8, #4659d6)); }
button:focus-visible { outline: 2px solid var(--ring, light-dark(#3a4fd4, #8e9dff)); outline-offset: 2px; }
.qr { flex: none; width: 168px; height: 168px; border-radius: var(--radius-s, 6px); overflow: hidden; }
.qr svg { display: block; width: 100%; height: 100%; }
@media (pointer: coarse) { button { min-height: 44px; } }
`;
