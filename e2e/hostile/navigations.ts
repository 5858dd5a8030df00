import type { Channel } from "./channel.ts";

/** Frames, windows and navigations: each carries data in its address. */
export const navigationChannels: readonly Channel[] = [
  { name: "iframe-src", attack: ({ url }) => document.body.insertAdjacentHTML("beforeend", `<iframe src="${url}"></iframe>`) },
  {
    name: "iframe-srcdoc",
    attack: ({ url }) => {
      const frame = document.createElement("iframe");
      frame.srcdoc = `<img src="${url}"><script>fetch("${url}", { mode: "no-cors" })</script>`;
      document.body.append(frame);
    },
  },
  {
    name: "iframe-blob",
    attack: ({ url }) => {
      const frame = document.createElement("iframe");
      frame.src = URL.createObjectURL(new Blob([`<img src="${url}">`], { type: "text/html" }));
      document.body.append(frame);
    },
  },
  {
    name: "iframe-data",
    attack: ({ url }) => {
      const frame = document.createElement("iframe");
      frame.src = `data:text/html,<img src="${url}">`;
      document.body.append(frame);
    },
  },
  {
    name: "iframe-blank",
    attack: ({ url }) => {
      const frame = document.createElement("iframe");
      document.body.append(frame);
      const inside = frame.contentDocument;
      if (inside !== null) inside.body.innerHTML = `<img src="${url}">`;
    },
  },
  {
    name: "nested-navigation",
    attack: ({ url }) => {
      const frame = document.createElement("iframe");
      frame.srcdoc = `<script>location.href = "${url}"</script>`;
      document.body.append(frame);
    },
  },
  {
    name: "form-post",
    attack: ({ url }) => {
      document.body.insertAdjacentHTML(
        "beforeend",
        `<iframe name="form-target"></iframe><form method="post" target="form-target" action="${url}"><input name="secret" value="x"></form>`,
      );
      document.querySelector<HTMLFormElement>("form[method=post]")?.submit();
    },
  },
  {
    name: "form-self",
    alone: true,
    attack: ({ url }) => {
      document.body.insertAdjacentHTML("beforeend", `<form id="own" action="${url}"><input name="secret" value="x"></form>`);
      document.querySelector<HTMLFormElement>("#own")?.submit();
    },
  },
  {
    name: "location",
    alone: true,
    attack: ({ url }) => {
      location.href = url;
    },
  },
  { name: "location-replace", alone: true, attack: ({ url }) => location.replace(url) },
  {
    name: "navigation-api",
    alone: true,
    attack: ({ url }) => {
      const { committed, finished } = navigation.navigate(url);
      committed?.catch(() => {});
      finished?.catch(() => {});
    },
  },
  {
    name: "meta-refresh",
    alone: true,
    attack: ({ url }) => document.head.insertAdjacentHTML("beforeend", `<meta http-equiv="refresh" content="0;url=${url}">`),
  },
  {
    name: "anchor",
    alone: true,
    attack: ({ url }) => {
      const link = Object.assign(document.createElement("a"), { href: url, textContent: "x" });
      document.body.append(link);
      link.click();
    },
  },
  {
    name: "anchor-blank",
    attack: ({ url }) => {
      const link = Object.assign(document.createElement("a"), { href: url, target: "_blank", rel: "opener", textContent: "x" });
      document.body.append(link);
      link.click();
    },
  },
  {
    name: "anchor-download",
    alone: true,
    attack: ({ url }) => {
      const link = Object.assign(document.createElement("a"), { href: url, download: "x", textContent: "x" });
      document.body.append(link);
      link.click();
    },
  },
  { name: "window-open", attack: ({ url }) => void window.open(url) },
  { name: "window-open-named", attack: ({ url }) => void window.open(url, "countersign-sign-in", "popup") },
  {
    name: "window-open-top",
    alone: true,
    attack: ({ url }) => void window.open(url, "_top"),
  },
  {
    name: "top-location",
    alone: true,
    attack: ({ url }) => {
      if (window.top !== null) window.top.location.href = url;
    },
  },
  {
    name: "parent-location",
    alone: true,
    attack: ({ url }) => {
      window.parent.location.href = url;
    },
  },
];
