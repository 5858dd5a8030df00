/** What a document would do that had got out of its sandbox. Each throws, or rejects, where the sandbox holds. */
export const escapeProbes: Readonly<Record<string, () => unknown>> = {
  "the parent's document": () => window.parent.document.title,
  "the console's document": () => window.top?.document.title,
  "the address of the console": () => window.top?.location.href,
  "the address of the parent": () => window.parent.location.pathname,
  "the history of the console": () => window.top?.history.length,
  "going back in the console": () => window.top?.history.back(),
  "the storage of the console": () => window.top?.localStorage,
  "a function of the console": () => Reflect.get(window.top ?? window, "fetch"),
  "the document of a sibling frame": () => window.top?.[0]?.document.body,
  "reading cookies": () => document.cookie,
  "writing a cookie": () => {
    document.cookie = "a=b";
  },
  "local storage": () => localStorage.length,
  "session storage": () => sessionStorage.length,
  "a database": () => indexedDB.open("x"),
  "a cache": () => caches.open("x"),
  "a service worker": () => navigator.serviceWorker.register("/x.js"),
  "the file system": () => navigator.storage.getDirectory(),
  locks: () => navigator.locks.request("x", () => undefined),
  "another address for its history": () => history.pushState(null, "", "http://other.localhost/"),
  "the domain of its origin": () => {
    document.domain = "localhost";
  },
  "access to storage of the site": () => document.requestStorageAccess(),
  "a passkey": () => navigator.credentials.get({ publicKey: { challenge: new Uint8Array(16) } }),
  "a new passkey": () => {
    const user = { id: new Uint8Array(8), name: "x", displayName: "x" };
    return navigator.credentials.create({ publicKey: { challenge: new Uint8Array(16), rp: { name: "x" }, user, pubKeyCredParams: [] } });
  },
  "the camera": () => navigator.mediaDevices.getUserMedia({ video: true }),
  "the screen": () => navigator.mediaDevices.getDisplayMedia(),
  "the clipboard": () => navigator.clipboard.readText(),
  "the whole screen": () => document.body.requestFullscreen(),
};
