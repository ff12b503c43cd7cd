/** A call of a service, as the examples of steps make it. */
export interface ServiceCall {
  readonly service: string;
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const ROWS = 25;
const ROWS_OF_PAGE = 2;

/**
 * The services that examples/guide/steps calls. The model replies to each third call with 429 first, and the partner's
 * list has 25 rows in pages of 2.
 *
 * @param retryAfter how many seconds the model then asks for.
 */
export function stepServices({ retryAfter = 1 } = {}) {
  const calls: ServiceCall[] = [];
  const limited = new Set<string>();
  let isWarehouseBroken = false;

  const replyOf = ({ service, body }: ServiceCall): unknown => {
    if (service === "model") return { text: `note ${calls.filter((call) => call.service === "model").length}` };
    if (service === "warehouse/shipments") return { parcel: `parcel of ${body["order"]}` };
    if (service.startsWith("carriers/")) return { price: 10 * calls.length };
    if (service !== "customers") return {};
    const from = Number(body["cursor"] || 0);
    const to = Math.min(from + ROWS_OF_PAGE, ROWS);
    const rows = Array.from({ length: to - from }, (_, index) => ({ id: `customer-${from + index}`, name: "Ada" }));
    return { rows, next: to < ROWS ? String(to) : null, total: ROWS };
  };

  return {
    calls,
    keysOf: (service: string) => calls.filter((call) => call.service === service).map(({ key }) => key),
    /** From now on, nothing can be shipped. */
    breakWarehouse: () => {
      isWarehouseBroken = true;
    },
    async fetch(request: Request): Promise<Response> {
      const service = new URL(request.url).pathname.slice(1);
      const key = request.headers.get("Idempotency-Key") ?? "";
      const call = { service, key, body: (await request.json()) as ServiceCall["body"] };
      if (service === "model" && calls.length % 3 === 2 && !limited.has(key)) {
        limited.add(key);
        return new Response(null, { status: 429, headers: { "Retry-After": String(retryAfter) } });
      }
      calls.push(call);
      if (service === "warehouse/shipments" && isWarehouseBroken) return new Response(null, { status: 503 });
      return Response.json(replyOf(call));
    },
  };
}
