import type { EpochMs } from "@countersign/protocol/brand";
import { formatUserCode } from "@countersign/protocol/device-code";
import { askerOf, clientAddressHeader } from "@countersign/service/client-address";
import type Provider from "oidc-provider";
import { networkOf } from "../audit/log.ts";
import type { DeviceOrigin } from "../pages/device.ts";
import { type DeviceStart, readDeviceStart } from "./device-start.ts";

/** A device that waits for the person at this browser. */
export interface OpenDevice {
  readonly jti: string;
  /** As it is shown, without the number. */
  readonly userCode: string;
  readonly start: DeviceStart;
  readonly expiresAt: EpochMs;
  /** Whether the request came from the network of this browser. */
  readonly sameNetwork: boolean;
}

/** The device of an interaction; undefined once its code is over or decided. */
export async function findOpenDevice(provider: Provider, jti: string, request: Request, now: EpochMs): Promise<OpenDevice | undefined> {
  const code = await provider.DeviceCode.find(jti, { ignoreExpiration: true });
  if (code?.exp === undefined || code.exp * 1000 <= now || code.accountId !== undefined || code.error !== undefined) return undefined;
  const start = readDeviceStart(code.deviceInfo);
  return {
    jti,
    userCode: formatUserCode({ letters: code.userCode }),
    start,
    expiresAt: code.exp * 1000,
    sameNetwork: isSameNetwork(start, request),
  };
}

/** Where another screen asked from, with what, and when. */
export type AskedFrom = Pick<DeviceStart, "address" | "agent" | "startedAt">;

/** Whether somebody asked from the network of this browser. */
export function isSameNetwork(start: AskedFrom, request: Request): boolean {
  return askerOf(start.address) === askerOf(request.headers.get(clientAddressHeader) ?? "");
}

/** Where and when a device asked, as the page says it. */
export function originOf(device: Pick<OpenDevice, "sameNetwork"> & { readonly start: AskedFrom }, now: EpochMs): DeviceOrigin {
  const { address, agent, startedAt } = device.start;
  return { place: networkOf(address) ?? "", agent, sameNetwork: device.sameNetwork, ageMinutes: Math.max(0, Math.floor((now - startedAt) / 60_000)) };
}
