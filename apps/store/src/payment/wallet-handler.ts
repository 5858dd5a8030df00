/**
 * How agents' protocols are told that this shop is paid: the buyer approves on the wallet's own page. A name of the project's own (reverse domain), because no
 * protocol has one for it. No credential ever passes through the agent.
 */
export const walletHandler: { readonly name: string; readonly id: string; readonly version: string; readonly instrument: string } = {
  name: "org.countersign.wallet_approval",
  id: "wallet",
  version: "2026-11-01",
  instrument: "wallet_approval",
};
