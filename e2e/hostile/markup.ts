import type { Target } from "./sink.ts";

/** A document that needs no script: the parser, and the scanner that runs ahead of it, meet every way out in the markup itself. */
export function hostileMarkup({ url, host }: Target): string {
  return `<!doctype html><html lang="en"><head><title>Markup</title>
<link rel="preconnect" href="http://${host}"><link rel="dns-prefetch" href="http://${host}"><link rel="prefetch" href="${url}">
<link rel="preload" as="image" href="${url}"><link rel="modulepreload" href="${url}"><link rel="stylesheet" href="${url}">
<link rel="icon" href="${url}"><link rel="manifest" href="${url}">
<style>@import url("${url}"); @font-face { font-family: leak; src: url("${url}") } body { font-family: leak; background: url("${url}") }</style>
<script src="${url}"></script><script async type="module" src="${url}"></script>
</head><body background="${url}">
<p id="hostile">hostile</p>
<img src="${url}" srcset="${url} 2x"><picture><source srcset="${url}"><img></picture><input type="image" src="${url}">
<svg><image href="${url}" width="9" height="9"/></svg><video src="${url}" poster="${url}" preload="auto"></video><audio src="${url}" preload="auto"></audio>
<iframe src="${url}"></iframe><object data="${url}"></object><embed src="${url}" type="text/html">
<iframe srcdoc="&lt;img src='${url}'&gt;"></iframe>
<meta http-equiv="refresh" content="1;url=${url}">
</body></html>`;
}
