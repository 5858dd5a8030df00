const overLimit: Readonly<Record<string, string>> = {
  payment: "This payment is over your limit for one payment.",
  otherDevice: "This payment is over your limit for payments that you approve on another device.",
  day: "With this payment you would pass your limit for today.",
  month: "With this payment you would pass your limit for this month.",
  payee: "With this payment you would pass your limit for this shop and month.",
  currency: "You have set no limit for this currency, so nothing can be paid in it.",
};

/** Every English sentence of the wallet's pages. */
export const text = {
  productName: "Countersign Wallet",
  cancel: "Cancel",
  tryAgain: "Try again",
  backTo: (client: string): string => `Back to ${client}`,
  needsScript: "Passkeys need JavaScript. Please switch it on and load this page again.",
  signedInAs: (name: string): string => `Signed in as ${name}`,

  landing: {
    title: "Your wallet",
    lead: "Apps ask here before they act for you. You see who asks, for what, and how much; your passkey is the answer.",
    points: [
      "Sign in with a passkey. There is no password to lose.",
      "A payment needs your passkey each time, for exactly the amount and the payee you see.",
      "What you approve is used once.",
    ],
  },

  login: {
    title: "Sign in",
    lead: (client: string): string => `to go on to ${client}`,
    leadPayment: (client: string): string => `to see the payment that ${client} asks for`,
    returnsTo: (host: string): string => `You will return to ${host}.`,
    signIn: "Sign in with a passkey",
    or: "New here?",
    create: "Create a passkey",
    name: "Your name",
    nameHint: "Optional. Only you and the bank see it.",
  },

  consent: {
    title: (client: string): string => `Allow ${client}?`,
    titleAgain: (client: string): string => `Go on to ${client}`,
    lead: (client: string, resource: string): string => `${client} wants to use ${resource} for you:`,
    leadAgain: (resource: string): string => `You allowed this for ${resource} before:`,
    identity: "Know your wallet id",
    returnsTo: (host: string): string => `You will return to ${host}.`,
    thisDevice: (host: string): string => `this device (${host})`,
    allow: "Allow",
    proceed: "Continue",
    from: "From",
    unnamed: "An app without a name",
    warnings: {
      this_device: "This app runs on your device, where other programs can use its name. Allow it only if you have just started it yourself.",
      unchecked: "This app registered itself: nobody has checked its name or who runs it. Allow it only if you trust the address below.",
      unchecked_on_this_device:
        "This app registered itself and runs on your device: nobody has checked its name or who runs it. Allow it only if you have just started it yourself.",
    },
  },

  payment: {
    title: (payee: string): string => `Pay ${payee}`,
    pays: "Pay from",
    askedBy: "Asked by",
    expires: "Open for",
    minutes: (minutes: number): string => (minutes === 1 ? "1 minute" : `${minutes} minutes`),
    item: (name: string, quantity: number): string => (quantity === 1 ? name : `${quantity} × ${name}`),
    total: "Total",
    approve: (amount: string): string => `Approve ${amount}`,
    approveHint: "You confirm with your passkey.",
    decline: "Decline",
    available: (description: string, amount: string): string => `${description}, ${amount} available`,
    insufficient: (amount: string): string => `There is not enough money in this account. ${amount} are available.`,
    bankDownTitle: "Your bank does not answer",
    bankDown: "The payment is still open and nothing was charged. Please try again in a moment.",
    unavailableTitle: "This payment cannot be approved",
  },

  limits: {
    overTitle: "Over a limit",
    /** `limit` is the name of the one that does not let the payment through. */
    over: (limit: string): string =>
      `${overLimit[limit] ?? "This payment is over a limit of your wallet."} Nothing was charged. You change limits on your account page.`,
  },

  unavailable: {
    unknown: "The payment is not known here. Please start it again in the app.",
    expired: "The time to approve this payment is over. Please start it again in the app.",
    approved: "This payment is already approved. The shop completes it by itself.",
    denied: "This payment was declined.",
    other_resource: "The app asked for a payment of another shop, so it is not shown.",
  },

  link: {
    approved: { heading: "Approved", message: "The shop completes your order by itself. You can close this page." },
    notApproved: { heading: "Not approved", message: "Nothing was charged. You can close this page." },
  },

  account: {
    open: "Open your account",
    navigation: "Your account",
    sections: { overview: "Overview", passkeys: "Passkeys", apps: "Apps", payments: "Payments", sessions: "Sessions" },
    signOut: "Sign out",
    signedOutTitle: "You are signed out",
    signedOut: "Your apps stay connected. Sign in again to see your account.",
    signInAgain: "Sign in",
    back: "Back to your account",
    title: (name: string): string => `Hello, ${name}`,
    name: "Your name",
    nameHint: "Shown to you here, and to your bank as the holder of your account.",
    save: "Save",
    id: "Wallet id",
    since: "Member since",
  },

  error: {
    title: "This did not work",
    expiredTitle: "This page is no longer open",
    expired: "The sign-in took too long, was finished already, or belongs to another browser. Please start again in the app.",
    notSignedIn: "You are no longer signed in. Please sign in again.",
    forbidden: "This request did not come from the wallet's own page, so nothing was done.",
    changed: "What this page showed has changed since. Please look again.",
    notFoundTitle: "Nothing is here",
    notFound: "Please check the address.",
    busyTitle: "Please wait a little",
    busy: "This was asked too often in a short time. Nothing was done. Please try again in a minute.",
    unknownClient: "The app that sent you here is not known to this wallet, so you were not sent back to it.",
    badRedirect: "The app asked for the answer at an address that it has not registered, so you were not sent there.",
    badRequest: "The app's request is not valid. Please go back to the app and try again.",
    server: "Something went wrong on our side. Please try again.",
  },

  ceremony: {
    waiting: "Waiting for your passkey…",
    cancelled: "The passkey was not used. You can try again.",
    unsupported: "This browser does not support passkeys.",
    offline: "The wallet does not answer. Please check your connection and try again.",
    exists: "This passkey is already known here. Sign in with it.",
  },
} as const;
