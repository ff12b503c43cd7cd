import { decode, encode, SEALED, SEALED_VERSION, sealedAs, VERSION } from "../job/codec.ts";
import { isObject } from "../shared/schema.ts";
import { isOccurrenceJobId } from "../store/occurrence-id.ts";
import type { SealedTexts } from "../store/store.ts";
import type { Keys } from "./keys.ts";

// Records whose secret fields are encrypted: "payload":... becomes "~payload":"k2.BASE64", at the same place. So a
// store finds in the record all that it looks for there.

/** The fields of jobs, schedules, failures, steps, signals and documents that are encrypted, wherever they are. */
const secret: ReadonlySet<string> = new Set([
  ...["payload", "hidden", "progress", "logs", "message", "stack", "result", "data", "text"],
]);

/** Whose record it is. No id of a job begins with a space. */
export const ofSchedule = (key: string): string => ` schedule:${key}`;
const ofSignal = (id: unknown): string => ` signal:${String(id)}`;
const ofDebounce = (key: string): string => ` debounce:${key}`;

type Fields = Readonly<Record<string, unknown>>;

/**
 * What the payload of a job is bound to: its id, unless the cipher text is made before the id is known. All jobs of a
 * schedule have the payload of the schedule. A job that replaces another one gets the id of that one.
 */
function ownerOfPayload({ occurrence, debounce }: Fields, id: string): string {
  if (typeof debounce === "string") return ofDebounce(debounce);
  const isOccurrence =
    isObject(occurrence) && isOccurrenceJobId(id) && id.slice(0, id.lastIndexOf("@")) === occurrence["key"];
  return isOccurrence ? ofSchedule(occurrence["key"] as string) : id;
}

/** A secret field: where it is, and what it is bound to. */
interface Secret {
  readonly fields: Fields;
  readonly name: string;
  /** Its owner, the step that it belongs to, and its name. */
  readonly place: string;
}

/** Finds secret fields. It never looks into one, so no value of a user is taken for a field. */
function* secretsIn(fields: Fields, owner: string, ownerOfPayload: string, step = ""): Generator<Secret> {
  for (const [name, value] of Object.entries(fields)) {
    const plain = name.startsWith(SEALED) ? name.slice(SEALED.length) : name;
    if (secret.has(plain)) {
      const isPayload = plain === "payload" || plain === "hidden";
      yield { fields, name, place: JSON.stringify([isPayload ? ownerOfPayload : owner, step, plain]) };
      continue;
    }
    for (const each of Array.isArray(value) ? value : [value]) {
      if (!isObject(each)) continue;
      const from = name === "signal" ? ofSignal(each["id"]) : owner;
      yield* secretsIn(each, from, ownerOfPayload, name === "steps" ? String(each["name"]) : step);
    }
  }
}

function secretsOf(record: Fields, id: string): readonly Secret[] {
  return [...secretsIn(record, id, ownerOfPayload(record, id))];
}

const sealedField = new RegExp(`"${SEALED}(\\w+)":"([^"]*)"`, "g");

/** The fields with these cipher texts in place of secret values, in the same order. */
function withSealed(fields: Fields, texts: ReadonlyMap<Fields, ReadonlyMap<string, string>>): Fields {
  const own = texts.get(fields);
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const sealed = own?.get(name);
      if (sealed !== undefined) return [SEALED + name, sealed];
      if (Array.isArray(value)) return [name, value.map((each) => (isObject(each) ? withSealed(each, texts) : each))];
      return [name, isObject(value) ? withSealed(value, texts) : value];
    }),
  );
}

/**
 * Encrypts the secret fields of a record. Those that could not be decrypted stay as they are.
 *
 * @param id of the job, or `ofSchedule` of a key.
 * @param kept the cipher texts that the record has now: what has not changed keeps its own. Afterwards those that it
 *   has got.
 */
export async function sealRecord(text: string, id: string, keys: Keys, kept: SealedTexts = new Map()): Promise<string> {
  const record = decode<Fields>(text);
  const secrets = record ? secretsOf(record, id) : [];
  if (!record || secrets.length === 0) return text;
  const texts = new Map<Fields, Map<string, string>>();
  const used = new Set<string>();
  const seal = async ({ fields, name, place }: Secret) => {
    const own = texts.get(fields) ?? new Map<string, string>();
    texts.set(fields, own);
    const plain = JSON.stringify(fields[name]);
    const key = place + plain;
    const sealed = kept.get(key) ?? keys.seal(plain, place);
    used.add(key);
    kept.set(key, sealed);
    own.set(name, await sealed);
  };
  await Promise.all(secrets.filter(({ name }) => !name.startsWith(SEALED)).map(seal));
  for (const key of kept.keys()) if (!used.has(key)) kept.delete(key);
  return sealedAs(encode(withSealed(record, texts)));
}

/**
 * Decrypts the secret fields of a record, but for those that do not decrypt. `isTampered`: one does not, although its
 * key is there. Never rejects.
 *
 * @param kept gets the cipher texts that can stay.
 */
export async function openRecord(text: string, id: string, keys: Keys, kept?: SealedTexts) {
  const record = text.includes(`"${SEALED}`) ? decode<Fields>(text) : undefined;
  if (!record) return { text, isTampered: false };
  const secrets = secretsOf(record, id).filter(({ name }) => name.startsWith(SEALED));
  const plain = new Map<string, string>();
  let isTampered = false;
  const open = async ({ fields, name, place }: Secret) => {
    const sealed = String(fields[name]);
    const opened = await keys.open(sealed, place).catch(() => {
      isTampered = true;
      return undefined;
    });
    if (opened === undefined) return;
    plain.set(sealed, opened);
    if (keys.isCurrent(sealed)) kept?.set(place + opened, sealed);
  };
  await Promise.all(secrets.map(open));
  const opened = text.slice(VERSION.length).replace(sealedField, (field, name: string, sealed: string) => {
    const value = plain.get(sealed);
    return value === undefined ? field : `"${name}":${value}`;
  });
  const isOpen = secrets.every(({ fields, name }) => plain.has(String(fields[name])));
  return { text: (isOpen ? VERSION : SEALED_VERSION) + opened, isTampered };
}

export function isStale(text: string, id: string, keys: Keys): boolean {
  const record = decode<Fields>(text);
  return (
    record !== undefined &&
    secretsOf(record, id).some(({ fields, name }) => !name.startsWith(SEALED) || !keys.isCurrent(String(fields[name])))
  );
}
