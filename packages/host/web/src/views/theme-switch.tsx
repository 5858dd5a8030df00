import type { IconName } from "@countersign/look/icons";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ThemeChoice } from "../theme.ts";
import { Icon } from "./icon.tsx";
import { useServices } from "./services.ts";

const choices: readonly (readonly [ThemeChoice, IconName, string])[] = [
  ["auto", "theme_auto", "As the system"],
  ["light", "sun", "Light"],
  ["dark", "moon", "Dark"],
];

/** Auto, light or dark. */
export function ThemeSwitch(): JSX.Element {
  const { theme } = useServices();
  const [chosen, setChosen] = useState(theme.choice);
  useEffect(() => theme.subscribe(() => setChosen(theme.choice())), [theme]);
  return (
    <fieldset class="segments" data-testid="theme">
      <legend class="visually-hidden">Theme</legend>
      {choices.map(([choice, icon, label]) => (
        <label key={choice} class="segment" title={label}>
          <input type="radio" name="theme" class="visually-hidden" value={choice} checked={chosen === choice} onChange={() => theme.choose(choice)} />
          <Icon name={icon} size="small" />
          <span class="visually-hidden">{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
