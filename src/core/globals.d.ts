// All that the core takes from its platform, beyond the language: what Node, workerd, browsers, Deno and Bun have in
// common. The core is checked against this file, without the types of the DOM and of Node. Everything else sees the
// full types of these globals instead.

type Bytes = Uint8Array<ArrayBuffer>;

interface AbortSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
declare const AbortSignal: { new (): AbortSignal };

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  encode(text: string): Bytes;
  encodeInto(text: string, target: Uint8Array): { readonly read: number; readonly written: number };
}

declare class TextDecoder {
  decode(bytes: ArrayBuffer | Uint8Array): string;
}

interface Timer {
  readonly timer: unique symbol;
}
declare function setTimeout(callback: () => void, ms: number): Timer;
declare function clearTimeout(timer: Timer): void;

interface CryptoKey {
  readonly type: string;
}
interface AesGcm {
  readonly name: "AES-GCM";
  readonly iv: Bytes;
  readonly additionalData: Bytes;
}
declare const crypto: {
  getRandomValues(bytes: Bytes): Bytes;
  readonly subtle: {
    digest(algorithm: "SHA-1" | "SHA-256", data: Bytes): Promise<ArrayBuffer>;
    importKey(
      format: "raw",
      bytes: Bytes,
      algorithm: { readonly name: "HMAC"; readonly hash: "SHA-256" } | "AES-GCM",
      extractable: boolean,
      usages: ("sign" | "verify" | "encrypt" | "decrypt")[],
    ): Promise<CryptoKey>;
    encrypt(algorithm: AesGcm, key: CryptoKey, data: Bytes): Promise<ArrayBuffer>;
    decrypt(algorithm: AesGcm, key: CryptoKey, data: Bytes): Promise<ArrayBuffer>;
    sign(algorithm: "HMAC", key: CryptoKey, data: Bytes): Promise<ArrayBuffer>;
    verify(algorithm: "HMAC", key: CryptoKey, signature: Bytes, data: Bytes): Promise<boolean>;
  };
};

declare function atob(text: string): string;

declare const console: Record<"warn" | "error", (...values: readonly unknown[]) => void>;
