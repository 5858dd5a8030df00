import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type SchemaFiles, UnfitFolder } from "./schema-folder.ts";

const base = "https://schemas.invalid/";

/** Says what is wrong with a value as a schema has it: each fault with its path. `reference` is a file of the folder and, after `#`, a JSON pointer. */
export interface SchemaJudge {
  faultsOf(reference: string, value: unknown): readonly string[];
}

/**
 * Compiles the files as JSON Schema 2020-12. Each is known by its path, whatever `$id` it gives itself, because that is how they refer to each other.
 * A reference that leads nowhere throws {@link UnfitFolder} when it is first met.
 */
export function createSchemaJudge(files: SchemaFiles): SchemaJudge {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, logger: false });
  addFormats.default(ajv);
  for (const [name, schema] of files) {
    if (typeof schema === "object" && schema !== null && !Array.isArray(schema)) ajv.addSchema({ ...schema, $id: base + name });
  }
  return {
    faultsOf(reference, value) {
      const validate = compile(ajv, reference);
      if (validate(value)) return [];
      const faults = (validate.errors ?? []).map(({ instancePath, message, params }) => {
        return `${instancePath === "" ? "/" : instancePath}: ${message ?? "does not fit"} ${JSON.stringify(params)}`;
      });
      return [...new Set(faults)];
    },
  };
}

function compile(ajv: Ajv2020, reference: string): NonNullable<ReturnType<Ajv2020["getSchema"]>> {
  try {
    const validate = ajv.getSchema(base + reference);
    if (validate !== undefined) return validate;
  } catch (thrown) {
    throw new UnfitFolder(`The schemas do not fit together: ${thrown instanceof Error ? thrown.message.replaceAll(base, "") : String(thrown)}`);
  }
  throw new UnfitFolder(`The schemas have no ${reference}`);
}
