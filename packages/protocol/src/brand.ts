declare const brand: unique symbol;

/** A `T` that has passed the validation named `Name`; only the validating function may produce it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A canonical resource identifier (RFC 8707 section 2, RFC 9728 section 1.2). Made by `resource.ts`. */
export type ResourceUri = Brand<string, "ResourceUri">;

/** An authorization server's issuer identifier (RFC 8414 section 2), compared only as a plain string. */
export type Issuer = Brand<string, "Issuer">;

/** A URL that may be opened in the user's browser: http(s), no credentials, bounded length. */
export type BrowserUrl = Brand<string, "BrowserUrl">;

/** Milliseconds since 1970-01-01T00:00:00Z. Time always enters as an argument. */
export type EpochMs = number;
