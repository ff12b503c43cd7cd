export const RESPONSE_WITHIN_MS = 10_000;

/** Sends a request without a body. A redirect would pass its tokens on. */
export async function post(
  fetch: (input: string, init: RequestInit) => Promise<Response>,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const signal = AbortSignal.timeout(RESPONSE_WITHIN_MS);
  const response = await fetch(url, { method: "POST", headers, redirect: "manual", signal });
  await response.body?.cancel();
  return response;
}
