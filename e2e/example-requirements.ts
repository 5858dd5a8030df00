import { type Requirement, scenario } from "./requirement.ts";

/** What a developer is promised who starts from nothing or from an example. */
export const exampleRequirements: readonly Requirement[] = [
  {
    id: "kit-new-1",
    rule: "An app made by one command runs beside a local host after two more: its view opens without a sign-in, and the view's own call waits for one.",
    shownBy: [
      scenario("new-app", "opens its view without a sign-in, and the view's own call waits for the sign-in and shows what came"),
      scenario("new-app", "works by a link in a host that signs nobody in, from the first moment that its button can be pressed"),
      scenario("new-app", "gives a view a link of the wallet, for hosts that sign nobody in"),
      scenario("new-app", "has a view that everybody can read at 360 px"),
    ],
  },
  {
    id: "kit-examples-1",
    rule: "The examples do what they show with a real wallet and bank, seen from the official client.",
    shownBy: [
      { file: "e2e/examples/mixed-auth.test.ts", title: "answers everybody, and shows more to whoever is signed in" },
      { file: "e2e/examples/step-up.test.ts", title: "asks for each scope when a call needs it, and for none twice" },
      { file: "e2e/examples/step-up.test.ts", title: "asks for a scope from inside a handler, and the same call goes on" },
      { file: "e2e/examples/payment.test.ts", title: "sells one ticket for one approval, to whoever approved" },
      { file: "e2e/examples/payment.test.ts", title: "completes a sale whose call nobody sends again" },
      scenario("examples", "asks its user for the scope that is missing, and the same call goes on"),
      { file: "e2e/examples/guest-link.test.ts", title: "serves a view in a host that signs nobody in" },
    ],
  },
];
