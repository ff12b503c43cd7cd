import { fromBase64, toBase64, utf8 } from "../shared/bytes.ts";
import { invalidRequest, quote } from "../shared/errors.ts";
import { checkObject, knownOptions } from "../shared/validate.ts";

/** The keys that a queue encrypts with. */
export interface EncryptionOptions {
  /** The name of the key that encrypts. */
  readonly current: string;
  /**
   * All keys by their names: 32 bytes in base64, as `openssl rand -base64 32` prints them. Each of them decrypts. A
   * name has 1 to 32 letters, digits, hyphens and underscores. It is stored with each cipher text.
   */
  readonly keys: Readonly<Record<string, string>>;
}

// A cipher text is the name of its key, a dot, and in base64 its IV, the encrypted bytes and the tag.
const keyName = /^[\w-]{1,32}$/;
const IV_BYTES = 12;

/** Reads the option of a queue. @throws {TidegateError} `invalid_request`, which never has a key. */
export function readEncryption(given: EncryptionOptions | undefined): EncryptionOptions | undefined {
  if (given === undefined) return undefined;
  const { current, keys } = knownOptions(given, ["current", "keys"], "encryption");
  checkObject(keys, "encryption.keys must be an object of keys by their names.");
  for (const [name, key] of Object.entries(keys)) {
    if (!keyName.test(name))
      throw invalidRequest("Each name in encryption.keys must have 1 to 32 letters, digits, hyphens and underscores.");
    if (typeof key !== "string" || !/^[A-Za-z0-9+/]{43}=$/.test(key))
      throw invalidRequest(
        `The key ${quote(name)} of encryption.keys must be 32 bytes in base64, as "openssl rand -base64 32" prints them.`,
      );
  }
  if (typeof current !== "string" || !Object.hasOwn(keys, current))
    throw invalidRequest("encryption.current must be the name of one of encryption.keys.");
  return { current, keys: { ...keys } };
}

export type Keys = ReturnType<typeof openKeys>;

/** Encrypts and decrypts the texts of one queue with AES-256-GCM. */
export function openKeys(queue: string, { current, keys }: EncryptionOptions) {
  // Holds the keys, not promises of them: workerd refuses to await a promise that another request made.
  const imported = new Map<string, CryptoKey>();

  const keyOf = async (name: string): Promise<CryptoKey | undefined> => {
    const known = imported.get(name);
    if (known || !Object.hasOwn(keys, name)) return known;
    const bytes = fromBase64(keys[name] ?? "") as Uint8Array<ArrayBuffer>;
    const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
    imported.set(name, key);
    return key;
  };

  const algorithm = (iv: Uint8Array<ArrayBuffer>, place: string) => {
    const additionalData = utf8(JSON.stringify([queue, place]));
    return { name: "AES-GCM", iv, additionalData } as const;
  };

  return {
    isCurrent: (sealed: string) => sealed.startsWith(`${current}.`),
    /** Encrypts a text. Only `open` with the same place decrypts it. @param place what the text is, and of what. */
    async seal(text: string, place: string): Promise<string> {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const key = (await keyOf(current)) as CryptoKey;
      const bytes = utf8(text);
      const encrypted = new Uint8Array(await crypto.subtle.encrypt(algorithm(iv, place), key, bytes));
      const all = new Uint8Array(IV_BYTES + encrypted.length);
      all.set(iv);
      all.set(encrypted, IV_BYTES);
      return `${current}.${toBase64(all)}`;
    },
    /** Decrypts a text; undefined if its key is missing. Rejects if it was changed, or sealed for another place. */
    async open(sealed: string, place: string): Promise<string | undefined> {
      const dot = sealed.indexOf(".");
      const key = await keyOf(sealed.slice(0, Math.max(0, dot)));
      if (!key) return undefined;
      const all = fromBase64(sealed.slice(dot + 1));
      if (!all) throw new Error("This is not base64.");
      const iv = all.subarray(0, IV_BYTES);
      const bytes = await crypto.subtle.decrypt(algorithm(iv, place), key, all.subarray(IV_BYTES));
      return new TextDecoder().decode(bytes);
    },
  };
}
