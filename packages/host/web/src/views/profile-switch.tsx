import { defaultProfile, hostNames, profileNames, readProfile } from "@countersign/protocol/host-profile";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { useConsole, useServices } from "./services.ts";

/** Which host this one acts out for the user. The other pages of the user hear of a change by the event. */
export function ProfileSwitch(): JSX.Element {
  const { console } = useServices();
  const profile = useConsole((state) => state.profile);
  const ready = useConsole((state) => state.phase === "ready");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const choose = async (field: HTMLSelectElement): Promise<void> => {
    const chosen = readProfile(field.value) ?? defaultProfile;
    setBusy(true);
    const answer = await console.chooseProfile(chosen);
    setBusy(false);
    setProblem(answer.ok ? undefined : answer.error.message);
    if (!answer.ok) field.value = profile;
  };
  return (
    <div class="field">
      <label class="label" for="profile">
        Act as
      </label>
      <select
        id="profile"
        class="select"
        data-testid="profile"
        aria-describedby="profile-hint"
        value={profile}
        disabled={busy || !ready}
        onChange={({ currentTarget }) => void choose(currentTarget)}
      >
        {profileNames.map((name) => (
          <option key={name} value={name}>
            {hostNames[name]}
          </option>
        ))}
      </select>
      <p id="profile-hint" class="hint">
        {profile === defaultProfile
          ? "Servers and apps meet Countersign as it is. Choose another host to see what they meet there."
          : `Calls, sign-in and views go as at ${hostNames[profile]}, as far as it is known.`}
      </p>
      {problem !== undefined && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

/** Says in the header that another host is acted out, so that nobody forgets it. */
export function ProfileMark({ onShow }: { readonly onShow: () => void }): JSX.Element | null {
  const profile = useConsole((state) => state.profile);
  if (profile === defaultProfile) return null;
  return (
    <button
      type="button"
      class="badge badge-warn acting"
      data-testid="profile-mark"
      aria-label={`Acting as ${hostNames[profile]}`}
      title="Show the setting"
      onClick={onShow}
    >
      <Icon name="sliders" size="small" />
      <span class="truncate">
        <span class="acting-words">Acting as </span>
        {hostNames[profile]}
      </span>
    </button>
  );
}
