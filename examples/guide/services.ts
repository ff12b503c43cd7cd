// The outside world of the guide's examples. It remembers what it was asked to do.

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly key?: string;
}

/** The emails that were sent. */
export const outbox: Mail[] = [];

interface MailOptions {
  /** An idempotency key, as most email services accept: one email is sent for each. */
  readonly key?: string;
  readonly signal?: AbortSignal;
}

/** Here you would call an email service. */
export async function mail(to: string, subject: string, { key, signal }: MailOptions = {}): Promise<void> {
  signal?.throwIfAborted();
  if (key !== undefined && outbox.some((sent) => sent.key === key)) return;
  outbox.push({ to, subject, ...(key !== undefined && { key }) });
}

/** The rows that were stored, by their keys. */
export const table = new Map<string, string>();

/** Here you would read a file. */
export async function readRows(file: string, signal: AbortSignal): Promise<readonly string[]> {
  signal.throwIfAborted();
  return Array.from({ length: 120 }, (_, index) => `${file}, row ${index}`);
}

/** Here you would write to a database. A row replaces one with the same key. */
export async function storeRow(key: string, row: string): Promise<void> {
  table.set(key, row);
}

/** The same for many rows at once. */
export async function storeRows(rows: readonly (readonly [key: string, row: string])[]): Promise<void> {
  for (const [key, row] of rows) table.set(key, row);
}

interface TranscodeOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (percent: number) => Promise<void>;
}

/** Here you would encode a video. Returns its address. */
export async function transcode(video: string, { signal, onProgress }: TranscodeOptions): Promise<string> {
  signal.throwIfAborted();
  await onProgress(50);
  return `https://videos.example.com/${video}`;
}
