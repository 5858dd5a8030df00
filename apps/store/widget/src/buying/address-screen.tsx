import type { VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, ScreenHeading, WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { type Address, type AddressPart, addressParts, noAddress, problemsOf } from "./address.ts";
import { isChanging } from "./buying-state.ts";
import type { Checkout } from "./checkout.ts";

type Choice = readonly [value: string, title: string];

/** Where the order goes. What is missing is said beside its field; what the shop refuses, above. */
export function AddressScreen({ checkout }: { readonly checkout: Checkout }): VNode {
  const { state, format, dispatch } = useShop();
  const address = state.typed?.checkoutId === checkout.id ? state.typed.address : firstAddress(checkout, state.lastAddress);
  const [problems, setProblems] = useState<ReturnType<typeof problemsOf>>({});
  const form = useRef<HTMLFormElement>(null);
  const regions = checkout.destinations.find(({ country }) => country === address.country)?.regions ?? [];
  const countries = checkout.destinations.map(({ country }): Choice => [country, format.country(country)]);
  // The first field with a problem gets the focus, so that its words are read: before it is painted, so that no key goes to another.
  useLayoutEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [problems]);
  const set = (part: AddressPart, value: string): void =>
    dispatch({ type: "typed", checkoutId: checkout.id, address: { ...address, [part]: value, ...(part === "country" ? { region: "" } : {}) } });
  const submit = (): void => {
    const found = problemsOf(address, regions);
    setProblems(found);
    if (Object.keys(found).length === 0) dispatch({ type: "want", wish: { address } });
  };
  const field = (part: AddressPart, choices?: readonly Choice[]): VNode => (
    <Field part={part} value={address[part]} problem={problems[part]} choices={choices} onChange={(value) => set(part, value)} onEnter={submit} />
  );
  return (
    <section class="stack narrow" data-testid="address">
      <button type="button" class="button button-quiet button-small back" onClick={() => dispatch({ type: "go", screen: "checkout" })}>
        <Icon name="arrow_left" />
        Back to order
      </button>
      <ScreenHeading>Where shall it go?</ScreenHeading>
      <form ref={form} class="stack" noValidate aria-label="Address">
        {field("name")}
        {field("country", [["", "Choose a country"], ...countries])}
        {field("line1")}
        {field("line2")}
        <div class="field-pair">
          {field("postalCode")}
          {field("city")}
        </div>
        {regions.length === 0 ? null : field("region", [["", "Choose a state or region"], ...regions.map(({ code, name }): Choice => [code, name])])}
        <WorkButton class="button button-primary button-large button-block" testId="use-address" busy={isChanging(state, checkout)} onPress={submit}>
          Send it here
        </WorkButton>
      </form>
    </section>
  );
}

interface FieldProps {
  readonly part: AddressPart;
  readonly value: string;
  readonly problem: string | undefined;
  readonly choices: readonly Choice[] | undefined;
  readonly onChange: (value: string) => void;
  /** A frame without leave for forms does not submit them: Enter is taken here. */
  readonly onEnter: () => void;
}

function Field({ part, value, problem, choices, onChange, onEnter }: FieldProps): VNode {
  const { label, fill, lengthMax } = addressParts[part];
  const id = `address-${part}`;
  const shared = {
    id,
    name: part,
    value,
    autocomplete: `shipping ${fill}` as const,
    "aria-invalid": problem !== undefined,
    "aria-describedby": problem === undefined ? undefined : `${id}-problem`,
    "aria-required": part !== "line2",
  };
  return (
    <div class="field">
      <label class="label" for={id}>
        {label}
      </label>
      {choices === undefined ? (
        <input
          {...shared}
          class="input"
          type="text"
          maxLength={lengthMax}
          onInput={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.isComposing) {
              event.preventDefault();
              onEnter();
            }
          }}
        />
      ) : (
        <select {...shared} class="select" onChange={(event) => onChange(event.currentTarget.value)}>
          {choices.map(([code, title]) => (
            <option key={code} value={code}>
              {title}
            </option>
          ))}
        </select>
      )}
      {problem === undefined ? null : (
        <span id={`${id}-problem`} class="field-error">
          {problem}
        </span>
      )}
    </div>
  );
}

/** What the order has, else what the last one had, else the only country that there is. */
function firstAddress({ address, destinations }: Checkout, last: Address | undefined): Address {
  const [first, ...others] = destinations;
  const only = first !== undefined && others.length === 0 ? first.country : "";
  return address ?? last ?? { ...noAddress, country: only };
}
