import type { Channel } from "./channel.ts";

/** Requests that a script or an element of the document makes. */
export const requestChannels: readonly Channel[] = [
  { name: "fetch", attack: ({ url }) => void fetch(url, { mode: "no-cors" }).catch(() => {}) },
  { name: "fetch-keepalive", attack: ({ url }) => void fetch(url, { mode: "no-cors", method: "POST", body: "x", keepalive: true }).catch(() => {}) },
  {
    name: "fetch-later",
    attack: ({ url }) => {
      const later: unknown = Reflect.get(window, "fetchLater");
      if (typeof later === "function") Reflect.apply(later, window, [url, { activateAfter: 0 }]);
    },
  },
  {
    name: "xhr",
    attack: ({ url }) => {
      const request = new XMLHttpRequest();
      request.open("GET", url);
      request.send();
    },
  },
  { name: "beacon", attack: ({ url }) => navigator.sendBeacon(url, "x") },
  { name: "websocket", attack: ({ host }) => void new WebSocket(`ws://${host}/`) },
  { name: "event-source", attack: ({ url }) => void new EventSource(url) },
  { name: "web-transport", attack: ({ port }) => void new WebTransport(`https://127.0.0.1:${port}/`).ready.catch(() => {}) },
  {
    name: "img",
    attack: ({ url }) => {
      new Image().src = url;
    },
  },
  { name: "img-srcset", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<img srcset="${url} 1x">`) },
  { name: "picture", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<picture><source srcset="${url}"><img></picture>`) },
  { name: "svg-image", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<svg><image href="${url}" width="9" height="9"/></svg>`) },
  { name: "input-image", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<input type="image" src="${url}">`) },
  { name: "body-background", attack: ({ url }) => document.body.setAttribute("background", url) },
  { name: "audio", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<audio preload="auto" src="${url}"></audio>`) },
  { name: "video", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<video preload="auto" src="${url}"></video>`) },
  { name: "video-poster", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<video poster="${url}"></video>`) },
  {
    name: "track",
    attack: ({ url }) =>
      document.body.insertAdjacentHTML("beforeend", `<video crossorigin src="data:video/mp4,"><track default kind="captions" src="${url}"></video>`),
  },
  {
    name: "script",
    attack: ({ url }) => {
      const script = document.createElement("script");
      script.src = url;
      document.body.append(script);
    },
  },
  {
    name: "module-import",
    attack: ({ url }) => {
      const script = document.createElement("script");
      script.type = "module";
      script.textContent = `import ${JSON.stringify(url)};`;
      document.body.append(script);
    },
  },
  { name: "object", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<object data="${url}"></object>`) },
  { name: "embed", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<embed src="${url}" type="text/html">`) },
  { name: "css-link", attack: ({ url }) => document.head.insertAdjacentHTML("beforeend", `<link rel="stylesheet" href="${url}">`) },
  { name: "css-import", attack: ({ url }) => document.head.insertAdjacentHTML("beforeend", `<style>@import url("${url}");</style>`) },
  { name: "css-url", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<p style="background:url('${url}')">x</p>`) },
  {
    name: "css-cursor",
    attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<p style="list-style:url('${url}');display:list-item">x</p>`),
  },
  {
    name: "css-attribute",
    attack: ({ url }) =>
      document.body.insertAdjacentHTML("beforeend", `<style>input[value^="s"]{background:url("${url}")}</style><input value="secret">`),
  },
  {
    name: "font",
    attack: ({ url }) =>
      document.body.insertAdjacentHTML("beforeend", `<style>@font-face{font-family:leak;src:url("${url}")}</style><p style="font-family:leak">x</p>`),
  },
  {
    name: "font-face",
    attack: ({ url }) => void new FontFace("leak", `url("${url}")`).load().catch(() => {}),
  },
  {
    name: "ping",
    attack: ({ url }) => {
      document.body.insertAdjacentHTML("beforeend", `<a href="#here" ping="${url}">x</a>`);
      document.querySelector<HTMLAnchorElement>("a[ping]")?.click();
    },
  },
  {
    name: "own-csp-report",
    alone: true,
    attack: ({ url }) => {
      document.head.insertAdjacentHTML(
        "beforeend",
        `<meta http-equiv="Content-Security-Policy" content="img-src 'none'; report-uri ${url}; report-to ${url}">`,
      );
      new Image().src = "data:image/png,x";
    },
  },
  {
    name: "base-href",
    alone: true,
    attack: ({ host }) => {
      document.head.insertAdjacentHTML("afterbegin", `<base href="http://${host}/">`);
      new Image().src = "relative.png?secret";
    },
  },
];
